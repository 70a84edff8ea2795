"""All sources of a run merged by time: the same recipe gives the same stream, apart from the moment it starts at."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from operator import attrgetter

from packtrace.errors import RefusedError
from packtrace.simulator.faults import FAULTS, play
from packtrace.simulator.line import POOLS_PER_LINE, Line
from packtrace.simulator.messages import Message
from packtrace.simulator.noise import noisy
from packtrace.simulator.partners import Partners
from packtrace.simulator.recipe import Recipe
from packtrace.simulator.truth import Run, Truth


class Stream:
    """The messages of a run in the order in which they go out, and the truth about them.

    Args:
        start: event time of the first unit, microseconds since 1970 UTC. Its milliseconds are the boot number of every
            source, so that two runs never share an event id.
    """

    def __init__(self, recipe: Recipe, start: int) -> None:
        self.recipe = recipe.check()
        boot = start // 1000
        partners = Partners(recipe, boot)
        self.lines = [Line(number, recipe, start, boot, partners) for number in range(recipe.lines)]
        self._planted, planted = play(recipe, start, boot, POOLS_PER_LINE * recipe.lines)
        self.truth = Truth(Run(recipe.seed, boot), tuple(planted))

    def __iter__(self) -> Iterator[Message]:
        """May be read once."""
        at = attrgetter("at")
        made: Iterator[Message] = merge(*(line.messages() for line in self.lines), key=at)
        if self.recipe.noise:
            made = noisy(made, self.recipe.seed, self.recipe.noise)
        return merge(made, self._planted, key=at)

    def stop(self) -> None:
        """The lines end their batch now; what they made still goes its way."""
        for line in self.lines:
            line.stopping = True

    @property
    def sample_pallet(self) -> str:
        """The last of those whose names the first line keeps; empty before the first."""
        return (self.lines[0].sample_pallets or [""])[-1]

    @property
    def units(self) -> int:
        """Commissioned by the lines so far."""
        return sum(line.units for line in self.lines)

    @property
    def cases(self) -> int:
        return sum(line.cases for line in self.lines)

    @property
    def pallets(self) -> int:
        return sum(line.pallets for line in self.lines)


def read_faults(text: str) -> dict[str, int]:
    """The option ``--faults``: ``none``, a number (of each rule), or ``rule=number,...``.

    Raises:
        RefusedError: an unknown rule, or no number of 0 to 100,000.
    """
    if text == "none":
        return {}
    if text.isascii() and text.isdigit():
        return dict.fromkeys(FAULTS, _number(text, text))
    faults: dict[str, int] = {}
    for part in text.split(","):
        rule, equals, number = part.strip().partition("=")
        if rule not in FAULTS:
            raise RefusedError(f"--faults: expected none, a number or one of {', '.join(FAULTS)}, found {rule!r}")
        faults[rule] = faults.get(rule, 0) + (_number(number, part) if equals else 1)
    return faults


def _number(text: str, part: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 100_000):
        raise RefusedError(f"--faults: expected a number from 0 to 100000, found {part!r}")
    return int(text)

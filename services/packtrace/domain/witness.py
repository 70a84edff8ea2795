"""A witness of one fold: what it concludes, and beside it each turn as it was judged.

The fold is the same with and without; a witness only writes down what passes by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from packtrace.domain.advance import Element, element_key
from packtrace.domain.order import Key, key_after
from packtrace.domain.rules.rule import Rule
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.told import Breach, Out


class Turn(NamedTuple):
    """One element of the order, once it has been judged."""

    element: Element
    key: Key
    """Where it sorts for other items."""
    before: State
    after: State
    breaches: tuple[Breach, ...]
    silenced: tuple[Rule, ...]
    """What it would have broken, had not another rule, or an exception, silenced it."""


class Exchange(NamedTuple):
    """Two neighbours that changed places."""

    first: Element
    """Of the two the first in base order; judged after ``second``."""
    second: Element
    removed: int
    """The bits of the rules they no longer break."""


class Witness(Out):
    """See the module."""

    __slots__ = ("_silenced", "exchanges", "turns")

    notes_silenced: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[Turn] = []
        self.exchanges: list[Exchange] = []
        self._silenced: list[Rule] = []

    def silence(self, rule: Rule, step: Step) -> None:
        self._silenced.append(rule)

    def exchange(self, first: Element, second: Element, removed: int) -> None:
        """Two neighbours change places; a pair that changes back has not."""
        back = [one for one in self.exchanges if one.first is second and one.second is first]
        if back:
            self.exchanges = [one for one in self.exchanges if one not in back]
        else:
            self.exchanges.append(Exchange(first, second, removed))

    def watched(self, ordered: Sequence[Element], state: State, after: Key | None) -> Iterator[Element]:
        """``ordered``, for the walk that moves ``state``: between two elements the state is that after the first."""
        latest = after
        before = state.copy()
        for element in ordered:
            latest = key_after(element_key(element), latest)
            known = len(self.breaches)
            self._silenced = []
            yield element
            now = state.copy()
            self.turns.append(Turn(element, latest, before, now, tuple(self.breaches[known:]), tuple(self._silenced)))
            before = now

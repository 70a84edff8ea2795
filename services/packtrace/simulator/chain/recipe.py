"""What world to make. The same recipe gives the same world, byte for byte."""

from __future__ import annotations

import msgspec

from packtrace.errors import RefusedError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SPAN = 30 * DAY
"""Event time from the first batch to the end; what happened a year earlier lies before."""

END_STEP = 12 * HOUR
"""A world ends at noon or midnight UTC: made again within half a day it is the same."""

END_BEFORE_NOW_MIN = 1 * HOUR
"""Everything innocent has happened when it is published."""

UNITS_MAX = 1_000_000
LINES_MAX = 24
WITHIN_HOURS_MAX = 24 * 30

NOISES = ("none", "low", "high")
ORDERS = ("arrival", "event", "shuffled")


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """One world; see ``check`` for the ranges.

    Args:
        seed: decides everything but what the other fields say.
        units: own units commissioned by the lines.
        lines: of both manufacturing sites together.
        end: microseconds since 1970 UTC; nothing innocent happens at or after it.
        noise: how much goes innocently wrong.
        faults: rule -> how often it is broken.
        order: in which events are published: as they are uploaded, as they happened, or shuffled within ``within_hours``.
    """

    seed: int
    end: int
    units: int = 2_000
    lines: int = 6
    noise: str = "none"
    faults: dict[str, int] = msgspec.field(default_factory=dict)
    order: str = "arrival"
    within_hours: float = 6

    def check(self) -> Recipe:
        """The recipe itself.

        Raises:
            RefusedError: a value out of range; one sentence.
        """
        ranges: tuple[tuple[str, float, float, float], ...] = (
            ("units", self.units, 1, UNITS_MAX),
            ("lines", self.lines, 2, LINES_MAX),
            ("hours of shuffling", self.within_hours, 0, WITHIN_HOURS_MAX),
        )
        for name, value, least, most in ranges:
            if not least <= value <= most:
                raise RefusedError(f"{name}: expected {least:g} to {most:g} in a labelled world, found {value:g}")
        for name, word, words in (("noise", self.noise, NOISES), ("order", self.order, ORDERS)):
            if word not in words:
                raise RefusedError(f"{name}: expected one of {', '.join(words)}, found {word!r}")
        if self.end % SECOND:
            raise RefusedError("end of the world: expected whole seconds")
        return self

    @property
    def start(self) -> int:
        return self.end - SPAN

    @property
    def boot(self) -> int:
        """Second part of every event id: two worlds share it only when seed and end are the same."""
        return self.end // SECOND * 1_000_000 + self.seed % 1_000_000


def last_end(now: int) -> int:
    """The end of a world that is published ``now`` (microseconds)."""
    return (now - END_BEFORE_NOW_MIN) // END_STEP * END_STEP

"""What to simulate. The same recipe gives the same stream, apart from the moment it starts at."""

from __future__ import annotations

import msgspec

from packtrace.errors import RefusedError
from packtrace.simulator.world import CASES_PER_PALLET, LINES_MAX, UNITS_PER_CASE

EVENT_EPCS_MAX = 100_000
SECOND = 1_000_000


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """The virtual plant and how much it makes; see ``check`` for the ranges.

    Args:
        seed: decides serials, rejects, where faults and noise fall.
        units: commissioned by all lines together.
        seconds: lines stop after so much event time, also when ``units`` is not reached; 0 = no limit.
        packs_per_minute: of each line, in event time.
        units_per_batch: of each line, then the lot changes and the last case and pallet may be short.
        epcs_per_event: units that one commissioning event names.
        print_rejects, camera_rejects: shares of the serials that are never commissioned, or commissioned and decommissioned.
        dock_seconds: a pallet leaves the site so long after it was packed.
        transit_seconds: and arrives so long after it left; the partners' steps take a fifth of it.
        opened_every: of so many pallets of a line the distributor opens one.
        noise: share of events that an innocent repeat or delay follows.
        faults: rule -> how often it is broken.
    """

    seed: int
    lines: int = 2
    units: int = 1_000
    seconds: float = 0
    packs_per_minute: float = 300
    units_per_case: int = UNITS_PER_CASE
    cases_per_pallet: int = CASES_PER_PALLET
    units_per_batch: int = 5_000
    epcs_per_event: int = 1
    print_rejects: float = 0.004
    camera_rejects: float = 0.003
    dock_seconds: float = 30
    transit_seconds: float = 60
    opened_every: int = 4
    noise: float = 0
    faults: dict[str, int] = msgspec.field(default_factory=dict)

    def check(self) -> Recipe:
        """The recipe itself.

        Raises:
            RefusedError: a value out of range; one sentence.
        """
        ranges: tuple[tuple[str, float, float, float], ...] = (
            ("lines", self.lines, 1, LINES_MAX),
            ("units", self.units, 1, 1_000_000_000),
            ("seconds", self.seconds, 0, 7 * 86_400),
            ("packs a minute", self.packs_per_minute, 0.1, 10_000_000),
            ("units per case", self.units_per_case, 1, 10_000),
            ("cases per pallet", self.cases_per_pallet, 1, 10_000),
            ("units per batch", self.units_per_batch, 1, 1_000_000_000),
            ("EPCs per event", self.epcs_per_event, 1, EVENT_EPCS_MAX),
            ("print rejects", self.print_rejects, 0, 0.5),
            ("camera rejects", self.camera_rejects, 0, 0.5),
            ("noise", self.noise, 0, 1),
            ("opened every", self.opened_every, 1, 1_000_000_000),
            ("dock seconds", self.dock_seconds, 0.5, 86_400),
            ("transit seconds", self.transit_seconds, 0.5, 86_400),
        )
        for name, value, least, most in ranges:
            if not least <= value <= most:
                raise RefusedError(f"{name}: expected {least:g} to {most:g}, found {value:g}")
        return self

    @property
    def units_of_line(self) -> list[int]:
        """How the units are shared out over the lines."""
        whole, rest = divmod(self.units, self.lines)
        return [whole + (n < rest) for n in range(self.lines)]

    @property
    def duration_seconds(self) -> float:
        """How long the lines run in event time, at most (jitter and rejects included)."""
        made = max(self.units_of_line) / self.packs_per_minute * 60 / (1 - self.print_rejects) * 1.02 + 2
        return min(made, self.seconds) if self.seconds else made

    @property
    def span_seconds(self) -> float:
        """From the first event to the last, at most: the lines, then the last pallet's way through the partners, and faults."""
        return self.duration_seconds + self.dock_seconds + 4 * self.transit_seconds + 90

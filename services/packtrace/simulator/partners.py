"""What happens to a pallet after it left the site: received, now and then opened, its units dispensed or destroyed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from packtrace.simulator.messages import Message, Source, Template, message
from packtrace.simulator.recipe import SECOND, Recipe
from packtrace.simulator.world import DISTRIBUTOR, PHARMACIES, Place

UNITS_SOLD = 3
"""Units of an opened case that go on to a pharmacy; the next one breaks and is destroyed."""


class Step(NamedTuple):
    """An event that is due later; it gets its number when it goes out."""

    at: int
    template: Template
    epcs: tuple[str, ...] = ()
    parent: str = ""
    children: tuple[str, ...] = ()

    def message(self) -> Message:
        return message(self.at, self.template, self.epcs, self.parent, self.children)


class Partners:
    """The distributor and its pharmacy. They publish under their own names, without line and boot."""

    def __init__(self, recipe: Recipe, boot: int) -> None:
        distributor = Source("distributor-1", boot, counts=False)
        pharmacy = Source("pharmacy-1", boot, counts=False)
        to_pharmacy = PHARMACIES[0]
        # fmt: off
        self._receiving   = _at(distributor, DISTRIBUTOR, "object", "OBSERVE", "receiving", "in_progress", device="gate-1")
        self._unpacking   = _at(distributor, DISTRIBUTOR, "aggregation", "DELETE", "unpacking", "in_progress", device="gate-1")
        self._destroying  = _at(distributor, DISTRIBUTOR, "object", "DELETE", "destroying", "destroyed", device="gate-1")
        self._selling     = _at(distributor, DISTRIBUTOR, "object", "OBSERVE", "shipping", "in_transit", device="gate-1", to=to_pharmacy)
        self._bought      = _at(pharmacy, to_pharmacy, "object", "OBSERVE", "receiving", "in_progress")
        self._dispensing  = _at(pharmacy, to_pharmacy, "object", "DELETE", "dispensing", "dispensed")
        # fmt: on
        self._dock = int(recipe.dock_seconds * SECOND)
        self._transit = int(recipe.transit_seconds * SECOND)

    def journey(
        self, packed: int, ship: Template, pallet: str, cases: Sequence[tuple[str, tuple[str, ...]]], *, opened: bool
    ) -> Iterator[Step]:
        """The steps of a pallet packed at ``packed``; ``cases`` are (case, its units).

        An opened pallet loses its last case, which loses its first units: three are sold, one breaks.
        """
        shipped = packed + self._dock
        received = shipped + self._transit
        yield Step(shipped, ship, (pallet,))
        yield Step(received, self._receiving, (pallet,))
        if not opened:
            return
        pace = self._transit // 5
        case, units = cases[-1]
        taken = units[: UNITS_SOLD + 1]
        sold, broken = taken[:UNITS_SOLD], taken[UNITS_SOLD:]
        at = received + pace
        yield Step(at, self._unpacking, (), pallet, (case,))
        yield Step(at + pace, self._unpacking, (), case, taken)
        if broken:
            yield Step(at + 2 * pace, self._destroying, broken)
        yield Step(at + 3 * pace, self._selling, sold)
        arrived = at + 3 * pace + self._transit
        yield Step(arrived, self._bought, sold)
        for n, unit in enumerate(sold):
            yield Step(arrived + (n + 1) * pace, self._dispensing, (unit,))


def _at(
    source: Source, place: Place, type_: str, action: str, biz_step: str, disposition: str, *, device: str = "", to: Place | None = None
) -> Template:
    return Template(
        source=source, type=type_, action=action, biz_step=biz_step, disposition=disposition, time_zone=place.zone,
        place=place.gln, party=place.party, device=device,
        source_party=place.party if to else "", source_place=place.gln if to else "",
        destination_party=to.party if to else "", destination_place=to.gln if to else "",
    )  # fmt: skip

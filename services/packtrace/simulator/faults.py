"""One script per rule. Each breaks exactly that rule, on items of its own, also when every rule of rules.md 5 is on.

What keeps a script clean: its items are fresh and never shipped; its steps lie more than 2 s apart (nearer ones would be
a resend) and one place names one device or none (different devices within 10 s would have no order, rules.md 4.1); its
containers are SSCCs, which have no pack size; its places are less than 450 km apart.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from packtrace.simulator import world
from packtrace.simulator.messages import Message, Source, Template, item_key, message, sscc_epc, unit_epc
from packtrace.simulator.recipe import SECOND, Recipe
from packtrace.simulator.serials import SerialPool, SsccPool
from packtrace.simulator.truth import Planted
from packtrace.simulator.world import DISTRIBUTOR, PHARMACIES, SITE, Place

STEP = 3 * SECOND
STEPS_MAX = 6
BRIDGE, STATION = PHARMACIES


class Bench:
    """Where one fault is staged: fresh items, and a verb per event; each verb takes one step of time."""

    def __init__(self, shop: Workshop, at: int, line: int) -> None:
        self.messages: list[Message] = []
        self.medicine = world.medicine_of(line)
        self.lot, self.expiry = self.medicine.lots[0]
        self._shop = shop
        self._at = at
        self.line = line

    def unit(self) -> str:
        return unit_epc(self.medicine.unit, self._shop.serials.take())

    def case(self) -> str:
        return unit_epc(self.medicine.case, self._shop.serials.take())

    def stray(self) -> str:
        """A unit of a product nobody registered."""
        return unit_epc(world.unknown_gtin(), self._shop.serials.take())

    def sscc(self) -> str:
        return sscc_epc(self._shop.ssccs.take())

    def units(self, count: int) -> tuple[str, ...]:
        """Good units, commissioned in one event."""
        epcs = tuple(self.unit() for _ in range(count))
        self.commission(*epcs)
        return epcs

    def commission(self, *epcs: str, lot: str = "", expiry: str = "", line: int | None = None) -> Message:
        number = self.line if line is None else line % self._shop.lines
        return self._event(
            SITE, "object", "ADD", "commissioning", "active", epcs,
            lot=lot or self.lot, expiry=expiry or self.expiry, line=world.line_name(number),
        )  # fmt: skip

    def pack(self, parent: str, *children: str) -> Message:
        return self._event(SITE, "aggregation", "ADD", "packing", "in_progress", (), parent=parent, children=children)

    def unpack(self, parent: str, *children: str) -> Message:
        return self._event(SITE, "aggregation", "DELETE", "unpacking", "in_progress", (), parent=parent, children=children)

    def observe(self, epc: str, place: Place, lot: str = "", expiry: str = "") -> Message:
        return self._event(place, "object", "OBSERVE", "cycle_counting", "in_progress", (epc,), lot=lot, expiry=expiry)

    def dispense(self, epc: str, place: Place) -> Message:
        return self._event(place, "object", "DELETE", "dispensing", "dispensed", (epc,))

    def decommission(self, epc: str, place: Place) -> Message:
        return self._event(place, "object", "DELETE", "decommissioning", "inactive", (epc,), reason="OTHER")

    def destroy(self, epc: str, place: Place) -> Message:
        return self._event(place, "object", "DELETE", "destroying", "destroyed", (epc,))

    def _event(self, place: Place, type_: str, action: str, biz_step: str, disposition: str, epcs: tuple[str, ...], *, parent: str = "",
               children: tuple[str, ...] = (), lot: str = "", expiry: str = "", line: str = "", reason: str = "") -> Message:  # fmt: skip
        template = Template(
            source=self._shop.sources[place], type=type_, action=action, biz_step=biz_step, disposition=disposition,
            time_zone=place.zone, place=place.gln, party=place.party, lot=lot, expiry=expiry, line=line, reason=reason,
            device=world.REWORK_DEVICE if place == SITE else "",
        )  # fmt: skip
        made = message(self._at, template, epcs, parent, children)
        self._at += STEP
        self.messages.append(made)
        return made


class Offence(NamedTuple):
    """The item whose alert must stand, and the event that offends."""

    epc: str
    event: Message


class Workshop:
    """What all benches of a run share."""

    def __init__(self, recipe: Recipe, boot: int, pool: int) -> None:
        self.serials = SerialPool(recipe.seed, pool)
        self.ssccs = SsccPool(recipe.seed, recipe.lines, recipe.lines + 1)
        self.lines = recipe.lines
        # fmt: off
        self.sources = {
            SITE:        Source("rework-1",      boot, counts=False),
            DISTRIBUTOR: Source("inspection-1",  boot, counts=False),
            BRIDGE:      Source("till-1",        boot, counts=False),
            STATION:     Source("till-2",        boot, counts=False),
        }
        # fmt: on


def made_again_on_another_line(bench: Bench) -> Offence:
    epc = bench.unit()
    bench.commission(epc)
    return Offence(epc, bench.commission(epc, line=bench.line + 1))


def made_again_in_another_lot(bench: Bench) -> Offence:
    epc = bench.unit()
    bench.commission(epc)
    lot, expiry = bench.medicine.lots[1]
    return Offence(epc, bench.commission(epc, lot=lot, expiry=expiry))


def counted_but_never_made(bench: Bench) -> Offence:
    epc = bench.unit()
    return Offence(epc, bench.observe(epc, DISTRIBUTOR))


def dispensed_but_never_made(bench: Bench) -> Offence:
    epc = bench.unit()
    return Offence(epc, bench.dispense(epc, BRIDGE))


def made_of_no_product(bench: Bench) -> Offence:
    epc = bench.stray()
    return Offence(epc, bench.commission(epc))


def counted_of_no_product(bench: Bench) -> Offence:
    epc = bench.stray()
    return Offence(epc, bench.observe(epc, DISTRIBUTOR))


def made_in_no_lot(bench: Bench) -> Offence:
    epc = bench.unit()
    return Offence(epc, bench.commission(epc, lot=world.unknown_lot()))


def counted_with_the_next_lot(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    return Offence(epc, bench.observe(epc, DISTRIBUTOR, lot=bench.medicine.lots[1][0]))


def counted_with_no_lot_of_ours(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    return Offence(epc, bench.observe(epc, SITE, lot=world.unknown_lot()))


def printed_with_another_expiry(bench: Bench) -> Offence:
    epc = bench.unit()
    return Offence(epc, bench.commission(epc, expiry=_year_before(bench.expiry)))


def counted_with_another_expiry(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    return Offence(epc, bench.observe(epc, DISTRIBUTOR, lot=bench.lot, expiry=_year_before(bench.expiry)))


def dispensed_in_two_pharmacies(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    bench.dispense(epc, BRIDGE)
    return Offence(epc, bench.dispense(epc, STATION))


def dispensed_and_seen_elsewhere(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    bench.dispense(epc, STATION)
    return Offence(epc, bench.observe(epc, DISTRIBUTOR))


def dispensed_and_decommissioned(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    bench.dispense(epc, BRIDGE)
    return Offence(epc, bench.decommission(epc, BRIDGE))


def dispensed_and_destroyed(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    bench.dispense(epc, STATION)
    return Offence(epc, bench.destroy(epc, STATION))


def destroyed_and_seen(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    bench.destroy(epc, SITE)
    return Offence(epc, bench.observe(epc, SITE))


def destroyed_and_dispensed(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    bench.destroy(epc, DISTRIBUTOR)
    return Offence(epc, bench.dispense(epc, BRIDGE))


def packed_twice(bench: Bench) -> Offence:
    (epc,) = bench.units(1)
    bench.pack(bench.sscc(), epc)
    return Offence(epc, bench.pack(bench.sscc(), epc))


def taken_by_another_case(bench: Bench) -> Offence:
    units = bench.units(3)
    others = bench.units(2)
    bench.pack(bench.sscc(), *units)
    return Offence(units[1], bench.pack(bench.sscc(), *others, units[1]))


def unpacked_from_another_case(bench: Bench) -> Offence:
    units = bench.units(2)
    bench.pack(bench.sscc(), *units)
    return Offence(units[0], bench.unpack(bench.sscc(), units[0]))


def unpacked_but_never_packed(bench: Bench) -> Offence:
    packed, loose = bench.units(2)
    case = bench.sscc()
    bench.pack(case, packed)
    return Offence(loose, bench.unpack(case, loose))


def packed_but_never_made(bench: Bench) -> Offence:
    units = bench.units(2)
    epc = bench.unit()
    return Offence(epc, bench.pack(bench.sscc(), *units, epc))


def case_packed_but_never_made(bench: Bench) -> Offence:
    epc = bench.case()
    return Offence(epc, bench.pack(bench.sscc(), epc))


def two_in_each_other(bench: Bench) -> Offence:
    outer, inner = bench.sscc(), bench.sscc()
    bench.pack(outer, inner)
    return Offence(outer, bench.pack(inner, outer))


def three_in_each_other(bench: Bench) -> Offence:
    outer, middle, inner = bench.sscc(), bench.sscc(), bench.sscc()
    bench.pack(inner, *bench.units(1))
    bench.pack(middle, inner)
    bench.pack(outer, middle)
    return Offence(outer, bench.pack(inner, outer))


def pallet_in_a_case(bench: Bench) -> Offence:
    case, pallet = bench.case(), bench.sscc()
    bench.commission(case)
    return Offence(pallet, bench.pack(case, pallet))


def case_in_a_case(bench: Bench) -> Offence:
    outer, inner = bench.case(), bench.case()
    bench.commission(outer, inner)
    return Offence(inner, bench.pack(outer, inner))


Play = Callable[[Bench], Offence]

# fmt: off
FAULTS: dict[str, tuple[str, tuple[Play, ...]]] = {
    #  rule                      cause         variants
    "duplicate-commissioning": ("item",       (made_again_on_another_line,   made_again_in_another_lot)),
    "unknown-serial":          ("item",       (counted_but_never_made,       dispensed_but_never_made)),
    "unknown-product":         ("item",       (made_of_no_product,           counted_of_no_product)),
    "unknown-lot":             ("item",       (made_in_no_lot,)),
    "lot-mismatch":            ("item",       (counted_with_the_next_lot,    counted_with_no_lot_of_ours)),
    "expiry-mismatch":         ("item",       (printed_with_another_expiry,  counted_with_another_expiry)),
    "inactive-elsewhere":      ("event",      (dispensed_in_two_pharmacies,  dispensed_and_seen_elsewhere)),
    "inactive-again":          ("event",      (dispensed_and_decommissioned, dispensed_and_destroyed)),
    "terminal-item":           ("event",      (destroyed_and_seen,           destroyed_and_dispensed)),
    "two-parents":             ("event",      (packed_twice,                 taken_by_another_case)),
    "wrong-unpack":            ("event",      (unpacked_from_another_case,   unpacked_but_never_packed)),
    "child-not-commissioned":  ("item",       (packed_but_never_made,        case_packed_but_never_made)),
    "hierarchy-loop":          ("event",      (two_in_each_other,            three_in_each_other)),
    "level-inversion":         ("event",      (pallet_in_a_case,             case_in_a_case)),
}
_KINDS = {
    "commissioning": "commission", "cycle_counting": "observe", "dispensing": "dispense", "decommissioning": "decommission",
    "destroying": "destroy", "packing": "pack", "unpacking": "unpack",
}
# fmt: on


def play(recipe: Recipe, start: int, boot: int, pool: int) -> tuple[list[Message], list[Planted]]:
    """All faults of the recipe, spread over the first three quarters of the lines' time, and what must stand in the end."""
    workshop = Workshop(recipe, boot, pool)
    random = Random(f"faults/{recipe.seed}")
    order = [(rule, n) for rule, count in sorted(recipe.faults.items()) for n in range(count)]
    random.shuffle(order)
    room = max(recipe.duration_seconds * 0.75, 1.0) * SECOND
    messages: list[Message] = []
    planted: list[Planted] = []
    for place, (rule, n) in enumerate(order):
        cause, variants = FAULTS[rule]
        bench = Bench(workshop, start + int(room * (place + random.random()) / len(order)), random.randrange(recipe.lines))
        epc, event = variants[n % len(variants)](bench)
        messages += bench.messages
        kind = _KINDS[event.template.biz_step] if cause == "event" else "item"
        planted.append(Planted(rule, epc, item_key(epc), event.id, event.time, event.template.place, kind))
    messages.sort(key=lambda made: made.at)
    return messages, planted


def _year_before(date: str) -> str:
    """The same day a year earlier, which no lot of ours has; 28 February stays clear of leap days."""
    year, rest = date.split("-", 1)
    return f"{int(year) - 1}-{rest}"

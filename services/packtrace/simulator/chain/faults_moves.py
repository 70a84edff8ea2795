"""Faults of aggregation, shipping and behaviour: a story per rule of rules.md 5 and variant, each with the alerts that must stand."""

from __future__ import annotations

from packtrace.simulator.chain.places import BRANCH, DISTRIBUTORS, LAPSED_PLACE, OUTSIDE, PLACES
from packtrace.simulator.chain.recipe import DAY, HOUR, MINUTE
from packtrace.simulator.chain.scribe import OBSERVE
from packtrace.simulator.chain.stage import SITE, Stage

FRANKFURT, LISBON, _ = DISTRIBUTORS
BASEL, ZURICH, MUNICH, BERLIN = (PLACES[code] for code in ("ph-basel", "ph-zurich", "ph-munich", "ph-berlin"))
PHARMACY_LISBON, PHARMACY_WARSAW = PLACES["ph-lisbon"], PLACES["ph-warsaw"]


def packed_twice(stage: Stage) -> None:
    (epc,) = stage.units(1)
    stage.pack(stage.sscc(), epc)
    stage.wait(HOUR)
    stage.breaks("two-parents", epc, stage.pack(stage.sscc(), epc))


def taken_by_another_case(stage: Stage) -> None:
    _, units = stage.case()
    other, _ = stage.case(count=9)
    stage.breaks("two-parents", units[1], stage.pack(other, units[1]))


def unpacked_from_another_case(stage: Stage) -> None:
    units = stage.units(2)
    stage.pack(stage.sscc(), *units)
    stage.breaks("wrong-unpack", units[0], stage.unpack(stage.sscc(), units[0]))


def unpacked_but_never_packed(stage: Stage) -> None:
    packed, loose = stage.units(2)
    sscc = stage.sscc()
    stage.pack(sscc, packed)
    stage.breaks("wrong-unpack", loose, stage.unpack(sscc, loose))


def packed_but_never_made(stage: Stage) -> None:
    units, epc = stage.units(2), stage.unit()
    stage.breaks("child-not-commissioned", epc, stage.pack(stage.sscc(), *units, epc))


def case_packed_but_never_made(stage: Stage) -> None:
    epc = stage.case_label()
    stage.breaks("child-not-commissioned", epc, stage.pack(stage.sscc(), epc))


def one_more_packed(stage: Stage) -> None:
    case, _ = stage.case()
    (epc,) = stage.units(1)
    stage.breaks("overfull-container", case, stage.pack(case, epc))


def too_many_packed_at_once(stage: Stage) -> None:
    units, case = stage.units(stage.medicine.per_case + 2), stage.case_label()
    stage.commission(case)
    stage.breaks("overfull-container", case, stage.pack(case, *units))


def short_case_shipped(stage: Stage) -> None:
    case, _ = stage.case(count=stage.medicine.per_case - 1)
    stage.breaks("partial-container", case, stage.ship(SITE, ZURICH, case))
    stage.wait(6 * HOUR)
    stage.receive(ZURICH, case)


def opened_case_shipped(stage: Stage) -> None:
    case, units = stage.case()
    stage.unpack(case, *units[:2])
    stage.wait(HOUR)
    stage.breaks("partial-container", case, stage.ship(SITE, BASEL, case))


def two_lots_in_a_case(stage: Stage) -> None:
    mixed = (*stage.units(5), *stage.units(5, stage.lots.other))
    case = stage.case_label()
    stage.commission(case)
    stage.breaks("mixed-content", case, stage.pack(case, *mixed))


def another_lot_added_to_a_case(stage: Stage) -> None:
    case, _ = stage.case(count=9)
    (epc,) = stage.units(1, stage.lots.other)
    stage.breaks("mixed-content", case, stage.pack(case, epc))


def two_in_each_other(stage: Stage) -> None:
    outer, inner = stage.sscc(), stage.sscc()
    stage.pack(outer, inner)
    stage.wait(HOUR)
    stage.breaks("hierarchy-loop", outer, stage.pack(inner, outer))


def three_in_each_other(stage: Stage) -> None:
    outer, middle, inner = stage.sscc(), stage.sscc(), stage.sscc()
    stage.pack(inner, *stage.units(1))
    stage.pack(middle, inner)
    stage.pack(outer, middle)
    stage.wait(HOUR)
    stage.breaks("hierarchy-loop", outer, stage.pack(inner, outer))


def pallet_in_a_case(stage: Stage) -> None:
    case, pallet = stage.case_label(), stage.sscc()
    stage.commission(case)
    stage.breaks("level-inversion", pallet, stage.pack(case, pallet))


def case_in_a_case(stage: Stage) -> None:
    outer, inner = stage.case_label(), stage.case_label()
    stage.commission(outer, inner)
    stage.breaks("level-inversion", inner, stage.pack(outer, inner))


def taken_out_while_under_way(stage: Stage) -> None:
    pallet, case, _ = stage.pallet()
    stage.ship(SITE, FRANKFURT, pallet)
    stage.wait(HOUR)
    stage.breaks("closed-container", pallet, stage.unpack(pallet, case))
    stage.wait(DAY)
    stage.receive(FRANKFURT, pallet, case)


def packed_into_while_under_way(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    case, _ = stage.case()
    stage.ship(SITE, FRANKFURT, pallet)
    stage.wait(HOUR)
    stage.breaks("closed-container", pallet, stage.pack(pallet, case))
    stage.wait(DAY)
    stage.receive(FRANKFURT, pallet)


def opened_by_a_third_while_under_way(stage: Stage) -> None:
    pallet, case, _ = stage.pallet()
    stage.ship(SITE, FRANKFURT, pallet)
    stage.wait(5 * HOUR)
    stage.breaks("closed-container", pallet, stage.unpack(pallet, case, where=ZURICH))
    stage.wait(DAY)
    stage.receive(FRANKFURT, pallet, case)


def verified_away_from_a_pallet_never_shipped(stage: Stage) -> None:
    _, _, units = stage.pallet()
    stage.wait(DAY)
    stage.breaks("away-from-parent", units[3], stage.verify(MUNICH, units[3]))


def dispensed_away_from_its_pallet(stage: Stage) -> None:
    _, _, units = stage.delivered(FRANKFURT)
    stage.wait(DAY)
    stage.breaks("away-from-parent", units[3], stage.dispense(MUNICH, units[3]))


def verified_off_the_route(stage: Stage) -> None:
    pallet, _, units = stage.pallet()
    stage.ship(SITE, LISBON, pallet)
    stage.wait(10 * HOUR)
    stage.breaks("away-from-parent", units[0], stage.verify(BERLIN, units[0]))
    stage.wait(2 * DAY)
    stage.receive(LISBON, pallet)


def sold_from_a_pallet_nobody_opened(stage: Stage) -> None:
    _, _, units = stage.delivered(FRANKFURT)
    stage.wait(80 * HOUR)
    stage.breaks("missing-unpack", units[0], stage.verify(BERLIN, units[0]))


def moved_to_the_branch_without_a_word(stage: Stage) -> None:
    _, _, units = stage.delivered(FRANKFURT)
    stage.wait(DAY)
    stage.breaks("missing-unpack", units[0], stage.verify(BRANCH, units[0]))


def pallet_on_hold_shipped(stage: Stage) -> None:
    pallet, _, _ = stage.delivered(FRANKFURT)
    stage.hold(FRANKFURT, pallet)
    stage.wait(HOUR)
    stage.breaks("held-shipped", pallet, stage.ship(FRANKFURT, BERLIN, pallet))
    stage.wait(DAY)
    stage.receive(BERLIN, pallet)


def shipped_with_a_unit_on_hold_inside(stage: Stage) -> None:
    pallet, _, units = stage.delivered(FRANKFURT)
    stage.hold(FRANKFURT, units[2])
    stage.wait(HOUR)
    stage.breaks("held-shipped", pallet, stage.ship(FRANKFURT, BERLIN, pallet))


def shipped_before_release(stage: Stage) -> None:
    pallet, _, _ = stage.pallet(stage.lots.unreleased)
    stage.breaks("unreleased-lot", pallet, stage.ship(SITE, FRANKFURT, pallet))
    stage.wait(DAY)
    stage.receive(FRANKFURT, pallet)


def units_shipped_before_release(stage: Stage) -> None:
    (epc,) = stage.units(1, stage.lots.unreleased)
    stage.breaks("unreleased-lot", epc, stage.ship(SITE, BASEL, epc))


def shipped_by_somebody_else(stage: Stage) -> None:
    pallet, _, _ = stage.delivered(FRANKFURT)
    stage.wait(40 * HOUR)
    stage.breaks("not-in-custody", pallet, stage.ship(LISBON, PHARMACY_LISBON, pallet))
    stage.wait(5 * HOUR)
    stage.receive(PHARMACY_LISBON, pallet)


def packed_by_somebody_else(stage: Stage) -> None:
    pallet, case, _ = stage.delivered(FRANKFURT)
    stage.unpack(pallet, case, where=FRANKFURT)
    stage.wait(40 * HOUR)
    stage.breaks("not-in-custody", case, stage.pack(stage.sscc(), case, where=LISBON))


def shipped_to_nobody_registered(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    stage.breaks("unauthorised-partner", pallet, stage.ship(SITE, OUTSIDE, pallet))


def shipped_to_a_lapsed_partner(stage: Stage) -> None:
    pallet, _, _ = stage.delivered(FRANKFURT)
    stage.breaks("unauthorised-partner", pallet, stage.ship(FRANKFURT, LAPSED_PLACE, pallet))


def case_shipped_from_a_closed_pallet(stage: Stage) -> None:
    _, case, _ = stage.delivered(FRANKFURT)
    stage.wait(HOUR)
    stage.breaks("child-shipped-alone", case, stage.ship(FRANKFURT, BERLIN, case))
    stage.wait(DAY)
    stage.receive(BERLIN, case)


def unit_shipped_from_a_closed_case(stage: Stage) -> None:
    _, _, units = stage.delivered(FRANKFURT)
    stage.wait(2 * HOUR)
    stage.breaks("child-shipped-alone", units[4], stage.ship(FRANKFURT, BERLIN, units[4]))
    stage.wait(DAY)
    stage.receive(BERLIN, units[4])
    stage.dispense(BERLIN, units[4])


def case_received_from_a_pallet_elsewhere(stage: Stage) -> None:
    _, case, _ = stage.delivered(FRANKFURT)
    stage.wait(DAY)
    stage.breaks("child-shipped-alone", case, stage.receive(BERLIN, case))


def shipped_again_from_the_same_dock(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    stage.ship(SITE, FRANKFURT, pallet)
    stage.wait(26 * HOUR)
    stage.breaks("shipped-twice", pallet, stage.ship(SITE, LISBON, pallet))
    stage.wait(2 * DAY)
    stage.receive(LISBON, pallet)


def pallet_nobody_told_of(stage: Stage) -> None:
    epc = stage.sscc()
    stage.breaks("product-no-data", epc, stage.receive(FRANKFURT, epc))


def own_case_received_but_never_shipped(stage: Stage) -> None:
    case, _ = stage.case()
    stage.wait(DAY)
    stage.breaks("product-no-data", case, stage.receive(FRANKFURT, case))


def shipped_and_never_received(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    stage.breaks("data-no-product", pallet, stage.ship(SITE, FRANKFURT, pallet))


def received_by_another_distributor(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    stage.ship(SITE, FRANKFURT, pallet)
    stage.wait(2 * DAY)
    stage.breaks("wrong-destination", pallet, stage.receive(LISBON, pallet))


def voided_after_it_arrived(stage: Stage) -> None:
    pallet, _, _ = stage.delivered(FRANKFURT)
    stage.wait(HOUR)
    stage.breaks("void-unknown", pallet, stage.void(SITE, FRANKFURT, pallet))


def voided_but_never_shipped(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    stage.wait(HOUR)
    stage.breaks("void-unknown", pallet, stage.void(SITE, FRANKFURT, pallet))


def verified_in_lisbon_and_warsaw_within_an_hour(stage: Stage) -> None:
    (epc,) = stage.stock(PHARMACY_LISBON)
    stage.verify(PHARMACY_LISBON, epc)
    stage.wait(HOUR)
    stage.breaks("impossible-travel", epc, stage.verify(PHARMACY_WARSAW, epc))


def dispensed_in_warsaw_an_hour_after_lisbon(stage: Stage) -> None:
    (epc,) = stage.stock(PHARMACY_LISBON)
    stage.verify(PHARMACY_LISBON, epc)
    stage.wait(HOUR)
    stage.breaks("impossible-travel", epc, stage.dispense(PHARMACY_WARSAW, epc))


def verified_in_three_pharmacies(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.verify(BASEL, epc)
    stage.wait(DAY)
    stage.verify(ZURICH, epc)
    stage.wait(DAY)
    stage.breaks("seen-in-many-places", epc, stage.verify(MUNICH, epc))


def verified_all_day(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    for _ in range(10):
        stage.verify(BASEL, epc)
        stage.wait(20 * MINUTE)
    stage.breaks("verified-too-often", epc, stage.verify(BASEL, epc))
    stage.verify(BASEL, epc)


def verified_tomorrow(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.breaks("future-event", epc, stage.verify_in_the_future(BASEL, epc))


def counted_long_ago_and_told_now(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    then = stage.at
    stage.wait(DAY)
    stage.verify(BASEL, epc)
    stage.wait(6 * DAY)
    stage.breaks("late-beyond-window", epc, stage.report_late(OBSERVE, BASEL, epc, then))

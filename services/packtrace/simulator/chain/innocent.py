"""What looks like a fault and is none: each story ends just on the right side of a rule of rules.md 5, or under one of its exceptions."""

from __future__ import annotations

from collections.abc import Callable

from packtrace.simulator.chain.places import BRANCH, DISTRIBUTORS, PLACES, RETURNS, WAREHOUSE, road
from packtrace.simulator.chain.recipe import DAY, HOUR, MINUTE
from packtrace.simulator.chain.stage import SITE, Stage

BASEL, ZURICH, MUNICH, BERLIN = (PLACES[code] for code in ("ph-basel", "ph-zurich", "ph-munich", "ph-berlin"))
FRANKFURT, LISBON, _ = DISTRIBUTORS


def recalled_goods_come_back(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL, lot=stage.lots.recalled)
    stage.until(stage.turn + DAY)
    stage.hold(BASEL, epc)
    stage.ship(BASEL, RETURNS, epc, disposition="recalled")
    stage.wait(road(BASEL, RETURNS) + HOUR)
    stage.receive(RETURNS, epc, disposition="recalled")
    stage.wait(DAY)
    stage.destroy(RETURNS, epc)


def expired_goods_come_back(stage: Stage) -> None:
    """No disposition says so: the processor's role does."""
    pallet, case, units = stage.delivered(FRANKFURT, stage.lots.expiring)
    stage.until(stage.turn + 2 * DAY)
    stage.move((pallet,), FRANKFURT, RETURNS)
    stage.unpack(pallet, case, where=RETURNS)
    stage.unpack(case, where=RETURNS)
    stage.destroy(RETURNS, *units)


def damaged_goods_go_back(stage: Stage) -> None:
    pallet, _, units = stage.delivered(FRANKFURT)
    stage.hold(FRANKFURT, units[0], reason="DAMAGED")
    stage.wait(HOUR)
    stage.ship(FRANKFURT, SITE, pallet, disposition="damaged")
    stage.wait(road(FRANKFURT, SITE) + HOUR)
    stage.receive(SITE, pallet, disposition="damaged")


def unreleased_lot_to_the_own_warehouse(stage: Stage) -> None:
    pallet, _, _ = stage.pallet(stage.lots.unreleased)
    stage.move((pallet,), SITE, WAREHOUSE)


def goods_on_hold_to_the_own_branch(stage: Stage) -> None:
    pallet, _, _ = stage.delivered(FRANKFURT)
    stage.hold(FRANKFURT, pallet)
    stage.wait(HOUR)
    stage.move((pallet,), FRANKFURT, BRANCH)


def dispensed_on_its_last_day(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL, lot=stage.lots.expiring)
    stage.until(stage.turn // DAY * DAY + 20 * HOUR)
    stage.dispense(BASEL, epc)


def dispensed_for_a_ward(stage: Stage) -> None:
    """What was dispensed may be shipped by who dispensed it, and be received and looked at there."""
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(HOUR)
    stage.move((epc,), BASEL, ZURICH)
    stage.verify(ZURICH, epc)


def brought_back_on_the_tenth_day(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    dispensed = stage.dispense(BASEL, epc)
    stage.since(dispensed, 240 * HOUR)
    stage.reactivate(BASEL, "DISPENSED", epc)
    stage.wait(DAY)
    stage.dispense(BASEL, epc)


def verified_ten_times(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    for _ in range(10):
        stage.verify(BASEL, epc)
        stage.wait(20 * MINUTE)
    stage.dispense(BASEL, epc)


def seen_in_three_pharmacies_on_its_way(stage: Stage) -> None:
    """It was shipped each time."""
    (epc,) = stage.stock(BASEL)
    stage.verify(BASEL, epc)
    stage.move((epc,), BASEL, ZURICH)
    stage.verify(ZURICH, epc)
    stage.move((epc,), ZURICH, MUNICH)
    stage.verify(MUNICH, epc)


def verified_in_two_towns(stage: Stage) -> None:
    """Basel and Zurich are 75 km apart: a few minutes are no proof."""
    (epc,) = stage.stock(BASEL)
    stage.verify(BASEL, epc)
    stage.wait(3 * MINUTE)
    stage.verify(ZURICH, epc)


def recalled_by_mistake(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.recall(BASEL, epc)
    stage.wait(HOUR)
    stage.release(BASEL, epc, reason="RECALLED")
    stage.wait(HOUR)
    stage.dispense(BASEL, epc)


def held_for_two_reasons(stage: Stage) -> None:
    """A release that names no reason lifts both."""
    (epc,) = stage.stock(BASEL)
    stage.hold(BASEL, epc)
    stage.hold(BASEL, epc, reason="QUARANTINED")
    stage.wait(HOUR)
    stage.release(BASEL, epc)
    stage.wait(HOUR)
    stage.dispense(BASEL, epc)


def sold_before_its_lot_was_called_back(stage: Stage) -> None:
    (epc,) = stage.stock(ZURICH, lot=stage.lots.called_back)
    stage.until(stage.turn - DAY)
    stage.dispense(ZURICH, epc)
    stage.until(stage.turn)
    stage.recall_lot(stage.lots.called_back)


def destroyed_in_its_case(stage: Stage) -> None:
    """After the destruction the case is emptied on paper, and the destroyed unit is put on hold: both are allowed."""
    case, units = stage.case()
    stage.move((case,), SITE, RETURNS)
    stage.destroy(RETURNS, units[0])
    stage.wait(HOUR)
    stage.unpack(case, *units, where=RETURNS)
    stage.hold(RETURNS, units[0])


def dispensed_from_its_case(stage: Stage) -> None:
    """The case is unpacked on paper hours later, with the unit that left it by being dispensed."""
    case, units = stage.case()
    stage.move((case,), SITE, BASEL)
    stage.dispense(BASEL, units[3])
    stage.wait(5 * HOUR)
    stage.unpack(case, *units, where=BASEL)


def sample_sent_away(stage: Stage) -> None:
    (epc,) = stage.stock(FRANKFURT)
    stage.decommission(FRANKFURT, "SAMPLE", epc)
    stage.wait(HOUR)
    stage.move((epc,), FRANKFURT, LISBON)
    stage.verify(LISBON, epc)
    stage.wait(DAY)
    stage.destroy(LISBON, epc)


def content_told_separately(stage: Stage) -> None:
    """A case that is still packed is named after its pallet, by the party that ships and by the one that receives."""
    pallet, case, _ = stage.pallet()
    stage.ship(SITE, FRANKFURT, pallet)
    stage.ship(SITE, FRANKFURT, case)
    stage.wait(road(SITE, FRANKFURT) + HOUR)
    stage.receive(FRANKFURT, pallet)
    stage.wait(HOUR)
    stage.receive(FRANKFURT, case)


def refused_and_sent_back(stage: Stage) -> None:
    """The shipper takes it back, which ends the transit, and ships it to another."""
    pallet, _, _ = stage.pallet()
    stage.ship(SITE, LISBON, pallet)
    stage.wait(2 * road(SITE, LISBON))
    stage.receive(SITE, pallet)
    stage.wait(DAY)
    stage.move((pallet,), SITE, FRANKFURT)


def arrived_received_accepted(stage: Stage) -> None:
    (epc,) = stage.units(1)
    stage.ship(SITE, BASEL, epc)
    stage.wait(8 * HOUR)
    stage.arrive(BASEL, epc)
    stage.wait(20 * MINUTE)
    stage.receive(BASEL, epc)
    stage.wait(2 * DAY)
    stage.accept(BASEL, epc)


def shipped_on_without_a_receipt(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    stage.ship(SITE, FRANKFURT, pallet)
    stage.wait(road(SITE, FRANKFURT) + 5 * HOUR)
    stage.move((pallet,), FRANKFURT, BERLIN)


def packed_on_without_a_receipt(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    stage.ship(SITE, FRANKFURT, pallet)
    stage.wait(road(SITE, FRANKFURT) + 5 * HOUR)
    stage.pack(stage.sscc(), pallet, where=FRANKFURT)


def logistic_unit_in_a_logistic_unit(stage: Stage) -> None:
    pallet, case, _ = stage.pallet()
    container = stage.sscc()
    stage.pack(container, pallet)
    stage.move((container,), SITE, FRANKFURT)
    stage.unpack(container, pallet, where=FRANKFURT)
    stage.unpack(pallet, case, where=FRANKFURT)


def short_case_said_to_be_short(stage: Stage) -> None:
    inside, case = stage.units(7), stage.case_label()
    stage.commission(case)
    stage.pack(case, *inside, partial=True)
    stage.move((case,), SITE, BASEL)


def opened_case_said_to_be_short(stage: Stage) -> None:
    case, units = stage.case()
    stage.unpack(case, *units[:4])
    stage.wait(HOUR)
    stage.ship(SITE, BASEL, case, partial=True)
    stage.wait(8 * HOUR)
    stage.receive(BASEL, case)


def counted_at_the_branch_as_a_whole(stage: Stage) -> None:
    """The unit is still in the pallet, and the pallet is named with it."""
    pallet, _, units = stage.delivered(FRANKFURT)
    stage.wait(DAY)
    stage.observe(BRANCH, pallet, units[0])


def verified_where_its_pallet_stands(stage: Stage) -> None:
    _, _, units = stage.delivered(FRANKFURT)
    stage.wait(5 * DAY)
    stage.verify(FRANKFURT, units[5])


def shipment_corrected(stage: Stage) -> None:
    pallet, _, _ = stage.pallet()
    with stage.bare():
        wrong = stage.ship(SITE, LISBON, pallet)
    stage.correct(wrong, "did_not_occur")
    stage.wait(HOUR)
    stage.move((pallet,), SITE, FRANKFURT)


def packing_corrected(stage: Stage) -> None:
    (epc,) = stage.units(1)
    with stage.bare():
        wrong = stage.pack(stage.sscc(), epc)
    right = stage.pack(stage.sscc(), epc)
    stage.correct(wrong, "incorrect_data", right.id)


def commissioning_corrected(stage: Stage) -> None:
    """Printed in the right lot, told in the wrong one."""
    epcs = stage.unit(), stage.unit()
    with stage.bare():
        wrong = stage.commission(*epcs, lot=stage.lots.other)
    right = stage.commission(*epcs)
    stage.correct(wrong, "incorrect_data", right.id)
    tote = stage.sscc()
    stage.pack(tote, *epcs)
    stage.move((tote,), SITE, BASEL)


def destruction_corrected(stage: Stage) -> None:
    """The wrong pack was destroyed on paper; it was sold before anybody saw it."""
    (epc,) = stage.stock(BASEL)
    with stage.bare():
        wrong = stage.destroy(BASEL, epc)
    stage.wait(DAY)
    stage.dispense(BASEL, epc)
    stage.wait(HOUR)
    stage.correct(wrong, "did_not_occur")


Story = Callable[[Stage], None]

INNOCENT: tuple[Story, ...] = (
    recalled_goods_come_back,
    expired_goods_come_back,
    damaged_goods_go_back,
    unreleased_lot_to_the_own_warehouse,
    goods_on_hold_to_the_own_branch,
    dispensed_on_its_last_day,
    dispensed_for_a_ward,
    brought_back_on_the_tenth_day,
    verified_ten_times,
    seen_in_three_pharmacies_on_its_way,
    verified_in_two_towns,
    recalled_by_mistake,
    held_for_two_reasons,
    sold_before_its_lot_was_called_back,
    destroyed_in_its_case,
    dispensed_from_its_case,
    sample_sent_away,
    content_told_separately,
    refused_and_sent_back,
    arrived_received_accepted,
    shipped_on_without_a_receipt,
    packed_on_without_a_receipt,
    logistic_unit_in_a_logistic_unit,
    short_case_said_to_be_short,
    opened_case_said_to_be_short,
    counted_at_the_branch_as_a_whole,
    verified_where_its_pallet_stands,
    shipment_corrected,
    packing_corrected,
    commissioning_corrected,
    destruction_corrected,
)

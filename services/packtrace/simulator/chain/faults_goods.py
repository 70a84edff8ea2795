"""Faults of identity and of life: a story per rule of rules.md 5 and variant, each with the alerts that must stand after it."""

from __future__ import annotations

from packtrace.simulator.chain.goods import UNKNOWN_GTIN
from packtrace.simulator.chain.places import DISTRIBUTORS, PLACES, RETURNS, SITES, WAREHOUSE
from packtrace.simulator.chain.recipe import DAY, HOUR, MINUTE
from packtrace.simulator.chain.stage import SITE, Stage
from packtrace.simulator.messages import SGTIN

BASEL, ZURICH, BERLIN = PLACES["ph-basel"], PLACES["ph-zurich"], PLACES["ph-berlin"]
FRANKFURT = DISTRIBUTORS[0]


def made_again_on_the_other_site(stage: Stage) -> None:
    (epc,) = stage.units(1)
    stage.wait(DAY)
    stage.breaks("duplicate-commissioning", epc, stage.commission(epc, where=SITES[1]))


def made_again_in_another_lot(stage: Stage) -> None:
    (epc,) = stage.units(1)
    stage.wait(HOUR)
    stage.breaks("duplicate-commissioning", epc, stage.commission(epc, lot=stage.lots.other))


def made_again_after_it_was_dispensed(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(2 * DAY)
    stage.breaks("duplicate-commissioning", epc, stage.commission(epc))


def packed_into_a_used_sscc(stage: Stage) -> None:
    units, sscc = stage.units(3), stage.sscc()
    stage.commission(sscc)
    stage.pack(sscc, *units)
    stage.move((sscc,), SITE, WAREHOUSE)
    stage.unpack(sscc, *units, where=WAREHOUSE)
    stage.wait(3 * DAY)
    stage.breaks("sscc-reused", sscc, stage.pack(sscc, *units, where=WAREHOUSE))


def a_used_sscc_commissioned_again(stage: Stage) -> None:
    units, sscc = stage.units(3), stage.sscc()
    stage.commission(sscc)
    stage.pack(sscc, *units)
    stage.move((sscc,), SITE, WAREHOUSE)
    stage.unpack(sscc, where=WAREHOUSE)
    stage.wait(5 * DAY)
    stage.breaks("sscc-reused", sscc, stage.commission(sscc, where=WAREHOUSE))
    stage.pack(sscc, *units, where=WAREHOUSE)


def verified_but_never_made(stage: Stage) -> None:
    epc = stage.unit()
    stage.breaks("unknown-serial", epc, stage.verify(ZURICH, epc))


def dispensed_but_never_made(stage: Stage) -> None:
    epc = stage.unit()
    stage.breaks("unknown-serial", epc, stage.dispense(ZURICH, epc))


def received_but_never_made(stage: Stage) -> None:
    epc = stage.unit()
    stage.breaks("unknown-serial", epc, stage.receive(FRANKFURT, epc))


def made_in_no_lot(stage: Stage) -> None:
    epc = stage.unit()
    stage.breaks("unknown-lot", epc, stage.commission(epc, named=stage.unknown_lot))


def case_made_in_no_lot(stage: Stage) -> None:
    epc = stage.case_label()
    stage.breaks("unknown-lot", epc, stage.commission(epc, named=stage.unknown_lot))


def printed_with_another_expiry(stage: Stage) -> None:
    epc = stage.unit()
    stage.breaks("expiry-mismatch", epc, stage.commission(epc, expiry=_year_before(stage.lots.good.expiry)))


def verified_with_another_expiry(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    good = stage.lots.good
    stage.breaks("expiry-mismatch", epc, stage.verify(BASEL, epc, lot=good.lot, expiry=_year_before(good.expiry)))


def verified_with_another_expiry_and_no_lot(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.breaks("expiry-mismatch", epc, stage.verify(BASEL, epc, expiry=_year_before(stage.lots.good.expiry)))


def verified_with_the_next_lot(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.breaks("lot-mismatch", epc, stage.verify(BASEL, epc, lot=stage.lots.other.lot))


def received_with_no_lot_of_ours(stage: Stage) -> None:
    (epc,) = stage.units(1)
    stage.ship(SITE, ZURICH, epc)
    stage.wait(8 * HOUR)
    stage.breaks("lot-mismatch", epc, stage.receive(ZURICH, epc, lot=stage.unknown_lot))


def scanned_with_caps_lock(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    gtin, _, serial = epc[len(SGTIN) :].partition("/21/")
    read = f"{SGTIN}{gtin}/21/{serial.swapcase()}"
    stage.breaks("scanner-fault", read, stage.verify(BASEL, read, lot=stage.lots.good.lot.swapcase()))


def scanned_without_separator(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    read = f"{epc}10{stage.lots.good.lot}"
    stage.breaks("scanner-fault", read, stage.verify(BASEL, read))


def lot_read_with_the_serial(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.breaks("scanner-fault", epc, stage.verify(BASEL, epc, lot=f"{stage.lots.good.lot}21{epc[-5:]}"))


def made_of_no_product(stage: Stage) -> None:
    epc = stage.label(UNKNOWN_GTIN)
    stage.breaks("unknown-product", epc, stage.commission(epc))


def verified_of_no_product(stage: Stage) -> None:
    epc = stage.label(UNKNOWN_GTIN)
    stage.breaks("unknown-product", epc, stage.verify(FRANKFURT, epc))


def dispensed_in_two_pharmacies(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(5 * HOUR)
    stage.breaks("inactive-elsewhere", epc, stage.dispense(ZURICH, epc))


def dispensed_and_verified_elsewhere(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(2 * DAY)
    stage.breaks("inactive-elsewhere", epc, stage.verify(BERLIN, epc))


def decommissioned_and_sold(stage: Stage) -> None:
    (epc,) = stage.stock(FRANKFURT)
    stage.decommission(FRANKFURT, "OTHER", epc)
    stage.wait(HOUR)
    stage.move((epc,), FRANKFURT, BERLIN)
    stage.breaks("inactive-elsewhere", epc, stage.dispense(BERLIN, epc))


def dispensed_and_packed_by_another(stage: Stage) -> None:
    """Two rules at once, neither of which silences the other."""
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(2 * DAY)
    packed = stage.pack(stage.sscc(), epc, where=FRANKFURT)
    stage.breaks("inactive-elsewhere", epc, packed)
    stage.breaks("not-in-custody", epc, packed)


def dispensed_and_decommissioned(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(HOUR)
    stage.breaks("inactive-again", epc, stage.decommission(BASEL, "OTHER", epc))


def dispensed_again_days_later(stage: Stage) -> None:
    (epc,) = stage.stock(ZURICH)
    stage.dispense(ZURICH, epc)
    stage.wait(2 * DAY)
    stage.breaks("inactive-again", epc, stage.dispense(ZURICH, epc))


def destroyed_and_verified(stage: Stage) -> None:
    (epc,) = stage.stock(RETURNS)
    stage.destroy(RETURNS, epc)
    stage.wait(2 * HOUR)
    stage.breaks("terminal-item", epc, stage.verify(RETURNS, epc))


def stolen_and_dispensed(stage: Stage) -> None:
    (epc,) = stage.stock(FRANKFURT)
    stage.decommission(FRANKFURT, "STOLEN", epc)
    stage.wait(2 * DAY)
    stage.breaks("terminal-item", epc, stage.dispense(BERLIN, epc))


def destroyed_and_reactivated(stage: Stage) -> None:
    (epc,) = stage.stock(RETURNS)
    stage.destroy(RETURNS, epc)
    stage.wait(DAY)
    stage.breaks("terminal-item", epc, stage.reactivate(RETURNS, "DESTROYED", epc))


def dispensed_after_its_expiry(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL, lot=stage.lots.expiring)
    stage.until(stage.turn + 2 * DAY)
    stage.breaks("expired-item", epc, stage.dispense(BASEL, epc))


def shipped_with_expired_goods_inside(stage: Stage) -> None:
    pallet, _, _ = stage.delivered(FRANKFURT, stage.lots.expiring)
    stage.until(stage.turn + 2 * DAY)
    stage.breaks("expired-item", pallet, stage.ship(FRANKFURT, BERLIN, pallet))
    stage.wait(20 * HOUR)
    stage.receive(BERLIN, pallet)


def shipped_after_its_expiry(stage: Stage) -> None:
    (epc,) = stage.stock(FRANKFURT, lot=stage.lots.expiring)
    stage.until(stage.turn + 2 * DAY)
    stage.breaks("expired-item", epc, stage.ship(FRANKFURT, BERLIN, epc))


def made_after_its_expiry(stage: Stage) -> None:
    epc = stage.unit()
    stage.until(stage.turn + 2 * DAY)
    stage.breaks("expired-item", epc, stage.commission(epc, lot=stage.lots.expiring))


def dispensed_after_its_recall(stage: Stage) -> None:
    (epc,) = stage.stock(ZURICH, lot=stage.lots.recalled)
    stage.until(stage.turn + DAY)
    stage.breaks("recalled-item", epc, stage.dispense(ZURICH, epc))


def shipped_and_received_with_recalled_goods_inside(stage: Stage) -> None:
    pallet, _, _ = stage.delivered(FRANKFURT, stage.lots.recalled)
    stage.until(stage.turn + DAY)
    stage.breaks("recalled-item", pallet, stage.ship(FRANKFURT, BERLIN, pallet))
    stage.wait(20 * HOUR)
    stage.breaks("recalled-item", pallet, stage.receive(BERLIN, pallet))


def recalled_itself_and_dispensed(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.recall(BASEL, epc)
    stage.wait(HOUR)
    stage.breaks("recalled-item", epc, stage.dispense(BASEL, epc))


def dispensed_after_its_lot_was_called_back(stage: Stage) -> None:
    (epc,) = stage.stock(ZURICH, lot=stage.lots.called_back)
    stage.until(stage.turn)
    stage.recall_lot(stage.lots.called_back)
    stage.wait(HOUR)
    stage.breaks("recalled-item", epc, stage.dispense(ZURICH, epc))


def brought_back_after_its_expiry(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL, lot=stage.lots.expiring)
    stage.until(stage.turn - DAY)
    stage.dispense(BASEL, epc)
    stage.until(stage.turn + 2 * DAY)
    stage.breaks("undo-not-allowed", epc, stage.reactivate(BASEL, "DISPENSED", epc))


def brought_back_after_its_recall(stage: Stage) -> None:
    (epc,) = stage.stock(ZURICH, lot=stage.lots.recalled)
    stage.until(stage.turn - DAY)
    stage.dispense(ZURICH, epc)
    stage.until(stage.turn + DAY)
    stage.breaks("undo-not-allowed", epc, stage.reactivate(ZURICH, "DISPENSED", epc))


def brought_back_elsewhere(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(DAY)
    stage.breaks("undo-elsewhere", epc, stage.reactivate(ZURICH, "DISPENSED", epc))


def brought_back_on_the_eleventh_day(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(10 * DAY + 30 * MINUTE)
    stage.breaks("undo-too-late", epc, stage.reactivate(BASEL, "DISPENSED", epc))


def brought_back_with_another_reason(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(3 * HOUR)
    stage.breaks("undo-mismatch", epc, stage.reactivate(BASEL, "SAMPLE", epc))


def brought_back_late_elsewhere_and_for_another_reason(stage: Stage) -> None:
    """The first of the three silences the others; it stays inactive, as the second attempt shows."""
    (epc,) = stage.stock(BASEL)
    stage.dispense(BASEL, epc)
    stage.wait(11 * DAY)
    stage.breaks("undo-elsewhere", epc, stage.reactivate(ZURICH, "SAMPLE", epc))
    stage.wait(HOUR)
    stage.breaks("undo-too-late", epc, stage.reactivate(BASEL, "SAMPLE", epc))


def dispensed_on_hold(stage: Stage) -> None:
    (epc,) = stage.stock(BASEL)
    stage.hold(BASEL, epc)
    stage.wait(HOUR)
    stage.breaks("held-used", epc, stage.dispense(BASEL, epc))


def _year_before(date: str) -> str:
    year, rest = date.split("-", 1)
    return f"{int(year) - 1}-{rest if rest != '02-29' else '02-28'}"

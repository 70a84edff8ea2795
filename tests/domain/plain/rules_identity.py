"""Rules of identity (rules.md 5)."""

from __future__ import annotations

from collections.abc import Iterator

from packtrace.domain.dates import DAY, dates_agree
from packtrace.domain.identifiers import serial_of
from packtrace.domain.vocabulary import Kind
from tests.domain.plain.scene import Scene


def duplicate_commissioning(scene: Scene) -> bool:
    return scene.kind is Kind.COMMISSION and scene.state.commissioned


def sscc_reused(scene: Scene) -> bool:
    return scene.use_ended is not None and scene.time - scene.use_ended <= 365 * DAY


def unknown_serial(scene: Scene) -> bool:
    if not scene.is_own or scene.kind is Kind.PACK:
        return False
    return scene.kind is not Kind.COMMISSION and not scene.state.commissioned


def unknown_lot(scene: Scene) -> bool:
    if scene.kind is not Kind.COMMISSION or not scene.is_own or not scene.own.lot:
        return False
    return scene.land.lot(scene.gtin, scene.own.lot) is None


def expiry_mismatch(scene: Scene) -> bool:
    if not scene.own.expiry or not scene.gtin:
        return False
    land = scene.land
    known = land.lot(scene.gtin, scene.own.lot) or land.lot(scene.gtin, scene.carried[0])
    return known is not None and not dates_agree(scene.own.expiry, known.expiry)


def lot_mismatch(scene: Scene) -> bool:
    return bool(scene.own.lot and scene.state.lot and scene.own.lot != scene.state.lot)


def scanner_fault(scene: Scene) -> bool:
    if not lot_mismatch(scene) and not unknown_serial(scene):
        return False
    if scene.land.product(scene.item) is None:
        return False
    lots = scene.land.reference.lots(scene.gtin)
    serial = serial_of(scene.item)
    meant = any(lot in lots for lot in _meant(scene.own.lot))
    return meant or any(serial.endswith("10" + lot) for lot in lots)


def _meant(lot: str) -> Iterator[str]:
    """What a scanner set to another keyboard, or without separators, may have read as ``lot``."""
    for other in (lot.swapcase(), lot.translate(str.maketrans("yzYZ", "zyZY"))):
        if other != lot:
            yield other
    for n in range(1, len(lot)):
        if lot[n:].startswith("21"):
            yield lot[:n]


def unknown_product(scene: Scene) -> bool:
    return bool(scene.gtin) and scene.land.product(scene.item) is None

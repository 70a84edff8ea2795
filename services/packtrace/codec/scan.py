"""What a scanned code says: a list of (AI, data) becomes an item with its lot and expiry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from packtrace.codec.ai_table import CENTURY_YEAR
from packtrace.domain.dates import read_yymmdd
from packtrace.domain.identifiers import gtin14, lot_key, sgtin_key, sscc_key
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError


class ScanWarning(StrEnum):
    """What is legal in a scan and yet points to a fault of the scanner or the printer."""

    CAPS_LOCK = "caps-lock-scanner"
    """The symbology identifier came with inverted case (``]D2``): letters of serial and lot are inverted too."""
    LINE_END = "line-end-stripped"
    STAND_IN = "separator-stand-in"
    """The scanner writes text such as ``<GS>`` in place of the separator."""
    DAY_00 = "day-00"
    LOT_HOLDS_SERIAL = "lot-holds-serial"
    """No serial, but a lot that looks like a lot and a serial whose separator was lost, e.g. ``LOT4221SN0001``."""
    PARTIAL = "partial-scan"
    """No item is identified: a serial or an SSCC is missing."""


Elements = Sequence[tuple[str, str]]

PATIENT: Final = frozenset({"8018", "8019", *map(str, range(7240, 7243)), *map(str, range(7250, 7260))})
"""AIs about a patient: never handed on."""

_LOT_HOLDS_SERIAL = re.compile(r".+21.{4,}")


class Scan(msgspec.Struct, frozen=True):
    """One code.

    Args:
        key: canonical key of the item; empty of a partial scan.
        gtin: GTIN-14; empty for an SSCC.
        serial: empty where none was stated.
        lot: of the item itself; the lot of what an SSCC contains is not its own.
        expiry: YYYYMMDD, day 00 kept; 0 where none was stated.
        elements: everything stated, in order, but for data about patients.
    """

    key: str
    gtin: str = ""
    serial: str = ""
    lot: str = ""
    expiry: int = 0
    warnings: tuple[ScanWarning, ...] = ()
    elements: tuple[tuple[str, str], ...] = ()


def understood(elements: Elements, reference_year: int = CENTURY_YEAR, warnings: Sequence[ScanWarning] = ()) -> Scan:
    """The scan that ``elements`` make, each already verified against its format.

    Raises:
        RejectedError: an AI twice with different data, two items in one code, AIs that exclude one another.
    """
    stated: dict[str, str] = {}
    for ai, data in elements:
        if stated.setdefault(ai, data) != data:
            raise RejectedError(Reject.BAD_IDENTIFIER, expected=f"one value of ({ai}), {stated[ai]}", found=data)
    for ai, others in _EXCLUDES:
        if ai in stated and (both := stated.keys() & others):
            raise RejectedError(Reject.BAD_IDENTIFIER, expected=f"({ai}) without ({min(both)})", found=stated[ai])
    gtin, serial = stated.get("01", ""), stated.get("21", "")
    sscc = stated.get("00", "")
    if sscc and gtin and serial:
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="one item, (00) or (01) with (21)", found=f"both {sscc} and {gtin}")
    noted = list(warnings)
    expiry_text = stated.get("17") or stated.get("7003", "")[:6]
    expiry = read_yymmdd(expiry_text, reference_year) if expiry_text else 0
    lot = stated.get("10", "") if gtin else ""
    if expiry_text.endswith("00"):
        noted.append(ScanWarning.DAY_00)
    if not serial and not sscc and _LOT_HOLDS_SERIAL.fullmatch(lot):
        noted.append(ScanWarning.LOT_HOLDS_SERIAL)
    if sscc:
        key = sscc_key(sscc)
        lot, expiry = "", 0
    elif gtin and serial:
        key = sgtin_key(gtin, serial)
    else:
        key = ""
        noted.append(ScanWarning.PARTIAL)
    if gtin and lot:
        lot_key(gtin, lot)
    return Scan(
        key=key,
        gtin="" if sscc else gtin and gtin14(gtin),
        serial="" if sscc else serial,
        lot=lot,
        expiry=expiry,
        warnings=tuple(noted),
        elements=tuple((ai, data) for ai, data in elements if ai not in PATIENT),
    )


_EXCLUDES = (
    ("01", frozenset({"02", "03", "37", "255", "8006"})),
    ("21", frozenset({"235"})),
    ("02", frozenset({"03"})),
)
"""Of the invalid pairs of the GS1 Syntax Dictionary those that decide which item is meant."""

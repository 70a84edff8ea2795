"""Any spelling of an item, lot class or place becomes its one key; keys become the text that leaves.

The opening of a text says its dialect, and one reader per dialect takes it from there: ``urn:`` is an EPC URN, ``http`` a
Digital Link, everything else a GS1 element string. Our own keys are read by ``packtrace.domain.identifiers.item_key`` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from packtrace.codec import digital_link as _digital_link
from packtrace.codec import element_string as _element_string
from packtrace.codec import epc_urn as _epc_urn
from packtrace.codec.ai_table import CENTURY_YEAR
from packtrace.codec.gln import parse_gln
from packtrace.codec.scan import Scan, ScanWarning, understood
from packtrace.domain.identifiers import EPC_CHARACTERS_MAX, is_sscc, lot_key, serial_of, sscc_key
from packtrace.domain.identifiers import gtin_of as _gtin_of
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

__all__ = [
    "Scan",
    "ScanWarning",
    "digital_link",
    "epc_urn",
    "gln_link",
    "parse_gln",
    "parse_item",
    "parse_lot_class",
    "parse_scan",
    "plain_item",
]

_SSCC_URN: Final = "urn:epc:id:sscc:"
_SSCC_URN_CHARACTERS: Final = 34
_SSCC_LINK: Final = "https://id.gs1.org/00/"
_GTIN_LINK: Final = "https://id.gs1.org/01/"

_HEADS_MAX = 65_536
_heads: dict[str, str] = {}
"""Everything before the serial, as it came -> beginning of the key; only of what the slow way has read."""


def plain_item(text: str) -> str:
    """Key of an item in one of its plain spellings, or empty: ask ``parse_scan`` then.

    Plain are the SSCC as URN and as canonical Digital Link, and the canonical Digital Link of a pack, its URN and ``01...21...`` with a serial of letters and digits, no lot, and a
    product seen before: one look-up and one test, about 0.3 us where the whole way takes 8.
    """
    cut = 40 if text[:1] == "h" else 32 if text[:1] == "u" else 18
    head = _heads.get(text[:cut])
    if head is not None:
        serial = text[cut:]
        if len(serial) <= 20 and serial.isalnum() and serial.isascii():
            return head + serial
    else:
        try:
            if text[:22] == _SSCC_LINK and len(text) == 40:
                return sscc_key(text[22:])
            if text[:16] == _SSCC_URN and len(text) == _SSCC_URN_CHARACTERS:
                return _epc_urn.item(text)
        except RejectedError:
            return ""
    return ""


def _remember(text: str, scan: Scan) -> None:
    """``text`` was read as an item: the next of the same product may take the short way."""
    if not scan.serial or not scan.serial.isalnum() or not text.endswith(scan.serial):
        return
    head = text[: -len(scan.serial)]
    canonical = len(head) == 40 and head.startswith(_GTIN_LINK) and head.endswith("/21/")
    if canonical or (len(head) == 32 and head.startswith("urn:epc:id:sgtin:")) or (len(head) == 18 and head == scan.key[:18]):
        if len(_heads) >= _HEADS_MAX:
            _heads.clear()
        _heads[head] = scan.key[:18]


def parse_item(text: str) -> str:
    """Canonical key of an item in any spelling.

    >>> parse_item("https://id.gs1.org/01/09506000134352/21/A1B2C3")
    '010950600013435221A1B2C3'

    Raises:
        RejectedError: bad-identifier, wrong-check-digit, bad-date, identifier-too-long.
    """
    return plain_item(text) or read_item(text).key


def read_item(text: str, reference_year: int = CENTURY_YEAR) -> Scan:
    """An item with the lot and expiry its text states; strict: no line end, nothing partial."""
    scan = _read(text, reference_year, ())
    if not scan.key:
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="an item: (01) with (21), or (00)", found=text)
    _remember(text, scan)
    return scan


def parse_scan(text: str, reference_year: int = CENTURY_YEAR) -> Scan:
    """What a scanner sent, with all it says and what is odd about it; a line end is taken off and noted.

    Raises:
        RejectedError: as ``parse_item``, but a code that names no item is a partial scan.
    """
    stripped = text.rstrip("\r\n")
    return _read(stripped, reference_year, () if stripped == text else (ScanWarning.LINE_END,))


def _read(text: str, reference_year: int, warnings: tuple[ScanWarning, ...]) -> Scan:
    if len(text) > EPC_CHARACTERS_MAX:
        raise RejectedError(Reject.IDENTIFIER_TOO_LONG, expected=f"at most {EPC_CHARACTERS_MAX} characters", found=text)
    if not text:
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="an identifier", found="nothing")
    if text.startswith("urn:"):
        key = _epc_urn.item(text)
        sscc = is_sscc(key)
        return Scan(key=key, gtin=_gtin_of(key), serial="" if sscc else serial_of(key), warnings=warnings)
    if text[:4].lower() == "http":
        return understood(_digital_link.read(text), reference_year, warnings)
    elements, noted = _element_string.read(text)
    return understood(elements, reference_year, warnings + noted)


def parse_lot_class(text: str) -> tuple[str, str]:
    """(GTIN-14, lot) of a lot class: LGTIN URN, Digital Link ``/01/.../10/...``, element string (01)(10).

    Raises:
        RejectedError: as ``parse_item``; also where a serial is stated, for then it is an item.
    """
    if len(text) > EPC_CHARACTERS_MAX:
        raise RejectedError(Reject.IDENTIFIER_TOO_LONG, expected=f"at most {EPC_CHARACTERS_MAX} characters", found=text)
    if text.startswith("urn:"):
        return _epc_urn.lot_class(text)
    scan = _read(text, CENTURY_YEAR, ())
    if scan.key or not scan.gtin or not scan.lot:
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="a lot class: (01) with (10) and no serial", found=text)
    return scan.gtin, scan.lot


def digital_link(key: str) -> str:
    """The canonical Digital Link of an item.

    >>> digital_link("010950600013435221A/1")
    'https://id.gs1.org/01/09506000134352/21/A%2F1'
    """
    return _digital_link.write_item(key)


def epc_urn(key: str, prefix_length: int | Callable[[str], int]) -> str:
    """The EPC URN of an item; the company prefix has ``prefix_length`` digits, or as many as that function says of the
    13 digits of the number from the prefix on."""
    if callable(prefix_length):
        digits = serial_of(key) if is_sscc(key) else _gtin_of(key)
        prefix_length = prefix_length(digits[1:14])
    return _epc_urn.write_item(key, prefix_length)


def lot_link(gtin: str, lot: str) -> str:
    """The canonical Digital Link of a lot class."""
    lot_key(gtin, lot)
    return _digital_link.write_lot_class(gtin, lot)


def gln_link(key: str) -> str:
    """The canonical Digital Link of a place."""
    return _digital_link.write_gln(key)

"""One key per item, class and place: plain ASCII text, free of separators and of company-prefix length.

=============  ====================================  ==================================
what           key                                   example
=============  ====================================  ==================================
item, SGTIN    ``01`` GTIN-14 ``21`` serial          ``010950600013435221A1B2C3``
item, SSCC     ``00`` 18 digits                      ``00095060001000000015``
lot class      ``01`` GTIN-14 ``10`` lot             ``010950600013435210L7``
GLN            13 digits, with extension ``/`` text  ``9506000100005``, ``9506000100005/ST1``
=============  ====================================  ==================================

Serials and lots are case-sensitive text and leading zeros count. Two spellings of one pack have one key, two packs never do.

Sources: GS1 General Specifications, 3 (application identifiers), 7.9.1 (check digit), figure 7.11-1 (character set 82).
"""

from __future__ import annotations

import re
from typing import Final

import xxhash

from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

EPC_CHARACTERS_MAX: Final = 256
"""Longest text read as an identifier; the longest Digital Link of a pack with lot and attributes stays below."""

CSET82: Final = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

_SERIAL = re.compile(r"[!-\"%-?A-Z_a-z]{1,20}")
_DIGITS = re.compile(r"[0-9]+")
_MEMO_ENTRIES_MAX = 65_536
_good: dict[str, None] = {}
"""GTINs and GLNs seen with a right check digit: a site has few, an event names them again and again."""


def check_digit(digits: str) -> str:
    """The mod-10 digit that follows ``digits``: weights 3, 1, 3, ... from the right.

    >>> check_digit("0950600013435")
    '2'
    """
    if not _DIGITS.fullmatch(digits):
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="digits 0-9", found=digits)
    backwards = digits[::-1]
    return str(-(3 * sum(map(int, backwards[::2])) + sum(map(int, backwards[1::2]))) % 10)


def verified(digits: str, length: int, what: str) -> str:
    """``digits`` when they are ``length`` digits 0-9 that end in their check digit.

    Raises:
        RejectedError: bad-identifier for a wrong length or a non-digit, wrong-check-digit with the digit expected.
    """
    if len(digits) != length or not (digits.isascii() and digits.isdigit()):
        raise RejectedError(Reject.BAD_IDENTIFIER, expected=f"{what} of {length} digits 0-9", found=digits)
    right = check_digit(digits[:-1])
    if digits[-1] != right:
        raise RejectedError(Reject.WRONG_CHECK_DIGIT, expected=f"{what} with check digit {right}", found=digits)
    return digits


def _remembered(digits: str, length: int, what: str) -> str:
    if digits not in _good:
        verified(digits, length, what)
        if len(_good) >= _MEMO_ENTRIES_MAX:
            _good.clear()
        _good[digits] = None
    elif len(digits) != length:
        raise RejectedError(Reject.BAD_IDENTIFIER, expected=f"{what} of {length} digits 0-9", found=digits)
    return digits


def gtin14(digits: str) -> str:
    """``digits`` as a GTIN-14; 14 digits only, see ``padded_gtin`` for the shorter ones."""
    return _remembered(digits, 14, "GTIN-14")


def padded_gtin(digits: str) -> str:
    """A GTIN-8, -12, -13 or -14 as GTIN-14."""
    if len(digits) not in (8, 12, 13, 14):
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="a GTIN of 8, 12, 13 or 14 digits", found=digits)
    return gtin14(digits.zfill(14))


def serial_text(serial: str, what: str = "serial") -> str:
    """``serial`` when it is 1 to 20 characters of character set 82."""
    if len(serial) <= 20 and serial.isalnum() and serial.isascii():
        return serial
    if not _SERIAL.fullmatch(serial):
        raise RejectedError(Reject.BAD_IDENTIFIER, expected=f"a {what} of 1 to 20 characters of GS1 character set 82", found=serial)
    return serial


def sgtin_key(gtin: str, serial: str) -> str:
    """Key of a serialised trade item.

    >>> sgtin_key("09506000134352", "A1B2C3")
    '010950600013435221A1B2C3'
    """
    return f"01{gtin14(gtin)}21{serial_text(serial)}"


def lot_key(gtin: str, lot: str) -> str:
    """Key of a lot class (LGTIN)."""
    return f"01{gtin14(gtin)}10{serial_text(lot, 'lot')}"


def sscc_key(digits: str) -> str:
    """Key of a logistic unit from its 18 digits."""
    if len(digits) == 18 and digits.isascii() and digits.isdigit():
        codes = digits.encode()
        # 9 codes weigh 3 and 9 weigh 1: 48 * 36 = 1728 too much, so a right sum ends in 8
        if (sum(codes) + 2 * sum(codes[::2])) % 10 == 8:
            return f"00{digits}"
    return f"00{verified(digits, 18, 'SSCC')}"


def gln_key(digits: str, extension: str = "") -> str:
    """Key of a place or party. Extension ``0`` means none, as in an SGLN (GS1 TDS, 6.3.3)."""
    _remembered(digits, 13, "GLN")
    if extension in ("", "0"):
        return digits
    return f"{digits}/{serial_text(extension, 'GLN extension')}"


def item_key(text: str) -> str:
    """``text`` when it is the key of an item: the only reader of keys, for what we wrote ourselves.

    Raises:
        RejectedError: it is no key, e.g. a Digital Link (``packtrace.codec.identifiers.parse_item`` reads those).
    """
    if text[:2] == "00":
        return sscc_key(text[2:])
    if text[:2] == "01" and text[16:18] == "21":
        return sgtin_key(text[2:16], text[18:])
    raise RejectedError(Reject.BAD_IDENTIFIER, expected="an item key such as 010950600013435221A1B2C3", found=text)


def is_sscc(key: str) -> bool:
    """Whether an item key names a logistic unit; else it is an SGTIN."""
    return key[:2] == "00"


def gtin_of(key: str) -> str:
    """GTIN-14 of an item or lot key; empty for an SSCC."""
    return key[2:16] if key[:2] == "01" else ""


def serial_of(key: str) -> str:
    """Serial of an SGTIN, or the 18 digits of an SSCC."""
    return key[18:] if key[:2] == "01" else key[2:]


def lot_of(key: str) -> str:
    """Lot of a lot key."""
    return key[18:]


def premises(gln: str) -> str:
    """The GLN-13 of a place without its extension: what rules compare as "place" (rules.md 1)."""
    return gln[:13]


def extension_of(gln: str) -> str:
    """The GLN extension; empty where there is none."""
    return gln[14:]


def partition_of(key: str, partitions: int) -> int:
    """The ops partition that owns ``key``: fixed for the life of the topic, the same on every machine."""
    return xxhash.xxh3_64_intdigest(key.encode()) % partitions

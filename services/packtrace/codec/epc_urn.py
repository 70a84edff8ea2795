"""EPC pure-identity URNs: the company prefix is cut out of the number and the check digit left off.

Source: GS1 EPC Tag Data Standard, 6.3. Any prefix length of 6 to 12 digits is read, and gives the same key.
"""

from __future__ import annotations

import re
from typing import Final

from packtrace.codec.percent import URN, decoded, encoded
from packtrace.domain.identifiers import check_digit, extension_of, gln_key, gtin_of, is_sscc, lot_key, serial_of, sgtin_key, sscc_key
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

PREFIX_DIGITS: Final = range(6, 13)
"""Lengths of a GS1 Company Prefix."""

_SGTIN = re.compile(r"urn:epc:id:sgtin:([0-9]{6,12})\.([0-9]{1,7})\.(.+)")
_SSCC = re.compile(r"urn:epc:id:sscc:([0-9]{6,12})\.([0-9]{5,11})")
_LGTIN = re.compile(r"urn:epc:class:lgtin:([0-9]{6,12})\.([0-9]{1,7})\.(.+)")
_SGLN = re.compile(r"urn:epc:id:sgln:([0-9]{6,12})\.([0-9]{0,6})\.(.+)")
_PGLN = re.compile(r"urn:epc:id:pgln:([0-9]{6,12})\.([0-9]{0,6})")


def _refused(text: str, expected: str) -> RejectedError:
    return RejectedError(Reject.BAD_IDENTIFIER, expected=expected, found=text)


def _gtin(prefix: str, reference: str, text: str) -> str:
    """GTIN-14: indicator, prefix, rest of the item reference, check digit."""
    if len(prefix) + len(reference) != 13:
        raise _refused(text, "13 digits in company prefix and item reference together")
    digits = reference[0] + prefix + reference[1:]
    return digits + check_digit(digits)


def item(text: str) -> str:
    """Key of ``urn:epc:id:sgtin:...`` or ``urn:epc:id:sscc:...``.

    >>> item("urn:epc:id:sgtin:9506000.013435.A1B2C3")
    '010950600013435221A1B2C3'
    """
    if match := _SGTIN.fullmatch(text):
        return sgtin_key(_gtin(match[1], match[2], text), decoded(match[3], URN))
    if match := _SSCC.fullmatch(text):
        prefix, reference = match[1], match[2]
        if len(prefix) + len(reference) != 17:
            raise _refused(text, "17 digits in company prefix and serial reference together")
        digits = reference[0] + prefix + reference[1:]
        return sscc_key(digits + check_digit(digits))
    raise _refused(text, "urn:epc:id:sgtin:PREFIX.ITEM.SERIAL or urn:epc:id:sscc:PREFIX.SERIAL")


def lot_class(text: str) -> tuple[str, str]:
    """(GTIN-14, lot) of ``urn:epc:class:lgtin:...``."""
    if match := _LGTIN.fullmatch(text):
        gtin, lot = _gtin(match[1], match[2], text), decoded(match[3], URN)
        lot_key(gtin, lot)
        return gtin, lot
    raise _refused(text, "urn:epc:class:lgtin:PREFIX.ITEM.LOT")


def gln(text: str) -> str:
    """GLN key of ``urn:epc:id:sgln:...`` (extension 0 is none) or ``urn:epc:id:pgln:...``."""
    match = _SGLN.fullmatch(text) or _PGLN.fullmatch(text)
    if match is None:
        raise _refused(text, "urn:epc:id:sgln:PREFIX.LOCATION.EXTENSION or urn:epc:id:pgln:PREFIX.PARTY")
    digits = match[1] + match[2]
    if len(digits) != 12:
        raise _refused(text, "12 digits in company prefix and reference together")
    extension = decoded(match[3], URN) if match.re is _SGLN else ""
    return gln_key(digits + check_digit(digits), extension)


def _cut(digits: str, prefix_length: int) -> tuple[str, str]:
    """Company prefix and reference; ``digits`` begin with indicator or extension digit and end in the check digit."""
    if prefix_length not in PREFIX_DIGITS:
        raise _refused(str(prefix_length), "a company prefix of 6 to 12 digits")
    return digits[1 : 1 + prefix_length], digits[0] + digits[1 + prefix_length : -1]


def write_item(key: str, prefix_length: int) -> str:
    """The URN of an item whose company prefix has ``prefix_length`` digits."""
    if is_sscc(key):
        prefix, reference = _cut(serial_of(key), prefix_length)
        return f"urn:epc:id:sscc:{prefix}.{reference}"
    prefix, reference = _cut(gtin_of(key), prefix_length)
    return f"urn:epc:id:sgtin:{prefix}.{reference}.{encoded(serial_of(key), URN)}"


def write_lot_class(gtin: str, lot: str, prefix_length: int) -> str:
    """The URN of a lot class."""
    prefix, reference = _cut(gtin, prefix_length)
    return f"urn:epc:class:lgtin:{prefix}.{reference}.{encoded(lot, URN)}"


def write_gln(key: str, prefix_length: int) -> str:
    """The SGLN URN of a place."""
    if prefix_length not in PREFIX_DIGITS:
        raise _refused(str(prefix_length), "a company prefix of 6 to 12 digits")
    return f"urn:epc:id:sgln:{key[:prefix_length]}.{key[prefix_length:12]}.{encoded(extension_of(key) or '0', URN)}"

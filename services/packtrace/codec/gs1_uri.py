"""Any URI of a GS1 key in the one form the CBV event hash is taken of: the constrained canonical Digital Link.

Wider than ``identifiers``: events may name documents, assets and people, which packtrace does not follow but must hash as
every partner does. A text that is no such URI, or a wrong one, stays as it is.

Source: CBV 2.0, 8.9.3; EPC Tag Data Standard, 6.3.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from packtrace.codec.digital_link import DOMAIN, read
from packtrace.codec.percent import PATH, URN, decoded, encoded
from packtrace.domain.identifiers import EPC_CHARACTERS_MAX, check_digit
from packtrace.errors import RejectedError


class _Scheme(NamedTuple):
    """How a URN of one scheme is put together: its AI, digits of prefix and reference together, what follows."""

    ai: str
    digits: int
    indicator: bool = False
    """The first digit of the reference stands before the prefix."""
    serial: str = ""
    """AI of the last part; ``+`` where it is joined to the number without AI; empty where there is none."""
    lead: str = ""
    """Before the number."""


# fmt: off
_SCHEMES: Final = {
    #                       AI     digits  indicator        serial        lead
    "id:sgtin":     _Scheme("01",   13,    indicator=True,  serial="21"),
    "class:lgtin":  _Scheme("01",   13,    indicator=True,  serial="10"),
    "idpat:sgtin":  _Scheme("01",   13,    indicator=True,  serial="*"),
    "id:upui":      _Scheme("01",   13,    indicator=True,  serial="235"),
    "id:sscc":      _Scheme("00",   17,    indicator=True),
    "id:sgln":      _Scheme("414",  12,                     serial="254"),
    "id:pgln":      _Scheme("417",  12),
    "id:grai":      _Scheme("8003", 12,                     serial="+",   lead="0"),
    "idpat:grai":   _Scheme("8003", 12,                     serial="*",   lead="0"),
    "id:gsrn":      _Scheme("8018", 17),
    "id:gsrnp":     _Scheme("8017", 17),
    "id:gdti":      _Scheme("253",  12,                     serial="+"),
    "idpat:gdti":   _Scheme("253",  12,                     serial="*"),
    "id:sgcn":      _Scheme("255",  12,                     serial="+"),
    "idpat:sgcn":   _Scheme("255",  12,                     serial="*"),
    "id:gsin":      _Scheme("402",  16),
}
_JOINED: Final = {
    # prefix and reference joined as they are, without check digit
    "id:giai": "8004",
    "id:ginc": "401",
}
_FINEST: Final = {
    # of the qualifiers in a Digital Link only the finest level of identification counts
    "01": ("21", "235", "10"),
    "414": ("254",),
    "8006": ("21", "10"),
    "8010": ("8011",),
    "8017": ("8019",),
    "8018": ("8019",),
}
# fmt: on
_URN = re.compile(r"urn:epc:((?:id|class|idpat):[a-z]+):([0-9]{6,12})\.(.+)")
_ITIP = re.compile(r"([0-9]+)\.([0-9]{2})\.([0-9]{2})\.(.+)")


def canonical_uri(text: str) -> str:
    """``text`` as constrained canonical Digital Link where it is a URI of a GS1 key; else unchanged.

    >>> canonical_uri("urn:epc:id:sgln:4012345.00011.987")
    'https://id.gs1.org/414/4012345000115/254/987'
    """
    try:
        if len(text) <= EPC_CHARACTERS_MAX:
            if match := _URN.fullmatch(text):
                return _of_urn(match[1], match[2], match[3]) or text
            if text[:4].lower() == "http":
                return _of_link(text)
    except RejectedError:
        return text
    return text


def _of_link(text: str) -> str:
    (ai, data), *qualifiers = read(text)
    stated = dict(qualifiers)
    for finer in _FINEST.get(ai, ()):
        if finer in stated:
            return _link(ai, data, finer, stated[finer])
    return _link(ai, data)


def _of_urn(scheme: str, prefix: str, rest: str) -> str:
    if scheme in _JOINED:
        return _link(_JOINED[scheme], decoded(prefix + rest.removeprefix("."), URN))
    if scheme in ("id:cpi", "idpat:cpi"):
        reference, _, serial = rest.rpartition(".")
        return f"{DOMAIN}/8010/{prefix}{reference}" + (f"/8011/{serial}" if serial != "*" else "")
    if scheme in ("id:itip", "idpat:itip") and (match := _ITIP.fullmatch(rest)):
        number = _number(_SCHEMES["id:sgtin"], prefix, match[1])
        piece = number + match[2] + match[3]
        return number and (_link("8006", piece) if match[4] == "*" else _link("8006", piece, "21", decoded(match[4], URN)))
    known = _SCHEMES.get(scheme)
    if known is None:
        return ""
    reference, _, serial = rest.partition(".") if known.serial else (rest, "", "")
    number = _number(known, prefix, reference)
    if not number:
        return ""
    serial = decoded(serial, URN) if serial != "*" else ""
    if known.serial == "+":
        return _link(known.ai, number + serial)
    if not serial or (known.serial == "254" and serial == "0"):
        return _link(known.ai, number)
    return _link(known.ai, number, known.serial, serial)


def _number(scheme: _Scheme, prefix: str, reference: str) -> str:
    if len(prefix) + len(reference) != scheme.digits or not (reference.isdigit() or not reference):
        return ""
    digits = scheme.lead + (reference[0] + prefix + reference[1:] if scheme.indicator else prefix + reference)
    return digits + check_digit(digits)


def _link(ai: str, data: str, qualifier: str = "", value: str = "") -> str:
    return f"{DOMAIN}/{ai}/{encoded(data, PATH)}" + (f"/{qualifier}/{encoded(value, PATH)}" if qualifier else "")

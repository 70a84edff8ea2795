"""GS1 element strings: as scanners send them (``]d2`` ... GS ...) and as people print them (``(01)...(21)...``).

Sources: GS1 General Specifications, 7.8 (processing), 5.1.3 (symbology identifiers); GS1 barcode syntax resource (bracketed form).
"""

from __future__ import annotations

import re
from typing import Final

from packtrace.codec.ai_table import leading, named
from packtrace.codec.scan import Elements, ScanWarning
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

GS: Final = "\x1d"

SYMBOLOGIES: Final = {"]d2": "GS1 DataMatrix", "]C1": "GS1-128", "]Q3": "GS1 QR code", "]e0": "GS1 DataBar"}
_CAPS_LOCK = {"]D2": "]d2", "]c1": "]C1", "]q3": "]Q3"}
"""With inverted case; ``]E0`` is not among them, it is EAN-13."""

_STAND_IN = re.compile(r"<GS>|\{GS\}|\\x1[dD]|\\u001[dD]|\^\]|~029|\u241d|\^")
_PPN = re.compile(r"(\][A-Za-z][0-9])?\[\)>|9N[0-9A-Z]")
_BRACKETED = re.compile(r"\(([0-9]{2,4})\)((?:[^()\\]|\\.)+)", re.DOTALL)
_SPECIAL = re.compile(r"[()\\]")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def read(text: str) -> tuple[Elements, tuple[ScanWarning, ...]]:
    """The elements of a transmitted or bracketed string, each verified, and what is odd about it.

    >>> read("]d2010950600013435221A1B2C3\\x1d10L7")[0]
    [('01', '09506000134352'), ('21', 'A1B2C3'), ('10', 'L7')]

    Raises:
        RejectedError: bad-identifier, wrong-check-digit or bad-date, with the AI as place.
    """
    if _PPN.match(text):
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="a GS1 code", found=f"PPN, not GS1: {text}")
    warnings: tuple[ScanWarning, ...] = ()
    if text.startswith("]"):
        symbology = text[:3]
        if symbology in _CAPS_LOCK:
            warnings = (ScanWarning.CAPS_LOCK,)
        elif symbology not in SYMBOLOGIES:
            raise RejectedError(Reject.BAD_IDENTIFIER, expected=f"a GS1 symbology, one of {', '.join(SYMBOLOGIES)}", found=text)
        text = text[3:]
    if text.startswith("("):
        return read_bracketed(text), warnings
    if GS not in text and _STAND_IN.search(text):
        text = _STAND_IN.sub(GS, text)
        warnings += (ScanWarning.STAND_IN,)
    return read_transmitted(text), warnings


def read_transmitted(text: str) -> Elements:
    """Elements one after the other; GS ends those that have no predefined length, and may lead, trail and follow any other."""
    rest = text.removeprefix(GS)
    if not rest:
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="a GS1 element string", found=text)
    elements = []
    while rest:
        identifier = leading(rest)
        start = len(identifier.ai)
        if identifier.length:
            end = start + identifier.length
            data, rest = rest[start:end], rest[end:].removeprefix(GS)
        else:
            data, _, rest = rest[start:].partition(GS)
        elements.append((identifier.ai, identifier.verified(data)))
    return elements


def read_bracketed(text: str) -> Elements:
    r"""``(01)09506000134352(21)A1B2C3``; a bracket or backslash that belongs to the data is escaped: ``\(``."""
    elements, position = [], 0
    while position < len(text):
        match = _BRACKETED.match(text, position)
        if match is None:
            raise RejectedError(Reject.BAD_IDENTIFIER, expected=r"(AI)data, a bracket inside data written \(", found=text[position:])
        identifier = named(match[1])
        elements.append((identifier.ai, identifier.verified(_ESCAPE.sub(r"\1", match[2]))))
        position = match.end()
    return elements


def transmitted(elements: Elements, symbology: str = "]d2") -> str:
    """As a scanner sends it: GS after each element without predefined length but the last.

    Data that holds the text of a stand-in, such as the serial ``A<GS>1``, gets a GS in front: then no stand-in is looked for.
    """
    out = [symbology, GS if any(_STAND_IN.search(data) for _, data in elements) else ""]
    for number, (ai, data) in enumerate(elements, 1):
        out.append(f"{ai}{data}")
        if number < len(elements) and not named(ai).length:
            out.append(GS)
    return "".join(out)


def bracketed(elements: Elements) -> str:
    """As people print it."""
    return "".join(f"({ai})" + _SPECIAL.sub(r"\\\g<0>", data) for ai, data in elements)

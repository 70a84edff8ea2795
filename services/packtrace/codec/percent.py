"""Percent-escapes of identifiers, strict: what needs no escape has none, so that one serial has one spelling.

Both cases of hexadecimal digits are read, upper case is written.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from packtrace.domain.identifiers import CSET82
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError


class Dialect(msgspec.Struct, frozen=True):
    """Characters that may stand for themselves, and those that may be escaped; both always allowed: either spelling is read."""

    name: str
    plain: frozenset[str]
    escaped: frozenset[str]
    written: frozenset[str]
    """Escaped when written."""


_CSET = frozenset(CSET82)
_URN_ESCAPED = frozenset('"%&/<>?')
_UNRESERVED = frozenset(character for character in CSET82 if character.isalnum() or character in "-._")

URN: Final = Dialect("an EPC URN", _CSET - _URN_ESCAPED, _URN_ESCAPED, _URN_ESCAPED)
"""GS1 EPC Tag Data Standard, 6.3 and annex A."""
_LINK_WRITTEN = _URN_ESCAPED | frozenset("!()*+,:")
PATH: Final = Dialect("a Digital Link", _CSET - frozenset('"%/<>?'), _CSET - _UNRESERVED, _LINK_WRITTEN)
"""Written as table 7-1 of the GS1 Digital Link standard and the CBV event hash want it; sub-delimiters may also stand for
themselves in a path (RFC 3986, 3.3)."""
QUERY: Final = Dialect("a Digital Link", _CSET - frozenset('"%&<>'), _CSET - _UNRESERVED, _LINK_WRITTEN)

_PIECE = re.compile(r"%([0-9A-Fa-f]{2})|(.)", re.DOTALL)


def decoded(text: str, dialect: Dialect) -> str:
    """``text`` without its escapes.

    Raises:
        RejectedError: a truncated escape, an escape of what needs none, or a character that must be escaped.
    """
    if text.isalnum() and text.isascii():
        return text
    out = []
    for escape, character in _PIECE.findall(text):
        if escape:
            character = chr(int(escape, 16))
            if character not in dialect.escaped:
                raise RejectedError(Reject.BAD_IDENTIFIER, expected=f"only characters escaped that {dialect.name} escapes", found=text)
        elif character not in dialect.plain:
            raise RejectedError(
                Reject.BAD_IDENTIFIER, expected=f"characters of GS1 character set 82, escaped where {dialect.name} needs it", found=text
            )
        out.append(character)
    return "".join(out)


def encoded(text: str, dialect: Dialect) -> str:
    """``text`` with the escapes that ``dialect`` writes."""
    if text.isalnum() and text.isascii():
        return text
    return "".join(f"%{ord(character):02X}" if character in dialect.written else character for character in text)

"""What a question may say, read and checked; everything else gets a problem document."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping

import msgspec

from packtrace.codec.identifiers import parse_item
from packtrace.domain.dates import read_time
from packtrace.domain.identifiers import padded_gtin, serial_text
from packtrace.errors import RejectedError
from packtrace.query.problem import ProblemError, of_rejected

EPC_CHARACTERS_MAX = 1024
"""Of an address segment; the reader of identifiers has its own, lower limit."""

_NUMBER = re.compile(r"-?[0-9]{1,19}")


class Parameters:
    """The query part of one address."""

    def __init__(self, stated: Iterable[tuple[str, str]], known: Iterable[str]) -> None:
        allowed = set(known)
        self._stated: dict[str, str] = {}
        for name, value in stated:
            if name not in allowed:
                expected = ", ".join(sorted(allowed)) or "no parameters"
                raise ProblemError("bad-parameter", f"expected {expected}, found {name!r}", {"where": name})
            if name in self._stated:
                raise ProblemError("bad-parameter", f"{name}: expected once, found twice", {"where": name})
            self._stated[name] = value

    def text(self, name: str, allowed: Iterable[str] | None = None) -> str:
        """Empty where not stated."""
        value = self._stated.get(name, "")
        if value and allowed is not None and value not in (words := list(allowed)):
            raise ProblemError("bad-parameter", f"{name}: expected {', '.join(words)}, found {value!r}", {"where": name})
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self._stated.get(name)
        if value is None:
            return default
        if not _NUMBER.fullmatch(value) or not low <= int(value) <= high:
            raise ProblemError("bad-parameter", f"{name}: expected {low} to {high}, found {value[:40]!r}", {"where": name})
        return int(value)

    def time(self, name: str) -> int | None:
        """Microseconds, None where not stated."""
        value = self._stated.get(name)
        if value is None:
            return None
        try:
            # an unescaped + of a zone arrives as a blank
            return read_time(value.replace(" ", "+"))
        except RejectedError as error:
            raise of_rejected(error.inside(name), "bad-parameter") from error

    def cursor(self, types: Mapping[str, type]) -> dict[str, object] | None:
        """The place a page starts after, as ``cursor_text`` wrote it; None for the first."""
        value = self._stated.get("cursor")
        if value is None:
            return None
        try:
            fields = msgspec.json.decode(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        except (binascii.Error, ValueError) as error:
            raise _bad_cursor(value) from error
        if not isinstance(fields, list) or len(fields) != len(types):
            raise _bad_cursor(value)
        for field, type_ in zip(fields, types.values(), strict=True):
            if type(field) is not type_ or (isinstance(field, int) and not -(2**63) <= field < 2**63):
                raise _bad_cursor(value)
        return dict(zip(types, fields, strict=True))


def _bad_cursor(value: str) -> ProblemError:
    return ProblemError("bad-parameter", f"cursor: expected the `next` of the page before, found {value[:60]!r}", {"where": "cursor"})


def cursor_text(*fields: object) -> str:
    """A place in an ordered answer, opaque to its reader."""
    return base64.urlsafe_b64encode(msgspec.json.encode(fields)).decode().rstrip("=")


def item_of(text: str) -> str:
    """The key of an item in any spelling."""
    if len(text) > EPC_CHARACTERS_MAX:
        raise ProblemError("bad-identifier", f"expected at most {EPC_CHARACTERS_MAX} characters, found {len(text)}")
    try:
        return parse_item(text)
    except RejectedError as error:
        raise of_rejected(error) from error


def lot_of(gtin: str, lot: str) -> tuple[str, str]:
    """(GTIN-14, lot)."""
    try:
        try:
            number = padded_gtin(gtin)
        except RejectedError as error:
            raise error.inside("gtin") from error
        try:
            return number, serial_text(lot, "lot")
        except RejectedError as error:
            raise error.inside("lot") from error
    except RejectedError as error:
        raise of_rejected(error) from error

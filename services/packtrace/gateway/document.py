"""One body -> the JSON texts of its events: an object, an array of objects, or JSON lines. Pure.

A line that is no JSON costs only itself; an array that is no JSON cannot be divided and is refused whole.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

import msgspec

from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

BOM = b"\xef\xbb\xbf"
_BYTE = re.compile(r"\(byte ([0-9]+)\)")
_EPCIS = re.compile(rb'"@context"\s*:|"schemaVersion"\s*:')
_HEAD_BYTES = 4096
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class EventText(NamedTuple):
    """One event as it came; ``error`` where it is no JSON."""

    text: bytes
    error: RejectedError | None = None


def split(body: bytes, events_max: int) -> list[EventText]:
    """The events of ``body`` in order.

    Raises:
        RejectedError: the body as a whole cannot be divided; ``where`` is "line L, column C".
        TooManyEventsError: more than ``events_max``.
        EpcisDocumentError: it is an EPCIS document, which this gateway does not read.
    """
    text = body[len(BOM) :] if body.startswith(BOM) else body
    first = text.lstrip(b" \t\r\n")[:1]
    if first == b"[":
        events = [EventText(raw) for raw in _array(text)]
    elif first == b"":
        events = []
    elif _has_object_lines(text):
        events = [_line(number, line) for number, line in enumerate(text.split(b"\n"), 1) if line.strip()]
    else:
        events = [EventText(_object(text))]
    if len(events) > events_max:
        raise TooManyEventsError(len(events), events_max)
    return events


class TooManyEventsError(Exception):
    """More events than a body may hold."""

    def __init__(self, found: int, events_max: int) -> None:
        self.found = found
        self.events_max = events_max
        super().__init__(f"expected at most {events_max} events, found {found}; send them in several bodies")


class EpcisDocumentError(Exception):
    """An EPCIS document where events of packtrace were expected."""


def _array(text: bytes) -> list[bytes]:
    try:
        return [bytes(raw) for raw in msgspec.json.decode(text, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, RecursionError) as error:
        elements = _elements(text)
        if elements is None:
            raise _malformed(text, error) from None
        return elements


def _elements(text: bytes) -> list[bytes] | None:
    """The elements of an array, by a slower reader that also passes over what only its own event must answer for.

    Such as half a surrogate pair, which JSON can spell and no text can hold. None: it is no array to this reader either.
    """
    whole = text.decode("utf-8", "surrogateescape")
    elements: list[bytes] = []
    at = _SPACE.match(whole, whole.index("[") + 1).end()  # type: ignore[union-attr]
    try:
        while whole[at] != "]" or elements:
            _, end = _DECODER.raw_decode(whole, at)
            elements.append(whole[at:end].encode("utf-8", "surrogateescape"))
            at = _SPACE.match(whole, end).end()  # type: ignore[union-attr]
            if whole[at] == "]":
                break
            if whole[at] != ",":
                return None
            at = _SPACE.match(whole, at + 1).end()  # type: ignore[union-attr]
    except (ValueError, IndexError, RecursionError):
        return None
    return None if whole[at + 1 :].strip() else elements


def _object(text: bytes) -> bytes:
    """One value over any number of lines."""
    try:
        raw = bytes(msgspec.json.decode(text, type=msgspec.Raw))
    except (msgspec.DecodeError, RecursionError) as error:
        elements = _elements(b"[" + text + b"]")
        if elements is None or len(elements) != 1:
            raise _malformed(text, error) from None
        raw = elements[0]
    if raw.startswith(b"{") and _EPCIS.search(raw[:_HEAD_BYTES]):
        raise EpcisDocumentError
    return raw


def _has_object_lines(text: bytes) -> bool:
    """Whether the body is JSON lines: some line is an object by its looks, from the first column to the end of the line.

    A single object on one line counts too: one line, one event.
    """
    return any(line.startswith(b"{") and line.rstrip().endswith(b"}") for line in text.split(b"\n"))


def _line(number: int, line: bytes) -> EventText:
    try:
        return EventText(_object(line.strip()))
    except RejectedError as error:
        place = error.where.replace("line 1,", f"line {number},") or f"line {number}"
        return EventText(line, RejectedError(error.code, place, error.expected, error.found))


def _malformed(text: bytes, error: Exception) -> RejectedError:
    """The place and what stands there."""
    if isinstance(error, RecursionError):
        return RejectedError(Reject.MALFORMED_JSON, "", "values nested less deeply", "more than the reader can follow")
    hit = _BYTE.search(str(error))
    at = int(hit[1]) - ("trailing" in str(error)) if hit else len(text)
    line = text.count(b"\n", 0, at) + 1
    column = at - (text.rfind(b"\n", 0, at) + 1) + 1
    found = text[at : at + 20].split(b"\n")[0].decode("utf-8", "replace") if at < len(text) else "the end of the body"
    return RejectedError(Reject.MALFORMED_JSON, f"line {line}, column {column}", "JSON", found)

"""A JSON document of any size: everything but its events decoded, its events as the bytes they are, one at a time.

Two passes. ``skim`` walks over all of it once, so that brackets, strings and depth are right before a first event is
believed, and keeps what is no event: a document may state its ``@context`` last. ``events`` then cuts the events out; those of a
short document were cut out on the first pass. What is inside an event is decoded by itself, so that a bad one costs no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from packtrace.codec.epcis.limits import HEADER_BYTES_MAX, TOKEN_BYTES_MAX, VALUES_MAX, Limits
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.codec.epcis.source import BOM, Source
from packtrace.codec.json_text import JSON_DEPTH_MAX, exact_json_value
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

_BLANK = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_WORD = re.compile(rb"[-+.0-9A-Za-z]++(?=[ \t\r\n,\]}])")
_INSIDE = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
"""Everything up to the next bracket or to a string that is not complete yet."""
_FLAT_DEPTH: Final = 4


def _flat(depth: int) -> bytes:
    """A whole object or list with at most ``depth`` more inside one another."""
    between = rb'[^"{}\[\]]*+'
    units = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"' + (b"|" + _flat(depth - 1) if depth else b"")
    inside = rb"%(b)b(?:(?:%(u)b)%(b)b)*+" % {b"b": between, b"u": units}
    return rb"(?:\{%(i)b\}|\[%(i)b\])" % {b"i": inside}


_WHOLE = re.compile(_flat(_FLAT_DEPTH - 1), re.DOTALL)
"""Most values at one go, without a step for each bracket."""
_LISTED = re.compile(rb"[ \t\r\n]*+(%b)[ \t\r\n]*+([,\]])" % _flat(_FLAT_DEPTH - 1), re.DOTALL)
"""One of a list, and what follows it."""
_NAME_BYTES_MAX: Final = 4_096

HELD_BYTES_MAX: Final = 2 * 1024 * 1024
"""Of events kept from the first pass; a longer document is read in the memory of one event."""
EVENTS: Final = "eventList"
DESCENT: Final = {"epcisBody": 0, "queryResults": 1, "resultsBody": 2}
"""Members that are walked through, because events stand inside them, and how deep they stand."""


class EventBytes(NamedTuple):
    """One event as it came. ``pointer`` is its place (RFC 6901), ``line`` its first line."""

    pointer: str
    line: int
    text: bytes


class Skimmed(NamedTuple):
    """A document without its events: its members, those inside ``epcisBody`` under ``epcisBody/...``."""

    members: dict[str, object]
    events: int
    wrapped: bool
    """False: a bare event or list of events, whose only members are those of a context it may have."""
    has_list: bool = True
    held: list[EventBytes] | None = None
    """The events themselves, where they are few enough bytes."""


class _Text:
    """The bytes not read yet, as far as they are here, and where they stand."""

    def __init__(self, source: Source) -> None:
        self._pieces = iter(source())
        self.data = b""
        self.at = 0
        self.line = 1
        self._counted = 0
        self.more()
        if self.data.startswith(BOM):
            self.at = len(BOM)

    def more(self) -> bool:
        """Take the next pieces in, the more the more is held already, so that a long value is not copied over and over."""
        held = len(self.data) - self.at
        taken: list[bytes] = []
        size = 0
        for piece in self._pieces:
            taken.append(piece)
            size += len(piece)
            if size and size * 2 >= held:
                break
        if not size:
            return False
        self._count()
        self.data = b"".join((self.data[self.at :], *taken))
        self.at = self._counted = 0
        return True

    def _count(self) -> None:
        self.line += self.data.count(b"\n", self._counted, self.at)
        self._counted = self.at

    def here(self) -> int:
        """The line of the next byte."""
        self._count()
        return self.line

    def peek(self) -> bytes:
        """The next byte that is no blank; empty at the end."""
        while True:
            self.at = _BLANK.match(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.data):
                return self.data[self.at : self.at + 1]
            if not self.more():
                return b""

    def take(self, expected: bytes, what: str) -> None:
        if self.peek() != expected:
            raise self.malformed(what)
        self.at += 1

    def malformed(self, expected: str) -> RejectedError:
        found = self.data[self.at : self.at + 20].split(b"\n")[0].decode("utf-8", "replace") or "the end of the document"
        return RejectedError(Reject.MALFORMED_JSON, f"line {self.here()}", expected, found)

    def name(self) -> str:
        """The name of a member and the colon after it."""
        if self.peek() != b'"':
            raise self.malformed("the name of a member")
        text = self.value(_NAME_BYTES_MAX, 0)
        name = exact_json_value(text)
        self.take(b":", "a colon after the name of a member")
        return str(name)

    def value(self, bytes_max: int, depth: int, keep: bool = True) -> bytes:
        """The next value, whole; empty where it is not kept.

        Args:
            depth: of what it stands in.

        Raises:
            RejectedError: malformed-json, also where it is too deep; record-too-large where it is too long.
        """
        first = self.peek()
        if first in (b"{", b"["):
            return self._nested(bytes_max, depth, keep)
        pattern = _STRING if first == b'"' else _WORD
        while (match := pattern.match(self.data, self.at)) is None:
            self._hold(self.at, min(bytes_max, TOKEN_BYTES_MAX))
            if not self.more():
                if pattern is _WORD and re.fullmatch(rb"[-+.0-9A-Za-z]++", self.data[self.at :]):
                    break
                raise self.malformed("a JSON value")
        end = match.end() if match else len(self.data)
        text, self.at = self.data[self.at : end], end
        if len(text) > bytes_max:
            raise self.too_long(bytes_max)
        return text

    def _nested(self, bytes_max: int, depth: int, keep: bool) -> bytes:
        start, at, inner = self.at, self.at, 0
        whole = _WHOLE.match(self.data, at) if depth + _FLAT_DEPTH <= JSON_DEPTH_MAX else None
        if whole is not None and whole.end() - at <= bytes_max:
            self.at = whole.end()
            return whole[0] if keep else b""
        dropped = 0
        while True:
            at = _INSIDE.match(self.data, at).end()  # type: ignore[union-attr]
            if at >= len(self.data) or self.data[at] == 0x22:
                if at < len(self.data) and len(self.data) - at > TOKEN_BYTES_MAX:
                    raise self.too_long(TOKEN_BYTES_MAX, "a text")
                if not keep:
                    # what was walked over is let go
                    dropped += at - start
                    self.at = start = at
                if at - start + dropped > bytes_max:
                    raise self.too_long(bytes_max)
                offset, held = at - self.at, start - self.at
                if not self.more():
                    raise self.malformed("the end of this object or list")
                at, start = self.at + offset, self.at + held
                continue
            if self.data[at] in b"{[":
                inner += 1
                if depth + inner > JSON_DEPTH_MAX:
                    self.at = at
                    raise RejectedError(
                        Reject.MALFORMED_JSON, f"line {self.here()}", f"JSON at most {JSON_DEPTH_MAX} deep", "deeper nesting"
                    )
            else:
                inner -= 1
                if inner == 0:
                    break
            at += 1
        at += 1
        if at - start + dropped > bytes_max:
            raise self.too_long(bytes_max)
        text = self.data[start:at] if keep else b""
        self.at = at
        return text

    def _hold(self, start: int, bytes_max: int) -> None:
        if len(self.data) - start > bytes_max:
            raise self.too_long(bytes_max)

    def too_long(self, bytes_max: int, what: str = "a value") -> RejectedError:
        return RejectedError(Reject.RECORD_TOO_LARGE, f"line {self.here()}", f"{what} of at most {bytes_max} bytes", "more")


def refuse_many_values(commas: int, where: str = "") -> None:
    """More values than are decoded at once."""
    if commas > VALUES_MAX:
        raise RejectedError(Reject.RECORD_TOO_LARGE, where, f"at most {VALUES_MAX} values", f"about {commas}")


def skim(source: Source, limits: Limits) -> Skimmed:
    """Walk over the document.

    Raises:
        RejectedError: malformed-json or record-too-large, with its line; too-many-events.
    """
    text = _Text(source)
    if text.peek() == b"[":
        walk = _Walk(text, limits, keep=False)
        count = sum(1 for _ in walk.list("", 1))
        _refuse_rest(text)
        return Skimmed({}, count, False)
    walk = _Walk(text, limits, keep=False)
    walk.holding = True
    held: list[EventBytes] = []
    size = count = 0
    for one in walk.object("", 1):
        count += 1
        if walk.holding:
            size += len(one.text)
            held.append(one)
            if size > HELD_BYTES_MAX:
                walk.holding = False
                held.clear()
    _refuse_rest(text)
    if not walk.found_list and _is_event(walk.members):
        return Skimmed({name: walk.members[name] for name in ("@context",) if name in walk.members}, 1, False)
    return Skimmed(walk.members, count, True, walk.found_list, held if walk.holding else None)


def _is_event(members: dict[str, object]) -> bool:
    return "eventTime" in members or str(members.get("type", "")).endswith("Event")


def _refuse_rest(text: _Text) -> None:
    if text.peek():
        raise text.malformed("nothing after the document")


def events(source: Source, skimmed: Skimmed, limits: Limits) -> Iterator[EventBytes]:
    """The events of a document that ``skim`` has walked over."""
    if skimmed.held is not None:
        yield from skimmed.held
        return
    text = _Text(source)
    if text.peek() == b"[":
        yield from _Walk(text, limits, keep=True).list("", 1)
    elif skimmed.wrapped:
        yield from _Walk(text, limits, keep=True).object("", 1)
    else:
        line = text.here()
        yield EventBytes("", line, text.value(limits.event_bytes_max, 0))


class _Walk:
    """One walk through a document: its members (``keep`` False) or its events (``keep`` True)."""

    def __init__(self, text: _Text, limits: Limits, keep: bool) -> None:
        self._text = text
        self._limits = limits
        self._keep = keep
        self.members: dict[str, object] = {}
        self.found_list = False
        self.holding = False
        self._header_bytes = 0
        self._header_values = 0
        self._events = 0

    def object(self, pointer: str, depth: int) -> Iterator[EventBytes]:
        text = self._text
        text.take(b"{", "an object")
        seen: set[str] = set()
        if text.peek() == b"}":
            text.at += 1
            return
        while True:
            name = text.name()
            if name in seen:
                raise RejectedError(Reject.MALFORMED_JSON, f"line {text.here()}", "each key once", name)
            seen.add(name)
            first = text.peek()
            below = f"{pointer}/{name}"
            if name == EVENTS and first == b"[" and pointer:
                self.found_list = True
                yield from self.list(below, depth + 1)
            elif DESCENT.get(name) == depth - 1 and first == b"{":
                yield from self.object(below, depth + 1)
            else:
                self._member(below[1:], depth)
            if text.peek() == b",":
                text.at += 1
                continue
            text.take(b"}", "a comma or the end of the object")
            return

    def _member(self, name: str, depth: int) -> None:
        text = self._text
        if self._keep:
            text.value(HEADER_BYTES_MAX, depth, keep=False)
            return
        line = text.here()
        # a bare event is one value of this object: its lists are as long as those of any event
        value = text.value(self._limits.event_bytes_max, depth)
        self._header_bytes += len(value)
        self._header_values += value.count(b",")
        refuse_many_values(self._header_values, f"line {line}")
        if self._header_bytes > max(HEADER_BYTES_MAX, self._limits.event_bytes_max):
            raise text.too_long(HEADER_BYTES_MAX, "everything around the events")
        try:
            self.members[name] = exact_json_value(value)
        except RejectedError as error:
            raise RejectedError(error.code, f"line {line}, /{name}", error.expected, error.found) from None

    def list(self, pointer: str, depth: int) -> Iterator[EventBytes]:
        text = self._text
        text.take(b"[", "a list of events")
        if text.peek() == b"]":
            text.at += 1
            return
        flat = depth + _FLAT_DEPTH <= JSON_DEPTH_MAX
        while True:
            whole = _LISTED.match(text.data, text.at) if flat else None
            if (
                whole is not None
                and whole.end(1) - whole.start(1) <= self._limits.event_bytes_max
                and self._events < self._limits.events_max
            ):
                text.at = whole.start(1)
                line = text.here()
                text.at = whole.end()
                yield EventBytes(f"{pointer}/{self._events}", line, whole[1] if self._keep or self.holding else b"")
                self._events += 1
                if whole[2] == b",":
                    continue
                return
            text.peek()
            line = text.here()
            if self._events >= self._limits.events_max:
                raise RejectedError(
                    DocumentReject.TOO_MANY_EVENTS, f"line {line}", f"at most {self._limits.events_max} events in a document", "more"
                )
            value = text.value(self._limits.event_bytes_max, depth, self._keep or self.holding)
            yield EventBytes(f"{pointer}/{self._events}", line, value)
            self._events += 1
            if text.peek() == b",":
                text.at += 1
                continue
            text.take(b"]", "a comma or the end of the list of events")
            return

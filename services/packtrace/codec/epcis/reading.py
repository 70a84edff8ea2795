"""The one way in: a document of any format and size -> its events one by one, each with its place and what is odd about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from packtrace.codec.epcis import json_stream
from packtrace.codec.epcis.alike import Alike, JsonKinds, XmlKinds, lines_of
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.documents import of_members, of_root
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.fields import EPC_LISTS
from packtrace.codec.epcis.json_event import event_of
from packtrace.codec.epcis.limits import CHUNK_BYTES, Limits
from packtrace.codec.epcis.names import Context
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.codec.epcis.source import Source, Syntax, of_bytes, syntax_of
from packtrace.codec.epcis.xml_event import XmlEventReader
from packtrace.codec.epcis.xml_stream import Element, XmlEvent, XmlStream
from packtrace.codec.json_text import exact_json_value
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

_LISTED: Final = re.compile(r"([A-Za-z]+)\[([0-9]+)\]")


class Remark(NamedTuple):
    """Something that was read although it is not as it should be."""

    where: str
    text: str


class Found:
    """One event of a document.

    Args:
        number: from 0.
        pointer: its place in a JSON document (RFC 6901); empty in XML.
        line: the line it begins on.
        text: the bytes it was; empty where they were too many to hold.
        event: None where it could not be read; ``error`` says why.
        lines: of XML: list of EPCs -> the line of each.
        alike: the event, where another of the document says the same but for id, time and items; then ``event`` is made of it
            when it is asked for.
    """

    __slots__ = ("_event", "_lines", "alike", "error", "line", "number", "pointer", "remarks", "text")

    def __init__(
        self,
        number: int,
        pointer: str,
        line: int,
        text: bytes,
        event: EpcisEvent | None,
        error: RejectedError | None = None,
        remarks: tuple[Remark, ...] = (),
        lines: Mapping[str, Sequence[int]] | None = None,
        alike: Alike | None = None,
    ) -> None:
        self.number = number
        self.pointer = pointer
        self.line = line
        self.text = text
        self._event = event
        self.error = error
        self.remarks = remarks
        self._lines = lines
        self.alike = alike

    @property
    def event(self) -> EpcisEvent | None:
        if self._event is None and self.alike is not None:
            self._event = self.alike.event()
        return self._event

    @property
    def lines(self) -> Mapping[str, Sequence[int]] | None:
        if self._lines is None and self.alike is not None and not self.pointer:
            self._lines = {name: [self.line + one for one in lines] for name, lines in lines_of(self.text).items()}
        return self._lines

    def without_text(self) -> Found:
        """The same, its bytes let go."""
        return Found(self.number, self.pointer, self.line, b"", self.event, self.error, self.remarks, self.lines)

    def place(self, where: str) -> str:
        """Where in the document ``where`` of this event is: a JSON pointer, or the line of it in XML."""
        lines = self.lines
        if lines is None:
            return self.pointer + ("/" + where.replace("[", "/").replace("]", "").replace(".", "/") if where else "")
        line = self.line
        match = _LISTED.match(where)
        if match and int(match[2]) < len(lines.get(match[1], ())):
            line = lines[match[1]][int(match[2])]
        return f"line {line}" + (f", {where}" if where and not where.startswith("line ") else "")


class Reading:
    """A document being read: iterate it once. ``document`` is complete when the last event has come."""

    def __init__(self, source: Source, limits: Limits | None = None, piece_bytes: int = CHUNK_BYTES) -> None:
        self._source = source
        self._piece_bytes = piece_bytes
        self._limits = limits or Limits()
        self.syntax = syntax_of(source)
        self.document = Document()
        self.remarks: list[Remark] = []
        """Of the document as a whole."""

    def __iter__(self) -> Iterator[Found]:
        """The events.

        Raises:
            RejectedError: the document cannot be read (on); ``where`` has the line.
        """
        return self._xml() if self.syntax is Syntax.XML else self._json()

    def _json(self) -> Iterator[Found]:
        skimmed = json_stream.skim(self._source, self._limits)
        context = Context(skimmed.members.get("@context"))
        if skimmed.wrapped:
            self.document = of_members(skimmed.members, context)
            if not skimmed.has_list and not self.document.vocabularies:
                raise RejectedError(
                    DocumentReject.MALFORMED_DOCUMENT, "epcisBody", "epcisBody with an eventList, or an event with its type"
                )
        kinds = JsonKinds()
        for number, one in enumerate(json_stream.events(self._source, skimmed, self._limits)):
            again = kinds.again(one.text, 0) if one.pointer else None
            if again is not None and again[1] == len(one.text):
                yield Found(number, one.pointer, one.line, one.text, None, alike=again[0])
                continue
            alike, key = kinds.find(one.text, self._limits.epcs_max) if one.pointer else (None, None)
            if alike is not None:
                yield Found(number, one.pointer, one.line, one.text, None, alike=alike)
                continue
            found = self._json_event(number, one, context)
            if key is not None and found.event is not None:
                found.alike = kinds.learn(key, one.text, found.event, self._limits.epcs_max)
            yield found

    def _json_event(self, number: int, one: json_stream.EventBytes, context: Context) -> Found:
        try:
            json_stream.refuse_many_values(one.text.count(b","))
            event = event_of(exact_json_value(one.text), context)
            listed = max(len(getattr(event, field)) for field in EPC_LISTS.values())
            if listed > self._limits.epcs_max:
                name = next(name for name, field in EPC_LISTS.items() if len(getattr(event, field)) == listed)
                raise RejectedError(Reject.TOO_MANY_EPCS, name, f"at most {self._limits.epcs_max} items in an event", f"{listed}")
        except RejectedError as error:
            return Found(number, one.pointer, one.line, one.text, None, error)
        return Found(number, one.pointer, one.line, one.text, event)

    def _xml(self) -> Iterator[Found]:
        familiar = _Familiar(self._limits.epcs_max)
        stream = XmlStream(self._source, self._limits, familiar, self._piece_bytes)
        count = 0
        for one in stream.events():
            if count == 0 and stream.root is not None:
                self._around(stream)
            count += 1
            yield familiar.found(one)
        if stream.root is not None:
            self._around(stream)
            if not count and not self.document.vocabularies and not stream.has_list:
                raise RejectedError(DocumentReject.MALFORMED_DOCUMENT, "EPCISBody", "EPCISBody with an EventList, or master data")
        if stream.misplaced:
            self.remarks.append(Remark("", "elements of EPCIS stand in its namespace; only the outermost should"))

    def _around(self, stream: XmlStream) -> None:
        assert stream.root is not None
        self.document = of_root(stream.root, stream.prefixes)


class _Familiar:
    """Events of an XML document that are like one before, and all others read as they come."""

    def __init__(self, epcs_max: int) -> None:
        self._epcs_max = epcs_max
        self._kinds = XmlKinds()
        self._alike: Alike | None = None
        self.forget = self._kinds.forget

    def knows(self, text: bytes) -> bool:
        self._alike, _ = self._kinds.find(text, self._epcs_max)
        return self._alike is not None

    def again(self, text: bytes, at: int) -> int:
        again = self._kinds.again(text, at)
        if again is None:
            return 0
        self._alike = again[0]
        return again[1]

    def found(self, one: XmlEvent) -> Found:
        """What the stream has come upon."""
        if one.element is None:
            return Found(one.number, "", one.line, one.text, None, alike=self._alike)
        lines = {element.name: element.lines for element in _listed(one.element)}
        reader = XmlEventReader()
        event, error, alike = None, one.error, None
        if error is None:
            try:
                event = reader.event(one.element)
            except RejectedError as refused:
                error = refused
        remarks = tuple(Remark(*remark) for remark in reader.warnings)
        if event is not None and not remarks:
            _, key = self._kinds.find(one.text, self._epcs_max)
            if key is not None:
                alike = self._kinds.learn(key, one.text, one.element, event, self._epcs_max)
        return Found(one.number, "", one.line, one.text, event, error, remarks, lines, alike)


def _listed(element: Element) -> Iterator[Element]:
    for one in element.children:
        if one.name in EPC_LISTS:
            yield one


def read(data: bytes, limits: Limits | None = None) -> tuple[Document, list[Found]]:
    """A whole document at once, for one that is held in memory anyway."""
    reading = Reading(of_bytes(data), limits)
    found = list(reading)
    return reading.document, found


def whole(found: Found) -> EpcisEvent:
    """The event, or its rejection with its place in the document."""
    if found.event is None:
        assert found.error is not None
        raise placed(found, found.error)
    return found.event


def placed(found: Found, error: RejectedError) -> RejectedError:
    """``error`` of an event, its place that in the document."""
    return RejectedError(error.code, found.place(error.where), error.expected, error.found)

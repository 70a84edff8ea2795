"""The one way in: a document of any format and size -> its events one by one, each with its place and what is odd about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from packtrace.codec.epcis import json_stream
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.documents import of_members, of_root
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.fields import EPC_LISTS
from packtrace.codec.epcis.json_event import EventReader
from packtrace.codec.epcis.limits import Limits
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


class Found(NamedTuple):
    """One event of a document.

    Args:
        number: from 0.
        pointer: its place in a JSON document (RFC 6901); empty in XML.
        line: the line it begins on.
        text: the bytes it was; empty where they were too many to hold.
        event: None where it could not be read; ``error`` says why.
        lines: of XML: list of EPCs -> the line of each.
    """

    number: int
    pointer: str
    line: int
    text: bytes
    event: EpcisEvent | None
    error: RejectedError | None = None
    remarks: tuple[Remark, ...] = ()
    lines: Mapping[str, Sequence[int]] | None = None

    def place(self, where: str) -> str:
        """Where in the document ``where`` of this event is: a JSON pointer, or the line of it in XML."""
        if self.lines is None:
            return self.pointer + ("/" + where.replace("[", "/").replace("]", "").replace(".", "/") if where else "")
        line = self.line
        match = _LISTED.match(where)
        if match and int(match[2]) < len(self.lines.get(match[1], ())):
            line = self.lines[match[1]][int(match[2])]
        return f"line {line}" + (f", {where}" if where and not where.startswith("line ") else "")


class Reading:
    """A document being read: iterate it once. ``document`` is complete when the last event has come."""

    def __init__(self, source: Source, limits: Limits | None = None) -> None:
        self._source = source
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
        reader = EventReader(context)
        for number, one in enumerate(json_stream.events(self._source, skimmed, self._limits)):
            yield self._json_event(number, one, reader)

    def _json_event(self, number: int, one: json_stream.EventBytes, reader: EventReader) -> Found:
        try:
            json_stream.refuse_many_values(one.text.count(b","))
            event = reader.event(exact_json_value(one.text))
            listed = max(len(getattr(event, field)) for field in EPC_LISTS.values())
            if listed > self._limits.epcs_max:
                name = next(name for name, field in EPC_LISTS.items() if len(getattr(event, field)) == listed)
                raise RejectedError(Reject.TOO_MANY_EPCS, name, f"at most {self._limits.epcs_max} items in an event", f"{listed}")
        except RejectedError as error:
            return Found(number, one.pointer, one.line, one.text, None, error)
        return Found(number, one.pointer, one.line, one.text, event)

    def _xml(self) -> Iterator[Found]:
        stream = XmlStream(self._source, self._limits)
        count = 0
        for one in stream.events():
            if count == 0 and stream.root is not None:
                self._around(stream)
            count += 1
            yield self._xml_event(one)
        if stream.root is not None:
            self._around(stream)
            if not count and not self.document.vocabularies and not stream.has_list:
                raise RejectedError(DocumentReject.MALFORMED_DOCUMENT, "EPCISBody", "EPCISBody with an EventList, or master data")
        if stream.misplaced:
            self.remarks.append(Remark("", "elements of EPCIS stand in its namespace; only the outermost should"))

    def _around(self, stream: XmlStream) -> None:
        assert stream.root is not None
        self.document = of_root(stream.root, stream.prefixes)

    def _xml_event(self, one: XmlEvent) -> Found:
        lines = {element.name: element.lines for element in _listed(one.element)}
        reader = XmlEventReader()
        event, error = None, one.error
        if error is None:
            try:
                event = reader.event(one.element)
            except RejectedError as refused:
                error = refused
        remarks = tuple(Remark(*remark) for remark in reader.warnings)
        return Found(one.number, "", one.line, one.text, event, error, remarks, lines)


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

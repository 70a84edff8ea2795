"""EPCIS files read on this machine: checked, converted, hashed, cut into parts. No server is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packtrace.cli.files import STDIN, open_file
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.json_writer import JsonWriter, namespaces_of
from packtrace.codec.epcis.limits import Limits
from packtrace.codec.epcis.mapping import mapped
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.reading import Found, Reading, Remark
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.codec.epcis.source import Source, of_bytes
from packtrace.codec.epcis.spelling import EpcFormat, Prefixes, identifiers, prefixes_in, respelled
from packtrace.codec.epcis.vocabulary import Spelling
from packtrace.codec.epcis.xml_writer import XmlVersion, XmlWriter
from packtrace.errors import RefusedError, RejectedError

PIECE_BYTES = 256 * 1024
UNLIMITED = Limits(events_max=1_000_000_000)


def source_of_file(name: str) -> Source:
    """Reads the file anew each time; standard input is held.

    Raises:
        RefusedError: there is no such file, or it may not be read.
    """
    if name == STDIN:
        with open_file(name) as stream:
            return of_bytes(stream.read())
    open_file(name).close()

    def pieces() -> Iterator[bytes]:
        with Path(name).open("rb") as stream:
            while piece := stream.read(PIECE_BYTES):
                yield piece

    return pieces


class Checked(NamedTuple):
    """One event of a file: what is wrong with it (``error``, its place that in the file) and what is odd."""

    found: Found
    error: RejectedError | None
    remarks: tuple[Remark, ...]
    id: str = ""


def check(reading: Reading, now: int | None = None) -> Iterator[Checked]:
    """Judge every event as the gateway does."""
    for found in reading:
        try:
            if found.error is not None or found.event is None:
                raise found.error or AssertionError
            done = mapped(found.event, log_time=now)
        except RejectedError as error:
            yield Checked(found, RejectedError(error.code, found.place(error.where), error.expected, error.found), found.remarks)
            continue
        yield Checked(found, None, found.remarks + done.remarks, done.event.id)


class Form(NamedTuple):
    """How a document is written."""

    kind: str
    """``json``, ``xml`` or ``xml-1.2``."""
    epcs: EpcFormat = EpcFormat.AS_CAPTURED
    words: Spelling | None = None
    """None: as that kind usually has them."""


KINDS = ("json", "xml", "xml-1.2")


class Conversion:
    """A file being converted: ``pieces`` once, then ``failed`` and ``written`` say what became of its events."""

    def __init__(self, source: Source, form: Form) -> None:
        self._source = source
        self._form = form
        self.written = 0
        self.failed: list[tuple[Found, RejectedError]] = []

    def pieces(self) -> Iterator[bytes]:
        """The document in the other form. The first reading finds out which namespaces and company prefixes it needs.

        Raises:
            RejectedError: the document cannot be read.
        """
        namespaces: set[str] = set()
        prefixes: set[str] = set()
        reading = Reading(self._source, UNLIMITED)
        for found in reading:
            if found.event is not None:
                namespaces |= namespaces_of([found.event])
                if self._form.epcs is EpcFormat.URN:
                    prefixes |= prefixes_in(identifiers(found.event))
        document = reading.document
        writer = self._writer(document, namespaces | namespaces_of([], header_nodes(document)))
        yield from writer.document(document, self._events(writer, Prefixes(prefixes)))

    def _writer(self, document: Document, namespaces: set[str]) -> JsonWriter | XmlWriter:
        kind, _, words = self._form
        if kind == "json":
            return JsonWriter(namespaces, document.prefixes, words or Spelling.BARE)
        version = XmlVersion.V2_0 if kind == "xml" else XmlVersion.V1_2
        return XmlWriter(version, namespaces, document.prefixes, words or Spelling.URN)

    def _events(self, writer: JsonWriter | XmlWriter, prefixes: Prefixes) -> Iterator[EpcisEvent]:
        for found in Reading(self._source, UNLIMITED):
            try:
                if found.error is not None or found.event is None:
                    raise found.error or AssertionError
                event = respelled(found.event, self._form.epcs, prefixes)
                writer.event(event)
            except RejectedError as error:
                self.failed.append((found, RejectedError(error.code, found.place(error.where), error.expected, error.found)))
                continue
            self.written += 1
            yield event


def header_nodes(document: Document) -> list[Node]:
    """Everything of a document outside its events that may have namespaces of its own."""
    nodes = [*document.header, *document.extensions, *([document.sbdh] if document.sbdh else [])]
    for vocabulary in document.vocabularies:
        for element in vocabulary.elements:
            nodes += element.extensions
            for attribute in element.attributes:
                nodes += attribute.fields
    return nodes


class Part(NamedTuple):
    """Some events of a long document as a document of their own, and where in the file each stands."""

    body: bytes
    founds: list[Found]


def parts(source: Source, bytes_max: int, events_max: int) -> Iterator[Part | tuple[Found, RejectedError]]:
    """A document too long for one body, cut into JSON-LD documents with the same header; an unreadable event by itself.

    Raises:
        RejectedError: the document cannot be read.
    """
    reading = Reading(source, UNLIMITED)
    held: list[tuple[Found, EpcisEvent]] = []
    size = 0
    for found in reading:
        if found.error is not None or found.event is None:
            yield found, found.error or RejectedError(DocumentReject.MALFORMED_DOCUMENT)
            continue
        if held and (size + len(found.text) > bytes_max or len(held) >= events_max):
            yield _part(reading.document, held)
            held, size = [], 0
        held.append((found.without_text(), found.event))
        size += len(found.text)
    if held:
        yield _part(reading.document, held)


def _part(document: Document, held: list[tuple[Found, EpcisEvent]]) -> Part:
    events = [event for _, event in held]
    writer = JsonWriter(namespaces_of(events, header_nodes(document)), document.prefixes)
    return Part(b"".join(writer.document(document, events)), [found for found, _ in held])


def place_in_file(found: Found, where: str) -> str:
    """The place in the file of what stands at ``where`` (a JSON pointer) in the part that was sent."""
    steps = where.split("/")[4:] if where.startswith("/epcisBody/eventList/") else []
    inner = ""
    for step in steps:
        inner += f"[{step}]" if step.isdigit() else f".{step}" if inner else step
    return found.place(inner)


def refuse_no_epcis(name: str, error: RejectedError) -> RefusedError:
    """The document as a whole cannot be read: one sentence with its place."""
    return RefusedError(f"{'standard input' if name == STDIN else name}: {error.text}")

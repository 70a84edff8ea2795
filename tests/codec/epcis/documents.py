"""The published documents, and every way to write one again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.json_writer import JsonWriter, namespaces_of
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.reading import read, whole
from packtrace.codec.epcis.vocabulary import Spelling
from packtrace.codec.epcis.xml_writer import XmlVersion, XmlWriter

TESTDATA = Path(__file__).parents[4] / "shared" / "testdata"
GS1 = sorted((TESTDATA / "gs1-epcis" / "json").rglob("*.jsonld"))
DSCSA = TESTDATA / "dscsa" / "GS1_US_Pharma_Example_2_2_1_1.xml"
HASHED = sorted((TESTDATA / "event-hash").glob("ex*/*.[jx]*"))

TWICE = "AssociationEvent-h.jsonld"
"""States two different eventIDs in one event: a JSON key twice, which is refused."""


def events_of(data: bytes) -> tuple[Document, list[EpcisEvent]]:
    document, found = read(data)
    return document, [whole(one) for one in found]


def _spaces(document: Document, events: Iterable[EpcisEvent]) -> set[str]:
    nodes: list[Node] = [*document.header, *document.extensions]
    for vocabulary in document.vocabularies:
        for element in vocabulary.elements:
            nodes += element.extensions
            for attribute in element.attributes:
                nodes += attribute.fields
    return namespaces_of(events, nodes, [document.sbdh] if document.sbdh else [])


def as_json(document: Document, events: list[EpcisEvent], words: Spelling = Spelling.BARE) -> bytes:
    return b"".join(JsonWriter(_spaces(document, events), document.prefixes, words).document(document, events))


def as_xml_2(document: Document, events: list[EpcisEvent], words: Spelling = Spelling.WEB) -> bytes:
    return b"".join(XmlWriter(XmlVersion.V2_0, _spaces(document, events), document.prefixes, words).document(document, events))


def as_xml_1(document: Document, events: list[EpcisEvent], words: Spelling = Spelling.URN) -> bytes:
    return b"".join(XmlWriter(XmlVersion.V1_2, _spaces(document, events), document.prefixes, words).document(document, events))


WAYS: dict[str, Callable[[Document, list[EpcisEvent]], bytes]] = {"json": as_json, "xml-2.0": as_xml_2, "xml-1.2": as_xml_1}

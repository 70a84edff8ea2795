"""Stored events -> an EPCIS query document, in the format asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from packtrace.codec.epcis.document import QUERY_DOCUMENT, Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.json_writer import JsonWriter, namespaces_of
from packtrace.codec.epcis.native import neutral_of, presentable
from packtrace.codec.epcis.original import document_of, unpacked
from packtrace.codec.epcis.spelling import EpcFormat, Prefixes, identifiers, prefixes_in, respelled
from packtrace.codec.epcis.vocabulary import Spelling
from packtrace.codec.epcis.xml_writer import XmlVersion, XmlWriter
from packtrace.codec.event_json import decode_event
from packtrace.domain.dates import time_text
from packtrace.query.spoken import Spoken, Version


class Stored(NamedTuple):
    """An event as ``events`` has it: when the log took it, and its canonical JSON."""

    log_time: int
    text: str


class Kept(NamedTuple):
    """An event as it is handed back, and what was kept of its document."""

    event: EpcisEvent
    document: Document


def kept(stored: Stored) -> Kept:
    """The event as it was captured; of one that a line wrote what EPCIS says instead. Its record time is ours."""
    event = decode_event(stored.text)
    if not event.epcis:
        return Kept(presentable(neutral_of(event), stored.log_time), Document())
    return Kept(presentable(unpacked(event.epcis, event), stored.log_time), document_of(event.epcis))


def in_form(events: Sequence[EpcisEvent], form: EpcFormat, more: Iterable[str] = ()) -> list[EpcisEvent]:
    """``events`` with their identifiers as asked; company prefixes are those that any of the events shows, and ``more``."""
    if form is EpcFormat.AS_CAPTURED:
        return list(events)
    prefixes = Prefixes({*more, *prefixes_in(text for event in events for text in identifiers(event))})
    return [respelled(event, form, prefixes) for event in events]


def query_document(stored: Sequence[Stored], spoken: Spoken, now: int, query: str = "SimpleEventQuery", subscription: str = "") -> bytes:
    """The answer to a query.

    Args:
        now: microseconds; when the document is made.
    """
    found = [kept(one) for one in stored]
    events = in_form([one.event for one in found], spoken.epcs)
    document = Document(QUERY_DOCUMENT, str(spoken.version), time_text(now), query=query, subscription=subscription)
    return written(document, events, spoken, short_names(found))


def short_names(found: Iterable[Kept]) -> tuple[tuple[str, str], ...]:
    """Short names of namespaces as the documents had them, the first to name one."""
    out: dict[str, str] = {}
    for one in found:
        for prefix, space in one.document.prefixes:
            out.setdefault(prefix, space)
    return tuple(out.items())


def written(document: Document, events: Sequence[EpcisEvent], spoken: Spoken, wanted: Sequence[tuple[str, str]]) -> bytes:
    """``document`` around ``events``; of ``wanted`` short names only those that are used."""
    spaces = namespaces_of(events, document.header, [document.sbdh] if document.sbdh else [])
    names = [(prefix, space) for prefix, space in (*spoken.prefixes, *wanted) if space in spaces]
    if not spoken.is_xml:
        return b"".join(JsonWriter(spaces, names, Spelling.BARE).document(document, events))
    one = spoken.version is Version.V1_2
    words = spoken.words or (Spelling.URN if one else Spelling.WEB)
    return b"".join(XmlWriter(XmlVersion.V1_2 if one else XmlVersion.V2_0, spaces, names, words).document(document, events))

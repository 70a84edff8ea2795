"""What was read is written in every format and read back equal: nothing is lost on the way."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given, settings

from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.hashing import hash_of
from packtrace.codec.epcis.mapping import mapped
from packtrace.codec.epcis.original import unpacked
from packtrace.codec.epcis.reading import read
from packtrace.codec.epcis.spelling import EpcFormat, Prefixes, identifiers, prefixes_in, respelled
from packtrace.codec.identifiers import parse_item
from packtrace.errors import RejectedError
from tests.codec.epcis.documents import DSCSA, GS1, HASHED, TWICE, WAYS, events_of
from tests.codec.epcis.events import epcis_events, prefixed_items

PUBLISHED = [path for path in [*GS1, *HASHED, DSCSA] if path.name != TWICE]


def same_document(one: Document, other: Document) -> bool:
    """Short names are a matter of the writer, the version of the format."""
    plain = {"prefixes": (), "version": ""}
    return msgspec.structs.replace(one, **plain) == msgspec.structs.replace(other, **plain)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_a_published_document_comes_back_equal(path: Path, way: str) -> None:
    document, events = events_of(path.read_bytes())
    assert events
    written = WAYS[way](document, events)
    again, events_again = events_of(written)
    assert events_again == events
    assert same_document(again, document)


def test_one_published_document_says_a_key_twice_and_is_refused() -> None:
    (path,) = [path for path in GS1 if path.name == TWICE]
    _, (found,) = read(path.read_bytes())
    assert found.error is not None
    assert (found.error.code, found.error.expected, found.error.found) == ("malformed-json", "each key once", "eventID")


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=60)
@given(event=epcis_events())
def test_any_event_comes_back_equal(way: str, event: EpcisEvent) -> None:
    document = Document(kind="EPCISDocument", created="2026-11-22T10:00:00Z")
    _, (again,) = events_of(WAYS[way](document, [event]))
    assert again == event
    assert hash_of(again) == hash_of(event)


@settings(max_examples=60)
@given(event=epcis_events())
def test_what_is_kept_beside_the_event_gives_it_back(event: EpcisEvent) -> None:
    try:
        done = mapped(event)
    except RejectedError:
        return
    assert done.raw.epcis is not None
    assert unpacked(done.raw.epcis, done.event) == done.epcis
    assert msgspec.structs.replace(done.epcis, event_id=event.event_id) == event


@settings(max_examples=60)
@given(items=prefixed_items())
def test_items_are_kept_once_and_come_back_in_their_spelling(items: list[str]) -> None:
    assume(len(set(map(parse_item, items))) == len(items))
    event = EpcisEvent("ObjectEvent", "2026-11-22T10:00:00Z", "+01:00", action="OBSERVE", epcs=tuple(items))
    done = mapped(event)
    assert done.raw.epcis is not None
    assert unpacked(done.raw.epcis, done.event).epcs == tuple(items)


def test_lists_of_one_spelling_are_not_kept_twice() -> None:
    for items in (
        tuple(f"urn:epc:id:sgtin:9506000.013435.A{number}" for number in range(1000)),
        tuple(f"https://id.gs1.org/01/09506000134352/21/A{number}" for number in range(1000)),
    ):
        event = EpcisEvent("ObjectEvent", "2026-11-22T10:00:00Z", "+01:00", action="OBSERVE", epcs=items)
        done = mapped(event)
        assert len(done.raw.epcis or "") < 400
        assert unpacked(done.raw.epcis or "", done.event).epcs == items


def test_a_prefix_that_begins_another_loses_no_spelling() -> None:
    items = ("urn:epc:id:sgtin:9506000.013435.A1", "urn:epc:id:sgtin:950600013.0435.A2")
    done = mapped(EpcisEvent("ObjectEvent", "2026-11-22T10:00:00Z", "+01:00", action="OBSERVE", epcs=items))
    assert done.event.epcs[0][:16] == done.event.epcs[1][:16]
    assert unpacked(done.raw.epcis or "", done.event).epcs == items


def test_urns_become_links_and_come_back_where_their_prefixes_are_known() -> None:
    _, events = events_of(DSCSA.read_bytes())
    prefixes = Prefixes(prefixes_in(text for event in events for text in identifiers(event)))
    for event in events:
        linked = respelled(event, EpcFormat.LINK)
        assert linked != event
        assert hash_of(linked) == hash_of(event)
        assert not any(text.startswith("urn:epc:id:s") for text in identifiers(linked))
        back = respelled(linked, EpcFormat.URN, prefixes)
        assert hash_of(back) == hash_of(event)
        assert (back.epcs, back.parent, back.children) == (event.epcs, event.parent, event.children)
        assert respelled(linked, EpcFormat.URN).epcs == linked.epcs

"""The short way for what partners repeat answers as the long way does: the same event, the same bytes, the same refusal."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec import event_avro
from packtrace.codec.epcis import json_stream
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent, Place
from packtrace.codec.epcis.json_event import EventReader, event_of
from packtrace.codec.epcis.limits import Limits
from packtrace.codec.epcis.mapping import Mapped, mapped
from packtrace.codec.epcis.names import Context
from packtrace.codec.epcis.original import unpacked
from packtrace.codec.epcis.repeated import Repeated
from packtrace.codec.epcis.source import of_bytes
from packtrace.codec.json_text import exact_json_value
from packtrace.errors import RejectedError
from tests.codec.epcis.documents import GS1, TWICE, events_of
from tests.codec.epcis.events import epcis_events
from tests.codec.epcis.test_reading import EVENT, json_document

LOG_TIME = 1_795_341_600_000_000
DOCUMENT = Document("EPCISDocument", "2.0", "2026-11-22T10:00:00Z", sender="urn:epc:id:sgln:9506000.10000.0")
ITEMS = st.sampled_from(
    [
        "urn:epc:id:sgtin:9506000.013435.A1", "urn:epc:id:sgtin:9506000.013435.A2", "urn:epc:id:sgtin:9506000.013435.A%2F3",
        "https://id.gs1.org/01/09506000134352/21/B1", "https://id.gs1.org/01/09506000134352/21/B2", "https://other.example/01/09506000134352/21/C1",
        "urn:epc:id:sscc:9506000.0000000777", "https://id.gs1.org/00/095060000000007779", "urn:epc:id:grai:4012345.55555.987",
        "urn:epc:id:sgtin:9506000.13435.BAD", "urn:epc:id:sgtin:950600013.0435.A9", "x",
    ]
)  # fmt: skip
IDS = st.sampled_from(["", "urn:uuid:1", "urn:uuid:2", 'q"\\ü', "\x00time\x00", "x" * 300])
TIMES = st.sampled_from(
    ["2026-11-22T10:00:00Z", "2026-11-22T11:00:00.123+01:00", "2026-11-22 10:00:00Z", "2090-01-01T00:00:00Z", "never", ""]
)


def long_way(event: EpcisEvent) -> Mapped | tuple[str, ...]:
    try:
        return mapped(event, DOCUMENT, log_time=LOG_TIME)
    except RejectedError as error:
        return (error.code, error.where, error.expected, error.found)


def short_way(repeated: Repeated, event: EpcisEvent) -> Mapped | tuple[str, ...]:
    try:
        return repeated.mapped(event, LOG_TIME)
    except RejectedError as error:
        return (error.code, error.where, error.expected, error.found)


def same(repeated: Repeated, event: EpcisEvent) -> None:
    one, other = long_way(event), short_way(repeated, event)
    assert one == other
    if isinstance(other, Mapped):
        assert event_avro.encode(other.raw) == event_avro.plain_encode(other.raw)
        assert unpacked(other.raw.epcis or "", other.event) == other.epcis


@settings(max_examples=150)
@given(
    kinds=st.lists(epcis_events(), min_size=1, max_size=2),
    varied=st.lists(st.tuples(IDS, TIMES, st.lists(ITEMS, max_size=3), st.one_of(st.just(""), ITEMS)), min_size=2, max_size=4),
)
def test_any_events_of_one_document(kinds: list[EpcisEvent], varied: list[tuple[str, str, list[str], str]]) -> None:
    repeated = Repeated(DOCUMENT)
    for kind in kinds:
        same(repeated, kind)
        for id, time, items, parent in varied:
            field = "epcs" if kind.type in ("ObjectEvent", "TransactionEvent") else "children"
            same(repeated, msgspec.structs.replace(kind, event_id=id, event_time=time, parent=parent, **{field: tuple(items)}))


PLAIN = EpcisEvent(
    "ObjectEvent", "2026-11-22T10:00:00Z", "+01:00", event_id="urn:uuid:1", action="OBSERVE", biz_step="shipping",
    epcs=("urn:epc:id:sgtin:9506000.013435.A1",), location=Place("urn:epc:id:sgln:9506000.10000.0"),
)  # fmt: skip


@settings(max_examples=150)
@given(
    varied=st.lists(
        st.tuples(IDS, TIMES, st.lists(ITEMS, max_size=3), st.sampled_from(["shipping", "shiping", ""])), min_size=1, max_size=6
    )
)
def test_what_varies_among_plain_ones(varied: list[tuple[str, str, list[str], str]]) -> None:
    repeated = Repeated(DOCUMENT)
    for id, time, items, step in varied:
        same(repeated, msgspec.structs.replace(PLAIN, event_id=id, event_time=time, epcs=tuple(items), biz_step=step))
        packed = msgspec.structs.replace(
            PLAIN, type="AggregationEvent", epcs=(), action="ADD", event_id=id, event_time=time, parent="urn:epc:id:sscc:9506000.0000000777"
        )
        same(repeated, msgspec.structs.replace(packed, children=tuple(items), biz_step=step))


@pytest.mark.parametrize("path", [path for path in GS1 if path.name != TWICE], ids=lambda path: path.name)
def test_published_documents_twice(path: object) -> None:
    repeated = Repeated(DOCUMENT)
    _, events = events_of(path.read_bytes())  # type: ignore[attr-defined]
    for number, event in enumerate([*events, *events]):
        same(repeated, msgspec.structs.replace(event, event_id=event.event_id or f"urn:uuid:{number}"))


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0
    kept = Repeated._short

    def counted(self: Repeated, epcis: EpcisEvent, log_time: int | None) -> Mapped | None:
        nonlocal taken
        found = kept(self, epcis, log_time)
        taken += found is not None
        return found

    monkeypatch.setattr(Repeated, "_short", counted)
    repeated = Repeated(DOCUMENT)
    for number in range(10):
        repeated.mapped(msgspec.structs.replace(PLAIN, event_id=f"urn:uuid:{number}"), LOG_TIME)
    assert taken == 10


def test_events_held_from_the_first_pass_are_those_of_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    source = of_bytes(json_document(*[EVENT | {"eventID": f"urn:uuid:{number}"} for number in range(50)]))
    held = json_stream.skim(source, Limits())
    assert held.held is not None and len(held.held) == 50
    monkeypatch.setattr(json_stream, "HELD_BYTES_MAX", 1_000)
    again = json_stream.skim(source, Limits())
    assert again.held is None and again.events == held.events == 50
    assert list(json_stream.events(source, again, Limits())) == held.held


VALUES = st.sampled_from(
    [None, "", " x ", 1, "1", 1.5, True, [], ["a"], ["a", " b"], [1], {"id": "urn:x:y"}, {"id": 1}, "urn:uuid:1", "shipping"]
)


@settings(max_examples=200)
@given(
    objects=st.lists(
        st.dictionaries(
            st.sampled_from(["type", "eventID", "eventTime", "epcList", "parentID", "childEPCs", "bizStep", "readPoint", "rdfs:a", "@context", "epcs"]),
            VALUES, max_size=6,
        ),
        min_size=2, max_size=6,
    )
)  # fmt: skip
def test_objects_of_one_document_are_read_as_each_alone(objects: list[dict[str, object]]) -> None:
    reader = EventReader(Context())
    for one in [*objects, *[{"type": "ObjectEvent"} | one for one in objects]]:
        value = exact_json_value(msgspec.json.encode(one))
        assert read_by(reader.event, value) == read_by(lambda value: event_of(value, Context()), value)


def read_by(read: Callable[[object], EpcisEvent], value: object) -> EpcisEvent | tuple[str, ...]:
    try:
        return read(value)
    except RejectedError as error:
        return (error.code, error.where, error.expected, error.found)


def test_a_number_is_not_the_text_of_it() -> None:
    reader = EventReader(Context())
    text, number = ({"type": "ObjectEvent", "rdfs:a": value} for value in (exact_json_value('"1"'), exact_json_value("1")))
    assert reader.event(text) != reader.event(number)

"""The event as Avro: one meaning by every way in, and no bytes or schema of anybody that do harm."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import avro.io
import avro.schema
import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.codec import event_avro
from packtrace.codec.event_avro import HEAD_FIELDS, decode, encode, read_head, read_scan, read_tail
from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction
from packtrace.contracts import schema_text
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

LONG = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
RAW = st.builds(
    RawEvent,
    id=TEXT,
    event_time=LONG,
    sequence=st.none() | LONG,
    epcs=TEXTS,
    parent=TEXT,
    children=TEXTS,
    type=TEXT,
    action=TEXT,
    inputs=TEXTS,
    lots=TEXTS,
    lot=TEXT,
    boot=st.none() | LONG,
    partial=st.booleans(),
    transactions=st.lists(st.builds(RawTransaction, type=TEXT, id=TEXT), max_size=2).map(tuple),
    correction=st.none() | st.builds(RawCorrection, reason=TEXT, events=TEXTS, corrective=TEXTS),
    extensions=TEXT,
)
APACHE = avro.schema.parse(schema_text("event.avsc"))
SCHEMA: dict[str, Any] = json.loads(schema_text("event.avsc"))


@given(RAW)
def test_a_decoded_event_is_the_encoded_one(raw: RawEvent) -> None:
    assert decode(encode(raw)) == raw


@given(RAW)
def test_apache_avro_reads_and_writes_the_same_bytes(raw: RawEvent) -> None:
    body = encode(raw)
    record: Any = avro.io.DatumReader(APACHE).read(avro.io.BinaryDecoder(io.BytesIO(body)))
    assert msgspec.convert(record, RawEvent) == raw
    buffer = io.BytesIO()
    avro.io.DatumWriter(APACHE).write({**record, "epcs": list(raw.epcs)}, avro.io.BinaryEncoder(buffer))
    assert decode(buffer.getvalue()) == raw


@given(RAW)
def test_head_and_tail_together_are_the_event(raw: RawEvent) -> None:
    head = read_head(encode(raw))
    joined = msgspec.structs.replace(
        read_tail(head.tail),
        id=head.id,
        event_time=head.event_time,
        sequence=head.sequence,
        epcs=tuple(head.epcs),
        parent=head.parent,
        children=tuple(head.children),
    )
    assert joined == raw


@given(RAW, st.data())
def test_cut_bytes_are_rejected_by_both_ways(raw: RawEvent, data: st.DataObject) -> None:
    body = encode(raw)
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    for read in (decode, _head_and_tail):
        with pytest.raises(RejectedError) as rejected:
            read(cut)
        assert rejected.value.code == Reject.MALFORMED_AVRO


@given(st.binary(max_size=120))
def test_any_bytes_are_read_alike_or_rejected_alike_by_both_ways(body: bytes) -> None:
    outcomes = []
    for read in (decode, _head_and_tail):
        try:
            outcomes.append(repr(read(body)))
        except RejectedError as error:
            outcomes.append(error.code)
    assert outcomes[0] == outcomes[1]


def _head_and_tail(body: bytes) -> RawEvent:
    head = read_head(body)
    named = {name: tuple(value) if isinstance(value, list) else value for name, value in head._asdict().items() if name in HEAD_FIELDS}
    return msgspec.structs.replace(read_tail(head.tail), **named)


SCAN = st.builds(
    RawEvent,
    id=TEXT | st.text("ab", min_size=60, max_size=70),
    event_time=LONG | st.integers(0, 2**57) | st.integers(1_700_000_000_000_000, 1_900_000_000_000_000),
    sequence=st.none() | LONG | st.integers(0, 300),
    epcs=st.lists(TEXT | st.sampled_from([63, 64, 8191, 8192]).map("x".__mul__), max_size=2).map(tuple),
    parent=st.sampled_from(["", "", "p"]),
    children=st.sampled_from([(), (), ("c",)]),
    lot=TEXT,
)


@given(SCAN, st.binary(max_size=3))
def test_the_short_way_of_a_scan_reads_what_the_head_says_or_nothing(raw: RawEvent, before: bytes) -> None:
    body = encode(raw)
    head = read_head(body)
    scan = read_scan(before + body, len(before))
    if scan is not None:
        assert (scan.id, scan.event_time, scan.sequence, [scan.epc]) == (head.id, head.event_time, head.sequence, head.epcs)
        assert not head.parent and not head.children
        assert (before + body)[scan.tail_at :] == head.tail
    usual = len(raw.epcs) == 1 and not raw.parent and not raw.children and 2**48 <= raw.event_time < 2**55 and (raw.sequence or 0) >= 0
    if usual and len(raw.id.encode()) < 64 and len(raw.epcs[0].encode()) < 8192 and (raw.sequence or 0) < 2**55:
        assert scan is not None


@given(SCAN, st.data())
def test_the_short_way_of_a_scan_reads_no_cut_or_changed_bytes_otherwise(raw: RawEvent, data: st.DataObject) -> None:
    body = bytearray(encode(raw))
    for place, byte in data.draw(st.lists(st.tuples(st.integers(0, min(len(body), 40) - 1), st.integers(0, 255)), max_size=3)):
        body[place] = byte
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    scan = read_scan(cut, 0)
    if scan is not None:
        head = read_head(cut)
        assert (scan.id, scan.event_time, scan.sequence, [scan.epc]) == (head.id, head.event_time, head.sequence, head.epcs)
        assert cut[scan.tail_at :] == head.tail


@given(st.binary(max_size=60))
def test_the_short_way_of_a_scan_reads_any_bytes_as_the_head_does(body: bytes) -> None:
    scan = read_scan(body, 0)
    if scan is not None:
        assert [scan.epc] == read_head(body).epcs


def test_bytes_after_the_last_field_are_rejected_by_both_ways() -> None:
    body = encode(RawEvent(id="e", type="object"))
    for read in (decode, _head_and_tail):
        with pytest.raises(RejectedError, match="nothing after the last field, found '1 bytes'"):
            read(body + b"\0")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x01abc", id="text of length -1"),
        pytest.param(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", id="text of 2^63 - 1 bytes"),
        pytest.param(b"\x00\x00\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", id="array of 2^63 - 1 items"),
        pytest.param(b"\x02\xff", id="no UTF-8"),
        pytest.param(b"\x00\x00\x04", id="no such branch of a union"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_malformed_bytes_are_rejected_with_their_place(body: bytes) -> None:
    for read in (decode, _head_and_tail):
        with pytest.raises(RejectedError, match=r"^byte [0-9]+: ") as rejected:
            read(body)
        assert rejected.value.code == Reject.MALFORMED_AVRO


def _evolved(change: Callable[[dict[str, Any]], None]) -> str:
    schema = json.loads(schema_text("event.avsc"))
    change(schema)
    return json.dumps(schema)


def _written(writer: str, record: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(json.loads(writer)), record)
    return buffer.getvalue()


def _field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return next(field for field in schema["fields"] if field["name"] == name)


def test_a_writer_with_more_fewer_and_reordered_fields_is_understood() -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["fields"] = [field for field in reversed(schema["fields"]) if field["name"] not in ("expiry", "transactions")]
        schema["fields"].append({"name": "temperature", "type": ["null", "double"], "default": None})

    writer = _evolved(change)
    body = _written(writer, {"id": "e", "event_time": 5, "type": "object", "epcs": ["a"], "lot": "L7", "temperature": 4.5})
    assert decode(body, writer) == RawEvent(id="e", event_time=5, type="object", epcs=("a",), lot="L7")


def test_our_own_schema_with_other_blanks_is_our_own() -> None:
    assert event_avro.BODY.is_ours(json.dumps(SCHEMA))
    assert not event_avro.BODY.is_ours(_evolved(lambda schema: schema["fields"].pop()))


@pytest.mark.parametrize("logical", ["timestamp-micros", "timestamp-millis"])
def test_an_event_time_declared_a_timestamp_is_that_moment(logical: str) -> None:
    writer = _evolved(lambda schema: _field(schema, "event_time").update(type={"type": "long", "logicalType": logical}))
    stored = 1_700_000_000_000_000 if logical == "timestamp-micros" else 1_700_000_000_000
    body = _written(writer, {"event_time": stored, "type": "object"})
    assert decode(body, writer).event_time == 1_700_000_000_000_000


def _set_recursive(schema: dict[str, Any]) -> None:
    node = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
    schema["fields"].append({"name": "nodes", "type": node})


def _set_empty_items(schema: dict[str, Any]) -> None:
    schema["fields"].append({"name": "nulls", "type": {"type": "array", "items": "null"}})


def _set_empty_records(schema: dict[str, Any]) -> None:
    empty = {"type": "record", "name": "Empty", "fields": [{"name": "none", "type": {"type": "fixed", "name": "F", "size": 0}}]}
    schema["fields"].append({"name": "empties", "type": {"type": "array", "items": empty}})


def _set_deep(schema: dict[str, Any]) -> None:
    deep: Any = "int"
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    schema["fields"].append({"name": "deep", "type": deep})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param(_set_recursive, "recursive type Node", id="a recursive type"),
        pytest.param(_set_empty_items, "an array of items without bytes", id="an array of nulls"),
        pytest.param(_set_empty_records, "an array of items without bytes", id="an array of empty records"),
        pytest.param(_set_deep, "deeper than 32 types", id="100 types deep"),
    ],
)
def test_a_writer_schema_that_could_do_harm_is_refused_before_a_byte_is_read(change: Callable[[dict[str, Any]], None], found: str) -> None:
    with pytest.raises(RejectedError, match=found) as rejected:
        decode(b"", _evolved(change))
    assert rejected.value.code == Reject.UNKNOWN_SCHEMA


@pytest.mark.parametrize(
    "writer",
    [
        pytest.param("", id="no text"),
        pytest.param("[", id="no JSON"),
        pytest.param('{"type": "protobuf"}', id="no Avro type"),
        pytest.param('{"type": "record", "name": "E"}', id="a record without fields"),
        pytest.param('"string"', id="another type"),
        pytest.param("[" * 50_000, id="deep JSON"),
        pytest.param(_evolved(lambda schema: _field(schema, "lot").update(type="long", default=0)), id="a field of another type"),
        pytest.param(_evolved(lambda schema: _field(schema, "lot").update(name="batch")), id="a field of another name, still compatible"),
        pytest.param(_evolved(lambda schema: _field(schema, "event_time").update(name="time")), id="without event_time"),
    ],
)
def test_a_writer_schema_that_is_not_compatible_rejects_its_records(writer: str) -> None:
    body = b""
    with suppress(Exception):
        body = _written(writer, {"id": "e", "event_time": 5, "time": 5, "type": "object", "lot": 7, "batch": "L7"})
    if "batch" in writer:
        assert decode(_written(writer, {"event_time": 5, "type": "object", "batch": "L7"}), writer).lot == ""
        return
    with pytest.raises(RejectedError) as rejected:
        decode(body, writer)
    assert rejected.value.code == Reject.UNKNOWN_SCHEMA

"""Records of ``ops``: decode(encode(x)) == x, a second reader agrees, and a builder bounds records without losing order."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from typing import Any

import avro.io
import avro.schema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.codec import ops, ops_builder
from packtrace.codec.ops import NUMBERS, TEXTS, FactRow, OpsBatch, ReferenceRow, decode, encode
from packtrace.codec.ops_builder import EventRow, OpsBuilder, pack_context
from packtrace.contracts import schema_text
from packtrace.domain.fact import Fact
from packtrace.domain.own_event import Context
from packtrace.domain.vocabulary import FactType, Kind, Reject, Role
from packtrace.errors import RefusedError, RejectedError

LONG = st.integers(-(2**63), 2**63 - 1)
U64 = st.integers(0, 2**64 - 1)
U32 = st.integers(0, 2**32 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=12)
KEY = st.text("0123456789ABC", min_size=1, max_size=30)
CONTEXT = st.builds(
    Context,
    type=TEXT,
    kind=st.sampled_from(Kind),
    lot=TEXT,
    expiry=st.integers(0, 99991231),
    partial=st.booleans(),
    zone_minutes=st.none() | st.integers(-840, 840),
    transactions=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    corrects=st.lists(TEXT, max_size=2).map(tuple),
)
FACT = st.builds(
    Fact,
    type=st.sampled_from(FactType),
    target=KEY,
    source=KEY,
    event_id=TEXT,
    event_time=LONG,
    event_kind=st.sampled_from(Kind),
    log_time=LONG,
    version=st.integers(1, 9),
    hops=st.integers(1, 8),
    retracted=st.booleans(),
    payload=st.binary(max_size=9),
)


@st.composite
def batches(draw: st.DrawFn) -> OpsBatch:
    sources = draw(st.lists(KEY, min_size=1, max_size=3))
    contexts = draw(st.lists(CONTEXT, min_size=1, max_size=3))
    source = st.integers(0, len(sources) - 1)
    row = st.tuples(source, LONG, LONG, LONG, st.integers(0, len(contexts) - 1), U64, U64, U64, U32, TEXT, KEY, KEY)
    events = draw(st.lists(row, max_size=4))
    columns = [list(column) for column in zip(*events, strict=True)] or [[] for _ in range(12)]
    op = st.tuples(st.integers(0, max(len(events) - 1, 0)), U32, st.sampled_from(Role).map(int), KEY)
    op_columns = [list(column) for column in zip(*draw(st.lists(op, max_size=6 if events else 0)), strict=True)] or [[] for _ in range(4)]
    names = [name for name, _, rows in NUMBERS if rows == "event"] + [name for name, rows in TEXTS if rows == "event"]
    return OpsBatch(
        sources=sources,
        clock=draw(st.lists(LONG, min_size=len(sources), max_size=len(sources))),
        clock_sources=draw(st.integers(0, 99)),
        contexts=contexts,
        **dict(zip(names, columns, strict=True)),
        **dict(zip(("op_event", "op_index", "op_role", "op_items"), op_columns, strict=True)),
        facts=[FactRow(*fact) for fact in draw(st.lists(st.tuples(source, LONG, LONG, FACT), max_size=3))],
        reference=[ReferenceRow(*row) for row in draw(st.lists(st.tuples(source, LONG, LONG, KEY, TEXT, st.none() | TEXT), max_size=3))],
    )


@given(batches())
def test_a_decoded_batch_is_the_encoded_one(batch: OpsBatch) -> None:
    assert decode(encode(batch)) == batch


@given(batches())
def test_apache_avro_reads_the_same_record(batch: OpsBatch) -> None:
    schema = avro.schema.parse(schema_text("ops.avsc"))
    record: Any = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(io.BytesIO(encode(batch))))
    assert record["sources"] == batch.sources
    assert record["clock"] == batch.clock
    assert record["op_items"].split("\n") == (batch.op_items or [""])
    assert len(record["event_offset"]) == 8 * len(batch.event_offset)


@given(batches(), st.data())
def test_a_cut_record_is_rejected_and_never_misread(batch: OpsBatch, data: st.DataObject) -> None:
    body = encode(batch)
    with pytest.raises(RejectedError) as rejected:
        decode(body[: data.draw(st.integers(0, len(body) - 1))])
    assert rejected.value.code == Reject.MALFORMED_AVRO


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_rejected(body: bytes) -> None:
    with suppress(RejectedError, RefusedError):
        decode(body)


def test_bytes_after_a_record_are_rejected() -> None:
    with pytest.raises(RejectedError, match="1 bytes after the record"):
        decode(encode(OpsBatch()) + b"\0")


def test_an_index_that_points_nowhere_is_rejected() -> None:
    batch = _batch_of_one()
    with pytest.raises(RejectedError, match="into 1 events"):
        decode(encode(replace(batch, op_event=[1])))
    with pytest.raises(RejectedError, match="into 0 contexts"):
        decode(encode(replace(batch, contexts=[])))


def test_a_newer_layout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    body = encode(OpsBatch())
    monkeypatch.setattr(ops, "VERSION", 0)
    with pytest.raises(RefusedError, match="layout 1"):
        decode(body)


def test_a_newline_in_a_text_column_is_kept_from_the_log() -> None:
    with pytest.raises(RejectedError, match="no newline"):
        encode(replace(_batch_of_one(), event_ids=["a\nb"]))


def _batch_of_one() -> OpsBatch:
    builder = OpsBuilder()
    context = pack_context(1, Context("object", Kind.OBSERVE))
    builder.add_event(_row(builder.source("events/0"), 7), context, [(0, int(Role.ITEM), "01")])
    (record,) = builder.take()
    return decode(record)


def _row(source: int, offset: int, id_: str = "e") -> EventRow:
    return EventRow(source, offset, 5, 4, 1, 2, 3, 1, id_, "", "")


@given(
    st.lists(st.tuples(st.integers(0, 2), st.lists(KEY, min_size=1, max_size=30), st.integers(0, 1)), max_size=30),
    st.integers(1_000, 4_000),
)
def test_a_builder_splits_by_bytes_and_keeps_every_op_in_order(events: list[tuple[int, list[str], int]], bytes_max: int) -> None:
    contexts = [pack_context(n, Context("object", Kind.OBSERVE, lot=str(n))) for n in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ops_builder, "RECORD_BYTES_MAX", bytes_max + 1024)
        builder = OpsBuilder(clock_sources=2)
        sources = [builder.source("events/0"), builder.source("events/1")]
        expected = []
        for offset, (context, keys, source) in enumerate(events):
            rows = [(n, int(Role.ITEM), key) for n, key in enumerate(keys)]
            builder.add_event(_row(sources[source], offset), contexts[context], rows)
            expected += [(f"events/{source}", offset, n, key, str(context)) for n, key in enumerate(keys)]
        records = builder.take({"events/0": 99})
    found = []
    for record in records:
        assert len(record) <= bytes_max + 1024
        batch = decode(record)
        for event, index, key in zip(batch.op_event, batch.op_index, batch.op_items, strict=True):
            lot = batch.contexts[batch.event_context[event]].lot
            found.append((batch.sources[batch.event_source[event]], batch.event_offset[event], index, key, lot))
    assert found == expected
    clocks = [dict(zip(decode(record).sources, decode(record).clock, strict=True))["events/0"] for record in records]
    assert clocks == [0] * (len(records) - 1) + [99]


def test_an_empty_builder_gives_a_tick_only_when_told_a_clock() -> None:
    builder = OpsBuilder(clock_sources=8)
    assert builder.take() == []
    (tick,) = builder.take({"events/3": 42})
    assert decode(tick) == OpsBatch(sources=["events/3"], clock=[42], clock_sources=8)


def test_facts_and_reference_changes_are_bounded_too() -> None:
    builder = OpsBuilder()
    source = builder.source("ops/1")
    for nth in range(300):
        builder.add_fact(source, 5, nth, Fact(FactType.JOINED, "01", "02", "e", 1, Kind.PACK, 2, payload=b"x" * 4000))
        builder.add_reference(ReferenceRow(source, 5, 9, "product", str(nth), "y" * 4000))
    records = builder.take()
    assert len(records) > 4
    assert max(map(len, records)) <= ops_builder.RECORD_BYTES_MAX
    assert [fact.nth for record in records for fact in decode(record).facts] == list(range(300))
    assert [row.key for record in records for row in decode(record).reference] == [str(nth) for nth in range(300)]


def test_one_context_is_stored_once_however_often_it_was_packed() -> None:
    builder = OpsBuilder()
    for number in range(5):
        context = pack_context(number, Context("object", Kind.OBSERVE, lot="L"))
        builder.add_event(_row(builder.source("events/0"), number), context, [(0, 1, "01")])
    (record,) = builder.take()
    assert len(decode(record).contexts) == 1


def test_a_context_has_a_limit() -> None:
    def packed(transactions: int) -> None:
        pack_context(1, Context("object", Kind.OBSERVE, transactions=(("po", "x" * 58),) * transactions))

    packed(6_000)
    with pytest.raises(RejectedError, match="transactions: expected at most 393216 bytes") as rejected:
        packed(7_000)
    assert rejected.value.code == Reject.RECORD_TOO_LARGE

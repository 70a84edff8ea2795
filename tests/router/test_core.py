"""The router's function: every op at its place, every bad record rejected once, and no neighbour the worse for it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.codec import event_avro, wire
from packtrace.codec.event_check import check
from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction
from packtrace.contracts import schema_text
from packtrace.domain.explode import explode
from packtrace.domain.identifiers import partition_of, sgtin_key
from packtrace.domain.own_event import Context
from packtrace.domain.reference import Reference, ReferenceChange
from packtrace.domain.vocabulary import Kind, Reject, Role
from packtrace.errors import RejectedError
from packtrace.ports import LogRecord, TopicPartition
from packtrace.router.core import Core, Routed, schema_id_of
from tests.router.seen import (
    EVENTS_ID,
    GTIN,
    LOG_TIME,
    REFERENCE_ID,
    REGISTRY,
    Op,
    by_source,
    clocks_of,
    ops_of,
    packing,
    pallet,
    raw_record,
    record,
    reference,
    reference_of,
    scan,
    unit,
)

PARTITIONS = 4
DAY = 86_400_000_000
UNKNOWN_ID = 999
WRITERS: Mapping[int, str | RejectedError] = {
    EVENTS_ID: REGISTRY.schema(EVENTS_ID),
    REFERENCE_ID: REGISTRY.schema(REFERENCE_ID),
    UNKNOWN_ID: RejectedError(Reject.UNKNOWN_SCHEMA, "", "the id of a registered schema", "999"),
}


def route(records: Sequence[LogRecord], core: Core | None = None) -> Routed:
    return (core or Core(PARTITIONS, 8)).route(records, WRITERS, {})


def seen(routed: Routed) -> dict[int, list[Op]]:
    """Ops per partition of ops."""
    return {target: ops_of(body for one, body in routed.ops if one == target) for target in range(PARTITIONS)}


def test_an_event_becomes_one_op_per_item_in_the_items_partition() -> None:
    found = seen(route([record(packing(1, "ABC"), offset=42, partition=3)]))
    ops = sorted((op for part in found.values() for op in part), key=lambda op: op.nth)
    parent = "00" + pallet(1)[-18:]
    assert [(op.nth, op.role, op.item) for op in ops] == [
        (0, Role.PARENT, parent),
        *((n, Role.CHILD, f"01{GTIN}21{serial}") for n, serial in enumerate("ABC", 1)),
    ]
    assert {(op.source, op.offset, op.log_time, op.id, op.parent) for op in ops} == {("events/3", 42, LOG_TIME, "pack-1", parent)}
    assert {(op.first_child, op.children_count) for op in ops} == {(f"01{GTIN}21A", 3)}
    for target, part in found.items():
        assert all(partition_of(op.item, PARTITIONS) == target for op in part)


def plain(records: Sequence[LogRecord]) -> dict[int, list[Op]]:
    """The router written down plainly: check, explode, place."""
    found: dict[int, list[Op]] = {target: [] for target in range(PARTITIONS)}
    for one in records:
        try:
            event = check(event_avro.decode(wire.unframe(one.value)[1]), log_time=one.log_time)
        except RejectedError:
            continue
        e = explode(event)
        for index, (role, key) in enumerate(e.ops):
            found[partition_of(key, PARTITIONS)].append(
                Op(
                    f"events/{one.partition}", one.offset, index, role, key, one.log_time, event.event_time, e.context, e.mark,
                    e.message_mark, e.children_mark, e.children_count, event.id, e.parent, e.first_child,
                )
            )  # fmt: skip
    return found


SERIALS = st.sampled_from("ABCDE")
SPELLINGS = st.sampled_from(
    [
        unit,
        lambda serial: f"urn:epc:id:sgtin:9506000.013435.{serial}",
        lambda serial: f"(01){GTIN}(21){serial}(10)L9(17)280531",
        lambda serial: f"https://example.com/01/{GTIN}/21/{serial}?10=L8",
        lambda serial: f"01{GTIN[:-1]}921{serial}",
    ]
)
ITEM = st.builds(lambda spell, serial: spell(serial), SPELLINGS, SERIALS)
EVENT = st.one_of(
    st.builds(
        lambda item, lot, expiry, step, sequence, ahead, id: msgspec.structs.replace(
            scan("A", id=id or "e", lot=lot, sequence=sequence, event_time=LOG_TIME + ahead),
            epcs=(item,),
            expiry=expiry,
            biz_step=step,
            id=id,
        ),
        ITEM,
        st.sampled_from(["", "L7"]),
        st.sampled_from(["", "2028-05-31", "280531", "2028-02-31"]),
        st.sampled_from(["commissioning", "urn:epcglobal:cbv:bizstep:commissioning", "a\nb"]),
        st.none() | st.integers(0, 3),
        st.sampled_from([0, DAY, DAY + 1]),
        st.sampled_from(["", "e1", "e2"]),
    ),
    st.builds(
        lambda serials, action, number: packing(number, serials, action=action),
        st.lists(SERIALS, max_size=4),
        st.sampled_from(["ADD", "DELETE", "OBSERVE", "add"]),
        st.integers(1, 3),
    ),
    st.builds(
        lambda ids, reason: msgspec.structs.replace(scan("A"), correction=RawCorrection(reason, tuple(ids))),
        st.lists(st.sampled_from(["e1", "e2"]), max_size=2, unique=True),
        st.sampled_from(["did_not_occur", ""]),
    ),
    st.builds(
        lambda inputs, outputs: RawEvent(
            id="t", type="transformation", event_time=LOG_TIME, inputs=tuple(map(unit, inputs)), outputs=tuple(map(unit, outputs)), lot="L7"
        ),
        st.lists(SERIALS, max_size=2, unique=True),
        st.lists(SERIALS, max_size=2, unique=True),
    ),
    st.builds(
        lambda epcs, id: RawEvent(
            id="s", type="object", action="OBSERVE", event_time=LOG_TIME, biz_step="shipping", epcs=tuple(map(unit, epcs)),
            destination_party="9506000100005", transactions=(RawTransaction("desadv", id),) if id else (),
        ),
        st.lists(SERIALS, max_size=3, unique=True),
        st.sampled_from(["", "D-9"]),
    ),
)  # fmt: skip


def records_of(events: Sequence[RawEvent]) -> list[LogRecord]:
    """Two sources, offsets from 0 in each."""
    counts = [0, 0]
    records = []
    for number, raw in enumerate(events):
        partition = number % 3 % 2
        records.append(record(raw, counts[partition], partition, LOG_TIME + number * 1000))
        counts[partition] += 1
    return records


@given(st.lists(EVENT, max_size=12))
def test_the_short_way_gives_what_the_plain_way_gives(events: list[RawEvent]) -> None:
    records = records_of(events)
    routed = route(records)
    assert seen(routed) == plain(records)
    assert len(routed.rejected) + routed.events == len(records)
    assert routed.ops_count == sum(map(len, plain(records).values()))


@given(st.lists(EVENT, max_size=12), st.lists(st.integers(1, 5), min_size=12, max_size=12), st.integers(0, 11))
def test_batches_and_restarts_change_no_op_and_no_order(events: list[RawEvent], sizes: list[int], restart: int) -> None:
    records = records_of(events)
    whole = {target: by_source(ops) for target, ops in seen(route(records)).items()}
    core = Core(PARTITIONS, 8)
    found: dict[int, list[Op]] = {target: [] for target in range(PARTITIONS)}
    rest = list(records)
    for size in sizes:
        for target, ops in seen(route(rest[:size], core)).items():
            found[target] += ops
        rest = rest[size:]
    for target, ops in seen(route(rest, core)).items():
        found[target] += ops
    assert {target: by_source(ops) for target, ops in found.items()} == whole

    again = {target: by_source(ops) for target, ops in seen(route(records[restart:])).items()}
    starts = {f"events/{one.partition}": one.offset for one in reversed(records[restart:])}
    for target, sources in whole.items():
        kept = {s: [op for op in ops if s in starts and op.offset >= starts[s]] for s, ops in sources.items()}
        assert again[target] == {source: ops for source, ops in kept.items() if ops}


# fmt: off
BAD: list[tuple[str, RawEvent | bytes | None, Reject, str]] = [
    # what                      record                                                                  reason                       place
    ("a wrong check digit",     msgspec.structs.replace(scan("A"), epcs=(unit("A"), unit("B").replace("134352", "134353"))),
                                                                                                        Reject.WRONG_CHECK_DIGIT,    "epcs[1]"),
    ("an unknown action",       msgspec.structs.replace(scan("A"), action="APPEND"),                    Reject.UNKNOWN_ACTION,       "action"),
    ("malformed Avro",          wire.frame(EVENTS_ID, b"\x02"),                                         Reject.MALFORMED_AVRO,       "byte 1"),
    ("bytes behind the record", wire.frame(EVENTS_ID, event_avro.encode(scan("A")) + b"x"),             Reject.MALFORMED_AVRO,       ""),
    ("an unknown schema id",    wire.frame(UNKNOWN_ID, event_avro.encode(scan("A"))),                   Reject.UNKNOWN_SCHEMA,       ""),
    ("the year 2090",           scan("A", event_time=3_786_912_000_000_000),                            Reject.FUTURE_TIME,          "event_time"),
    ("100,001 EPCs",            msgspec.structs.replace(scan("A"), epcs=tuple(map(unit, range(100_001)))), Reject.TOO_MANY_EPCS,     "epcs"),
    ("an EPC of 300",           msgspec.structs.replace(scan("A"), epcs=(unit("A" * 256),)),            Reject.IDENTIFIER_TOO_LONG,  "epcs[0]"),
    ("an empty child list",     packing(1, ""),                                                         Reject.NO_CHILDREN,          "children"),
    ("ADD without a parent",    msgspec.structs.replace(packing(1, "A"), parent=""),                    Reject.NO_PARENT,            "parent"),
    ("a parent among children", msgspec.structs.replace(packing(1, "A"), children=(unit("A"), pallet(1))), Reject.PARENT_IN_CHILDREN, "children[1]"),
    ("duplicate children",      packing(1, "ABA"),                                                      Reject.DUPLICATE_ITEMS,      "children[2]"),
    ("bytes that are nothing",  b"hello",                                                               Reject.NO_RECORD,            ""),
    ("three bytes",             b"\0\0\0",                                                              Reject.NO_RECORD,            ""),
    ("a tombstone",             None,                                                                   Reject.TOMBSTONE,            ""),
    ("no type",                 msgspec.structs.replace(scan("A"), type=""),                            Reject.MISSING_FIELD,        "type"),
    ("too many transactions",   msgspec.structs.replace(scan("A"), transactions=tuple(RawTransaction("po", "é" * 200) for _ in range(1000))),
                                                                                                        Reject.RECORD_TOO_LARGE,     "transactions"),
]
# fmt: on


@pytest.mark.parametrize(("value", "reason", "place"), [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_bad_input_is_rejected_once_with_reason_and_place_and_costs_its_neighbours_nothing(
    value: RawEvent | bytes | None, reason: Reject, place: str
) -> None:
    bad = record(value, 1) if isinstance(value, RawEvent) else raw_record(value, 1)
    before, after = record(scan("X"), 0), record(packing(2, "XY"), 2)
    core = Core(PARTITIONS, 8)
    routed = route([before, bad, after, bad._replace(offset=3)], core)
    assert seen(routed) == seen(route([before, after]))
    assert [(one.offset, one.reason, one.place) for one in routed.rejected] == [(1, reason, place), (3, reason, place)]
    first = routed.rejected[0]
    assert (first.topic, first.partition, first.log_time, first.key, first.value) == ("events", 0, LOG_TIME, b"line-1", bad.value)
    assert first.text and first.source == "line-1"
    assert first.event_id in ((value.id,) if isinstance(value, RawEvent) else ("", "scan-A"))


@given(st.lists(EVENT, max_size=6), st.data())
def test_a_bad_record_anywhere_changes_nothing_for_the_others(events: list[RawEvent], data: st.DataObject) -> None:
    records = records_of(events)
    value = data.draw(st.sampled_from([row[1] for row in BAD if row[0] != "100,001 EPCs"]))
    bad = record(value, 99) if isinstance(value, RawEvent) else raw_record(value, 99)
    place = data.draw(st.integers(0, len(records)))
    with_bad = route([*records[:place], bad, *records[place:]])
    assert seen(with_bad) == seen(route(records))
    assert [one.offset for one in with_bad.rejected].count(99) == 1


def test_100_000_epcs_become_bounded_records_and_nothing_is_lost() -> None:
    raw = msgspec.structs.replace(scan("A"), epcs=tuple(unit(f"{n:06d}") for n in range(100_000)))
    routed = route([record(raw)])
    assert routed.ops_count == 100_000
    assert max(len(body) for _, body in routed.ops) <= 512 * 1024
    assert len(routed.ops) > PARTITIONS
    found = [op for part in seen(routed).values() for op in part]
    assert sorted(op.nth for op in found) == list(range(100_000))
    for part in seen(routed).values():
        assert [op.nth for op in part] == sorted(op.nth for op in part)


def test_a_writer_of_another_registered_version_is_understood() -> None:
    schema = json.loads(schema_text("event.avsc"))
    schema["fields"] = [*reversed(schema["fields"]), {"name": "temperature", "type": ["null", "double"], "default": None}]
    text = json.dumps(schema)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(
        buffer, fastavro.parse_schema(schema), {"event_time": LOG_TIME, "type": "object"} | msgspec.to_builtins(scan("A"))
    )
    one = raw_record(wire.frame(77, buffer.getvalue()))
    routed = Core(PARTITIONS, 8).route([one], {77: text}, {})
    assert seen(routed) == seen(route([record(scan("A"))]))


def test_reference_changes_go_to_every_partition_with_their_lineage() -> None:
    product = ReferenceChange("product", GTIN, json.dumps({"gtin": GTIN, "name": "Pills", "level": "unit", "origin": "own"}))
    routed = route([reference(product, 5)])
    for target in range(PARTITIONS):
        (found,) = reference_of(body for one, body in routed.ops if one == target)
        assert found == ("reference/0", 5, LOG_TIME, *product)
    assert routed.reference == 1


def test_an_event_that_recalls_lots_is_told_to_every_partition_beside_its_own_ops() -> None:
    recall = RawEvent(
        id="r-1", type="object", action="OBSERVE", event_time=LOG_TIME, disposition="recalled", epcs=(unit(1),),
        lots=(f"https://id.gs1.org/01/{GTIN}/10/L7",),
    )  # fmt: skip
    correction = RawEvent(
        id="r-2", type="object", action="OBSERVE", event_time=LOG_TIME, disposition="recalled",
        lots=(f"https://id.gs1.org/01/{GTIN}/10/L7",), correction=RawCorrection("did_not_occur", ("r-1",), ()),
    )  # fmt: skip
    routed = route([record(recall, 3), record(correction, 4)])
    assert not routed.rejected
    assert [(op.item, op.context.kind) for ops in seen(routed).values() for op in ops] == [(sgtin_key(GTIN, "1"), Kind.RECALL)]
    for target in range(PARTITIONS):
        first, second = reference_of(body for one, body in routed.ops if one == target)
        assert (first.source, first.offset, first.entity, second.offset) == ("lots/0", 3, "recall", 4)
        known = Reference.empty().changed([ReferenceChange(first.entity, first.key, first.json)])
        assert known.recalled_from(GTIN, "L7") == LOG_TIME
        both = [ReferenceChange(one.entity, one.key, one.json) for one in (second, first)]
        assert Reference.empty().changed(both).recalled_from(GTIN, "L7") is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(ReferenceChange("planet", "x", "{}"), id="an unknown entity"),
        pytest.param(ReferenceChange("product", GTIN, "{"), id="no JSON"),
        pytest.param(
            ReferenceChange("product", "1", json.dumps({"gtin": GTIN, "name": "", "level": "unit", "origin": "own"})), id="another key"
        ),
        pytest.param(ReferenceChange("product", GTIN, json.dumps({"gtin": GTIN})), id="a missing field"),
    ],
)
def test_bad_reference_data_is_rejected_and_told_to_nobody(change: ReferenceChange) -> None:
    routed = route([reference(change, 5)])
    assert routed.ops == []
    assert [(one.topic, one.offset, one.reason) for one in routed.rejected] == [("reference", 5, Reject.BAD_REFERENCE)]


def test_a_tombstone_of_reference_data_takes_its_entity_away() -> None:
    removal = LogRecord("reference", 0, 6, f"product/{GTIN}".encode(), None, LOG_TIME)
    routed = route([removal])
    assert reference_of(body for one, body in routed.ops if one == 0) == [("reference/0", 6, LOG_TIME, "product", GTIN, None)]
    for key in (None, b"product", b"planet/x", b"\xff"):
        assert [one.reason for one in route([removal._replace(key=key)]).rejected] == [Reject.TOMBSTONE]


def test_the_last_record_of_a_partition_carries_the_clock_and_earlier_ones_say_nothing() -> None:
    raw = msgspec.structs.replace(scan("A"), epcs=tuple(unit(f"{n:06d}") for n in range(100_000)))
    core = Core(PARTITIONS, 8)
    routed = core.route([record(raw, partition=2)], WRITERS, {"events/1": 5, "events/2": 7})
    for target in range(PARTITIONS):
        clocks = [clocks_of(body) for one, body in routed.ops if one == target]
        assert clocks == [{}] * (len(clocks) - 1) + [{"events/1": 5, "events/2": LOG_TIME}]
    assert routed.log_times == {TopicPartition("events", 2): LOG_TIME}


def test_rejected_records_count_as_routed_for_the_clock() -> None:
    routed = route([raw_record(None), record(scan("A"), 1)._replace(log_time=LOG_TIME - 5000)])
    ((_, body),) = routed.ops
    assert clocks_of(body) == {"events/0": LOG_TIME - 5000}
    assert route([raw_record(None)]).ops == []
    assert route([raw_record(None)]).log_times == {TopicPartition("events", 0): LOG_TIME}


def test_a_tick_is_an_empty_record_with_the_clock() -> None:
    body = Core(PARTITIONS, 8).tick({"events/0": 9})
    assert ops_of([body]) == []
    assert clocks_of(body) == {"events/0": 9}


def test_a_lot_that_a_code_states_does_not_leak_into_the_next_scan_of_the_line() -> None:
    coded = msgspec.structs.replace(scan("A", lot=""), epcs=(f"(01){GTIN}(21)A(10)L9",))
    bare = msgspec.structs.replace(scan("B", lot=""), epcs=(unit("B"),))
    found = [op for part in seen(route([record(coded), record(bare, 1)])).values() for op in part]
    assert {(op.item[-1], op.context.lot) for op in found} == {("A", "L9"), ("B", "")}


def test_kinds_are_those_of_the_table() -> None:
    (op,) = (op for part in seen(route([record(scan("A"))])).values() for op in part)
    assert op.context == Context(
        "object", Kind.COMMISSION, "ADD", "commissioning", "active", "9506000100005", lot="L7", expiry=20280531, line="line-1"
    )


def test_a_record_names_its_schema() -> None:
    assert schema_id_of(record(scan("A"))) == EVENTS_ID
    assert schema_id_of(raw_record(b"x")) is None
    assert schema_id_of(raw_record(None)) is None

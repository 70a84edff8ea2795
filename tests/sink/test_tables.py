"""Records of every topic become rows that read back, joined with their neighbours."""

from __future__ import annotations

import pytest

from packtrace.adapters.registry_memory import MemoryRegistry
from packtrace.codec import alert_record, history, native, rejected_record, wire
from packtrace.codec.avro_body import AvroBody
from packtrace.contracts import topics
from packtrace.domain.alert import AlertChange
from packtrace.domain.vocabulary import Severity, Status
from packtrace.errors import RefusedError
from packtrace.ports import LogRecord, Position
from packtrace.sink.__main__ import tables
from packtrace.sink.blocks import Table, form

SCHEMA_IDS = {topic: number for number, topic in enumerate(topics(), 1)}


def table(topic: str) -> Table:
    return tables(MemoryRegistry(), 0.25)[topic]


def record(topic: str, offset: int, body: bytes, partition: int = 0) -> LogRecord:
    return LogRecord(topic, partition, offset, None, wire.frame(SCHEMA_IDS[topic], body), 1_000 + offset)


def rows(topic: str, records: list[LogRecord]) -> list[dict[str, object]]:
    one = table(topic)
    block = form(one.columns, 0, len(records), [one.read(record) for record in records], {})
    columns, found = native.read(block.native)
    return [{name: value for (name, _), value in zip(columns, row, strict=True)} for row in found]


def change(number: int, events: tuple[str, ...]) -> AlertChange:
    return AlertChange(
        f"{number:032x}", number, "two-parents", 1, Status.CONFIRMED, Severity.HIGH, "010950600013435221A1", "item", 10, 20, 30,
        events, "x", "y", "z", {"b": "2", "a": "1"}, "9506000100005", "cam-3", "09506000134352", "L7", "t",
    )  # fmt: skip


def test_alerts_of_several_records_keep_their_own_events() -> None:
    changes = [change(1, ("e1", "e2")), change(2, ()), change(3, ("e3",))]
    found = rows(
        "alerts", [record("alerts", n, alert_record.encode(alert_record.AlertRecord(one, 7, 40 + n, n))) for n, one in enumerate(changes)]
    )
    assert [row["events"] for row in found] == [(b"e1", b"e2"), (), (b"e3",)]
    assert [(row["partition"], row["offset"], row["position"]) for row in found] == [(7, 40, 0), (7, 41, 1), (7, 42, 2)]
    assert found[0]["detail"] == b'{"a":"1","b":"2"}'
    assert (found[0]["status"], found[0]["severity"], found[0]["raised_at"]) == (b"confirmed", b"high", 20)


def test_an_alerts_lineage_is_that_of_the_ops_record_behind_it() -> None:
    piece = table("alerts").read(record("alerts", 5, alert_record.encode(alert_record.AlertRecord(change(1, ()), 7, 40, 2))))
    assert piece is not None
    assert (piece.source, piece.first, piece.last) == ("ops/7", Position(40, 2), Position(40, 2))


def test_rejected_inputs_keep_their_bytes_and_whether_there_were_any() -> None:
    kept = rejected_record.RejectedRecord(
        "events", 3, 99, 5, "bad-time", "event_time", "expected ...", "line-1", "e", b"k\xff", b"\x00\xff"
    )
    tombstone = rejected_record.RejectedRecord("http", -1, 2**62, 5, "tombstone", "", "expected a record", key=None, value=None)
    found = rows("rejected", [record("rejected", n, rejected_record.encode(one)) for n, one in enumerate([kept, tombstone])])
    assert [(row["has_key"], row["key"], row["has_value"], row["value"]) for row in found] == [
        (1, b"k\xff", 1, b"\x00\xff"),
        (0, b"", 0, b""),
    ]
    assert [(row["topic"], row["partition"], row["offset"], row["log_offset"]) for row in found] == [
        (b"events", 3, 99, 0),
        (b"http", -1, 2**62, 1),
    ]


def test_incidents_keep_their_sample() -> None:
    body = AvroBody("incident.avsc")
    one = {
        "id": "i", "version": 2, "cause": "single", "subject": "s", "status": "open", "severity": "high", "alerts": 1, "alerts_ever": 2,
        "opened_at": 5, "changed_at": 6, "sample": ["a", "b"],
    }  # fmt: skip
    found = rows("incidents", [record("incidents", 4, body.write(one)), record("incidents", 5, body.write(one | {"sample": ["c"]}))])
    assert [row["sample"] for row in found] == [(b"a", b"b"), (b"c",)]


def test_history_is_joined_as_it_came() -> None:
    builder = history.HistoryBuilder(6)
    made = [
        history.Row(
            f"item-{n}", "op", n, n, "e", 0, n, "pack", "child", "applied", "ACTIVE", "", "C", "at", "P", "", "L7", 20280531, "C", "", 0, 0,
            b"", b"state", 50 + n // 3, n % 3,
        )
        for n in range(7)
    ]  # fmt: skip
    bodies = []
    for row in made:
        builder.add(row)
        if row.offset > 50:
            bodies += builder.take()
    found = rows("history", [record("history", n, body, partition=2) for n, body in enumerate(bodies)])
    assert [(row["item"], row["offset"], row["position"], row["partition"]) for row in found] == [
        (one.item.encode(), one.offset, one.position, 6) for one in made
    ]
    assert table("history").owns(0, "ops/6")
    assert not table("history").owns(1, "ops/6")


@pytest.mark.parametrize("topic", ["alerts", "history", "incidents", "rejected"])
@pytest.mark.parametrize("value", [None, b"", b"nonsense", b"\x00\x00\x00\x00\x03\xff\xff"])
def test_a_record_of_our_own_that_cannot_be_read_stops_the_sink_and_says_where(topic: str, value: bytes | None) -> None:
    with pytest.raises(RefusedError, match=f"{topic}/0 offset 9"):
        table(topic).read(LogRecord(topic, 0, 9, None, value, 0))


def test_every_topic_the_sink_consumes_has_a_table() -> None:
    assert set(tables(MemoryRegistry(), 0.25)) == {name for name, row in topics().items() if "sink" in row.consumers}

"""Each bad input gets a reason and its place, its neighbours lose nothing, and ``packtrace rejected list`` shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from confluent_kafka import Producer

from packtrace.domain.identifiers import check_digit, sscc_key
from tests.pipeline.system import System

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

GTIN = "09506000134352"
PALLET = "https://id.gs1.org/00/" + sscc_key("95060001000000001" + check_digit("95060001000000001"))[2:]


def unit(serial: str) -> str:
    return f"https://id.gs1.org/01/{GTIN}/21/{serial}"


def event(number: int, **changes: Any) -> dict[str, Any]:
    """A good commissioning; ``changes`` spoil it."""
    good: dict[str, Any] = {
        "id": f"bad-input/{number}",
        "type": "object",
        "action": "ADD",
        "event_time": "2026-11-22T10:00:00Z",
        "biz_step": "commissioning",
        "epcs": [unit(f"BAD{number}")],
        "lot": "L7",
        "expiry": "2028-05-31",
        "place": "9506000100005",
        "line": "line-1",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def packing(number: int, **changes: Any) -> dict[str, Any]:
    return event(
        number,
        **(
            {
                "type": "aggregation",
                "biz_step": "packing",
                "epcs": None,
                "lot": None,
                "expiry": None,
                "parent": PALLET,
                "children": [unit("OK1")],
            }
            | changes
        ),
    )


# fmt: off
SPOILED = {
    #  what                             event                                                                      reason                  place
    "wrong check digit":              (event(1, epcs=["https://id.gs1.org/01/09506000134353/21/X1"]),               "wrong-check-digit",    "epcs[0]"),
    "unknown action":                 (event(2, action="REMOVE"),                                                   "unknown-action",       "action"),
    "event time in 2090":             (event(3, event_time="2090-01-01T00:00:00Z"),                                 "future-time",          "event_time"),
    "100,001 EPCs":                   (event(4, epcs=[unit(f"M{n}") for n in range(100_001)]),                      "too-many-epcs",        "epcs"),
    "EPC of 300 characters":          (event(5, epcs=[unit("A" * 300)]),                                            "identifier-too-long",  "epcs[0]"),
    "empty child list":               (packing(6, children=[]),                                                     "no-children",          "children"),
    "ADD without a parent":           (packing(7, parent=None),                                                     "no-parent",            "parent"),
    "a parent among its own children":(packing(8, children=[unit("OK1"), PALLET]),                                  "parent-in-children",   "children[1]"),
    "duplicate children":             (packing(9, children=[unit("OK1"), unit("OK1")]),                             "duplicate-items",      "children[1]"),
}
RAW = {
    #  what                                value                          reason
    "malformed Avro":                     (b"\x00\x00\x00\x00{id}\xff\xff\xff", "malformed-avro"),
    "unknown schema id":                  (b"\x00\x7f\xff\xff\xffabc",    "unknown-schema"),
    "bytes that are no record at all":    (b"hello",                      "no-record"),
    "a tombstone":                        (None,                          "tombstone"),
}
# fmt: on


def test_each_bad_input_is_kept_with_its_reason_and_costs_nothing_else(system: System, tmp_path: Any) -> None:
    before = {(row["topic"], row["partition"], row["offset"]) for row in system.json("rejected", "list")}
    good = [event(100 + n, epcs=[unit(f"OK{n}")]) for n in range(1, 30)]
    lines: list[dict[str, Any]] = []
    for n, (bad, _, _) in enumerate(SPOILED.values()):
        lines += [good[2 * n], bad, good[2 * n + 1]]
    lines += good[2 * len(SPOILED) :]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    system.run("publish", str(path))

    address = json.loads((system.home / "stack.json").read_text())
    producer = Producer({"bootstrap.servers": kafka_address(address)})
    schema_id = event_schema_id(system)
    for value, _ in RAW.values():
        producer.produce("events", key=b"line-1", value=value.replace(b"{id}", bytes([schema_id])) if value else None)
    assert producer.flush(20) == 0
    system.wait(180)

    rows = [row for row in system.json("rejected", "list") if (row["topic"], row["partition"], row["offset"]) not in before]
    found = {(row["reason"], row["place"]) for row in rows}
    assert {(reason, place) for _, reason, place in SPOILED.values()} <= found
    assert {reason for _, reason in RAW.values()} <= {row["reason"] for row in rows}
    assert len(rows) == len(SPOILED) + len(RAW)
    assert all(row["text"] for row in rows)
    for n in range(1, 30):
        assert system.json("show", unit(f"OK{n}"))[0]["life"] == "ACTIVE"


def kafka_address(stack: dict[str, Any]) -> str:
    """Where the broker listens, as the stack file says."""
    text = json.dumps(stack)
    start = text.index("127.0.0.1:", text.index("kafka"))
    return text[start : text.index('"', start)]


def event_schema_id(system: System) -> int:
    """The id of the schema the product itself writes ``events`` with: from the first byte run of one of its records."""
    from confluent_kafka import Consumer

    address = json.loads((system.home / "stack.json").read_text())
    consumer = Consumer({"bootstrap.servers": kafka_address(address), "group.id": "test-peek", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe(["events"])
        for _ in range(100):
            record = consumer.poll(0.2)
            if record is not None and record.error() is None:
                value = record.value()
                assert value is not None and value[0] == 0
                return int.from_bytes(value[1:5], "big")
    finally:
        consumer.close()
    raise AssertionError("no record on events")

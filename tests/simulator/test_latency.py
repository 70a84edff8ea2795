"""Latency is read from the log alone: the first record of the event, the first record of its alert."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace import contracts
from packtrace.adapters.log_memory import MemoryLog, MemoryReader, MemoryWriter
from packtrace.errors import UnavailableError
from packtrace.simulator.encode import Encoder
from packtrace.simulator.latency import event_id, percentile, read_topics
from packtrace.simulator.messages import Message
from packtrace.simulator.recipe import Recipe
from packtrace.simulator.stream import Stream

ALERT = fastavro.parse_schema(msgspec.json.decode(contracts.schema_text("alert.avsc")))
FIRST = next(iter(Stream(Recipe(seed=1), 1_795_000_000_000_000)))


def alert(id_: str, events: list[str], version: int = 1) -> bytes:
    record: dict[str, Any] = {
        "id": id_, "version": version, "rule": "two-parents", "rule_version": 1, "status": "provisional", "severity": "high", "item": "x",
        "cause": "item", "event_time": 0, "raised_at": 0, "changed_at": 0, "events": events, "partition": 0, "offset": 0, "index": 0,
    }  # fmt: skip
    out = io.BytesIO()
    fastavro.schemaless_writer(out, ALERT, record)
    return b"\x00\x00\x00\x00\x01" + out.getvalue()


def put(log: MemoryLog, now: int, topic: str, value: bytes) -> None:
    log.now = now
    writer = MemoryWriter(log)
    writer.write(topic, value, key=b"k")
    writer.flush(1)


def named(id_: str) -> Message:
    return FIRST._replace(id=id_)


def test_the_first_record_of_each_counts() -> None:
    log, encoder = MemoryLog(), Encoder(1)
    for now, id_ in ((1_000_000, "a/1/1"), (2_000_000, "a/1/2"), (9_000_000, "a/1/1")):
        put(log, now, "events", encoder.encode(named(id_)))
    put(log, 1_250_000, "alerts", alert("A", ["a/1/1", "a/1/2"]))
    put(log, 5_000_000, "alerts", alert("A", ["a/1/1"], 2))
    put(log, 6_000_000, "alerts", alert("B", []))
    events, alerts = read_topics(MemoryReader(log, "test"))
    assert events == {"a/1/1": 1_000_000, "a/1/2": 2_000_000}
    assert alerts == {"A": ("a/1/1", 1_250_000)}


def test_empty_topics_have_an_end_too() -> None:
    assert read_topics(MemoryReader(MemoryLog(), "test")) == ({}, {})


def test_a_broker_that_is_away_is_told() -> None:
    log = MemoryLog()
    put(log, 1, "events", Encoder(1).encode(FIRST))
    log.away = True
    with pytest.raises(UnavailableError, match="end"):
        read_topics(MemoryReader(log, "test"))


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=300))
def test_the_id_is_read_from_the_head_of_a_record(id_: str) -> None:
    assert event_id(Encoder(1).encode(named(id_))) == id_


@given(st.lists(st.integers(0, 10**9)))
def test_percentiles_are_values_that_occur(values: list[int]) -> None:
    assert percentile(values, 0.99) in (values or [0])
    assert percentile(values, 0.5) <= percentile(values, 0.99) <= max(values, default=0)
    assert sum(value <= percentile(values, 0.99) for value in values) >= 0.99 * len(values)

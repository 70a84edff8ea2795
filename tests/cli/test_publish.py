"""``publish`` sends what can be written as a record and tells the rest with its place."""

from __future__ import annotations

import io
import json

import pytest

from packtrace.adapters.log_memory import MemoryLog, MemoryWriter
from packtrace.cli.files import events_of
from packtrace.cli.publish import Published, Unsent, publish
from packtrace.errors import UnavailableError
from tests.gateway.asgi import EVENT_SCHEMA, decoded, encode_event, event


def run(log: MemoryLog, text: bytes) -> tuple[Published, list[Unsent]]:
    unsent: list[Unsent] = []
    done = publish(events_of("f", io.BytesIO(text)), MemoryWriter(log), encode_event, unsent.append, lambda number: None)
    return done, unsent


def test_identifiers_are_sent_unread_for_the_router_to_judge() -> None:
    log = MemoryLog()
    wrong = event(1, epcs=["no identifier at all"], action="REMOVE", event_time="2090-01-01T00:00:00Z")
    done, unsent = run(log, json.dumps(wrong).encode())
    assert (done.sent, unsent) == (1, [])
    (record,) = log.topic("events")
    assert record.key == b"line-1"
    assert decoded(EVENT_SCHEMA, record.value)["epcs"] == ["no identifier at all"]


def test_what_is_no_record_is_told_and_the_rest_sent() -> None:
    log = MemoryLog()
    lines = [event(1), event(2, colour="blue"), event(3), event(4, event_time="yesterday"), event(5)]
    done, unsent = run(log, "\n".join([*map(json.dumps, lines), '{"no json"'[:-1] + "}"]).encode())
    assert (done.sent, done.unsent) == (3, 3)
    assert [(one.place, one.error.code) for one in unsent] == [("f:2", "unknown-field"), ("f:4", "bad-time"), ("f:6", "malformed-json")]
    assert {decoded(EVENT_SCHEMA, record.value)["id"] for record in log.topic("events")} == {"line-1/7/1", "line-1/7/3", "line-1/7/5"}


def test_a_broker_that_is_away_is_said() -> None:
    log = MemoryLog()
    log.away = True
    with pytest.raises(UnavailableError):
        run(log, json.dumps(event(1)).encode())

"""Rejected inputs are sent again byte for byte, to where they came from."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from packtrace.adapters.log_memory import MemoryWriter
from packtrace.cli.replay import Replayed, path_of, replay
from packtrace.errors import RefusedError
from tests.cli.wired import ToAnswers, ToGateway
from tests.gateway.asgi import Gateway, event


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path) as opened:
        yield opened


def answer(topic: str, value: bytes | None, key: bytes | None = b"line-1") -> tuple[int, dict[str, Any]]:
    text = {name: None if data is None else base64.b64encode(data).decode() for name, data in (("value", value), ("key", key))}
    return 200, {"topic": topic, "partition": 3, "offset": 7, **text}


def run(gateway: Gateway, row: tuple[int, Any], origin: str = "events/3/7", dry_run: bool = False) -> Replayed:
    query = ToAnswers({path_of(origin): row})
    (done,) = replay(query, [origin], lambda: MemoryWriter(gateway.log), lambda: ToGateway(gateway), dry_run)
    return done


@pytest.mark.parametrize("key", [None, b"", b"line-1"])
def test_a_record_goes_back_with_its_key(gateway: Gateway, key: bytes | None) -> None:
    value = b"\x00\xff no text"
    assert run(gateway, answer("events", value, key)) == Replayed("events/3/7", "sent", len(value))
    assert [(record.key, record.value) for record in gateway.log.topic("events")] == [(key, value)]


def test_a_dry_run_sends_nothing(gateway: Gateway) -> None:
    assert run(gateway, answer("events", b"abc"), dry_run=True).status == "would be sent"
    assert gateway.log.topic("events") == []


def test_a_tombstone_has_nothing_to_send(gateway: Gateway) -> None:
    done = run(gateway, answer("events", None))
    assert (done.status, "tombstone" in done.why) == ("skipped", True)


def test_what_came_over_http_goes_over_http(gateway: Gateway) -> None:
    assert run(gateway, answer("http", json.dumps(event(1)).encode()), "http/0/7").status == "sent"
    assert [stored["id"] for stored in gateway.events()] == ["line-1/7/1"]
    done = run(gateway, answer("http", json.dumps(event(1, action="REMOVE")).encode()), "http/0/7")
    assert (done.status, done.why) == ("refused", "rejected again: unknown-action")


def test_one_that_is_not_there_is_said(gateway: Gateway) -> None:
    assert run(gateway, (404, {"detail": "nothing was rejected there"})) == Replayed(
        "events/3/7", "refused", 0, "nothing was rejected there"
    )


@pytest.mark.parametrize("origin", ["events", "events/3", "events/x/1", "/3/1", "events/3/-1", "events/٣/1"])
def test_an_origin_is_topic_partition_offset(origin: str) -> None:
    with pytest.raises(RefusedError, match="expected topic/partition/offset"):
        path_of(origin)


def test_the_same_bytes_are_sent_once(gateway: Gateway) -> None:
    """Else a replay of what stays bad would double it each time."""
    rows = {path_of(f"events/3/{offset}"): answer("events", b"bad" if offset else b"other") for offset in range(3)}
    done = replay(
        ToAnswers(rows), ["events/3/0", "events/3/1", "events/3/2"], lambda: MemoryWriter(gateway.log), lambda: ToGateway(gateway), False
    )
    assert [one.status for one in done] == ["sent", "sent", "skipped"]
    assert done[2].why == "the same bytes as events/3/1"
    assert len(gateway.log.topic("events")) == 2

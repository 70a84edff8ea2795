"""A driver's call that may never return."""

from __future__ import annotations

import threading
import time

import pytest

from packtrace.adapters import kafka
from packtrace.adapters.bounded import within
from packtrace.adapters.kafka import KafkaReader
from packtrace.errors import UnavailableError
from packtrace.ports import Committed, TopicPartition
from tests.servers import free_port


def test_what_it_returns_and_raises() -> None:
    def fails() -> int:
        raise LookupError("told")

    assert within(5, lambda: 7) == 7
    with pytest.raises(LookupError, match="told"):
        within(5, fails)


def test_it_is_waited_for_no_longer_than_said() -> None:
    asked = threading.Event()
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.05, asked.wait)
    assert time.monotonic() - begun < 5
    asked.set()


def test_a_commit_that_the_driver_never_answers_is_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    class Driver:
        def committed(self, parts: list[object], timeout: float) -> list[object]:
            return []

        def commit(self, offsets: list[object], asynchronous: bool) -> list[object]:
            never.wait()
            return []

        def close(self) -> None:
            never.wait()

    monkeypatch.setattr(kafka, "COMMIT_SECONDS_MAX", 0.05)
    monkeypatch.setattr(kafka, "CLOSE_SECONDS_MAX", 0.05)
    reader = KafkaReader(f"127.0.0.1:{free_port()}", "group")
    monkeypatch.setattr(reader, "_consumer", Driver())
    with pytest.raises(UnavailableError, match="storing positions: no answer within"):
        reader.commit({TopicPartition("events", 0): Committed(1)})
    reader.close()
    never.set()

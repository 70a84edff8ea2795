"""A service with something planted in it: ``PLANTED='{"fatal": "words of a record"}' python -m tests.crash.planted sink``.

- ``clock``: a file with the seconds by which the host's clock is wrong, read whenever the service asks for the time;
- ``fatal``: a record that has these words in it ends the process while router or sink decode it, as a fault in native code would;
- ``slow``: how many seconds pass between reading records and working on them, once, at the first that are read;
- ``poll_seconds``: the group gives a member's partitions away when it has not polled for that long.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import confluent_kafka

VARIABLE = "PLANTED"


def plant_clock(path: Path) -> None:
    real_ns = time.time_ns

    def time_ns() -> int:
        return real_ns() + int(float(path.read_text(encoding="ascii") or "0") * 1e9)

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


def plant_fatal(words: bytes) -> None:
    from packtrace.router.core import Core
    from packtrace.sink.event_rows import EventRows

    route, read = Core.route, EventRows.read

    def die(value: bytes | None) -> None:
        if words in (value or b""):
            os.kill(os.getpid(), signal.SIGKILL)

    def fatal_route(self: Core, records: Any, *more: Any) -> Any:
        for record in records:
            die(record.value)
        return route(self, records, *more)

    def fatal_read(self: EventRows, record: Any) -> Any:
        die(record.value)
        return read(self, record)

    setattr(Core, "route", fatal_route)  # noqa: B010
    setattr(EventRows, "read", fatal_read)  # noqa: B010


def plant_slow(seconds: float) -> None:
    from packtrace.adapters.kafka import KafkaReader

    poll, left = KafkaReader.poll, [seconds]

    def slow_poll(self: KafkaReader, *words: Any) -> Any:
        records = poll(self, *words)
        if records and left[0]:
            time.sleep(left.pop())
            left.append(0)
        return records

    setattr(KafkaReader, "poll", slow_poll)  # noqa: B010


def plant_poll_seconds(seconds: float) -> None:
    consumer = confluent_kafka.Consumer
    limits = {"max.poll.interval.ms": int(seconds * 1000), "session.timeout.ms": int(seconds * 1000)}
    confluent_kafka.Consumer = lambda settings: consumer(settings | limits)  # type: ignore[assignment,misc]


def main() -> int:
    planted = json.loads(os.environ.pop(VARIABLE))
    if "clock" in planted:
        plant_clock(Path(planted["clock"]))
    if "fatal" in planted:
        plant_fatal(planted["fatal"].encode())
    if "slow" in planted:
        plant_slow(planted["slow"])
    if "poll_seconds" in planted:
        plant_poll_seconds(planted["poll_seconds"])
    return int(importlib.import_module(f"packtrace.{sys.argv[1]}.__main__").main())


if __name__ == "__main__":
    sys.exit(main())

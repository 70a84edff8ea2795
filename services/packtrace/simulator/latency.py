"""How long an alert takes: from the log time of the offending event to the log time of the alert's first record."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from math import ceil
from typing import Any

import fastavro
import msgspec

from packtrace import contracts
from packtrace.errors import UnavailableError
from packtrace.ports import LogReader, TopicPartition

FRAME_BYTES = 5
POLL_RECORDS_MAX = 10_000
IDLE_POLLS_MAX = 50


def event_id(value: bytes) -> str:
    """The id of a record of ``events``: its first field, read without the rest."""
    length = shift = 0
    at = FRAME_BYTES
    while True:
        byte = value[at]
        at += 1
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    length >>= 1
    return value[at : at + length].decode()


def offender(value: bytes) -> tuple[str, str]:
    """Of a record of ``alerts``: its id, and the id of the event behind it (empty where none is)."""
    alert: Any = fastavro.schemaless_reader(io.BytesIO(value[FRAME_BYTES:]), _alert_schema(), None)
    return alert["id"], (alert["events"] or [""])[0]


@cache
def _alert_schema() -> Any:
    return fastavro.parse_schema(msgspec.json.decode(contracts.schema_text("alert.avsc")))


def read_topics(reader: LogReader) -> tuple[dict[str, int], dict[str, tuple[str, int]]]:
    """Everything the topics hold now: event id -> its first log time, alert id -> (offending event id, first log time).

    Raises:
        UnavailableError: the broker stopped answering before the end was reached.
    """
    ends: dict[TopicPartition, int] = {}
    reached: dict[TopicPartition, int] = {}

    def assigned(partitions: list[TopicPartition]) -> Mapping[TopicPartition, int]:
        for partition in partitions:
            oldest, ends[partition] = reader.watermarks(partition)
            reached[partition] = oldest
        return {partition: reached[partition] for partition in partitions}

    events: dict[str, int] = {}
    alerts: dict[str, tuple[str, int]] = {}
    wanted = sum(contracts.topics()[topic].partitions for topic in ("events", "alerts"))
    reader.subscribe(["events", "alerts"], assigned, lambda partitions: None)
    idle = 0
    while len(ends) < wanted or any(reached[partition] < end for partition, end in ends.items()):
        records = reader.poll(POLL_RECORDS_MAX, 0.2)
        idle = 0 if records else idle + 1
        if idle > IDLE_POLLS_MAX:
            raise UnavailableError("kafka: the topics events and alerts could not be read to their end")
        for record in records:
            reached[TopicPartition(record.topic, record.partition)] = record.offset + 1
            if record.value is None:
                continue
            if record.topic == "events":
                events.setdefault(event_id(record.value), record.log_time)
            else:
                alert, event = offender(record.value)
                if event:
                    alerts.setdefault(alert, (event, record.log_time))
    return events, alerts


def percentile(values: list[int], share: float) -> int:
    """The smallest value that at least ``share`` of them do not exceed; 0 of none."""
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)] if values else 0

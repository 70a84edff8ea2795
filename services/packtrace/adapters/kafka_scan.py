"""Reads what the log holds, outside of every group (port ``LogScan``): asking disturbs nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import confluent_kafka as ck
from confluent_kafka import KafkaError

from packtrace.adapters.kafka import KafkaReader, translated
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import LogRecord, TopicPartition

SILENCE_SECONDS_MAX = 30.0
RECORDS_MAX = 10_000
PASSING = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._PARTITION_EOF})


class KafkaScan:
    """See the module.

    Args:
        bootstrap: ``host:port`` of a broker.
    """

    def __init__(self, bootstrap: str, client: str = "packtrace-scan") -> None:
        self._bootstrap = bootstrap
        self._client = client
        self._ends = KafkaReader(bootstrap, client, client=client)  # never subscribes

    def ends(self, partition: TopicPartition) -> tuple[int, int]:
        return self._ends.watermarks(partition)

    def records(self, partition: TopicPartition, start: int, end: int) -> Iterator[LogRecord]:
        oldest, _ = self.ends(partition)
        if start < oldest:
            raise RefusedError(f"{partition.topic}/{partition.partition} begins at offset {oldest}, not at {start}: retention has passed")
        if start >= end:
            return
        consumer = ck.Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": self._client,
                "client.id": self._client,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "allow.auto.create.topics": False,
                "fetch.wait.max.ms": 50,
                "queued.max.messages.kbytes": 65_536,
                "log_level": 2,
            }
        )
        try:
            consumer.assign([ck.TopicPartition(*partition, start)])
            heard = time.monotonic()
            while start < end:
                for message in consumer.consume(RECORDS_MAX, 0.2):
                    record = self._record(message)
                    if record is None:
                        continue
                    if record.offset >= end:
                        return
                    start = record.offset + 1
                    heard = time.monotonic()
                    yield record
                if time.monotonic() - heard > SILENCE_SECONDS_MAX:
                    raise UnavailableError(f"kafka, reading {partition.topic}/{partition.partition}: silent for {SILENCE_SECONDS_MAX:g} s")
        finally:
            consumer.close()

    def close(self) -> None:
        self._ends.close()

    def _record(self, message: Any) -> LogRecord | None:
        error = message.error()
        if error is not None:
            if error.code() in PASSING:
                return None
            raise translated(error, "reading")
        return LogRecord(
            message.topic(), message.partition(), message.offset(), message.key(), message.value(), message.timestamp()[1] * 1000
        )

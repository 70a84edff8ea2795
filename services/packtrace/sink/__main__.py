"""The process: wires Kafka, the registry and ClickHouse to ``shell`` and runs until SIGTERM."""

from __future__ import annotations

import gc
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from packtrace.adapters import crash_point
from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import pending
from packtrace.adapters.http_status import serve_status
from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.adapters.registry import Registry
from packtrace.codec import rejected_record, wire
from packtrace.codec.avro_body import AvroBody
from packtrace.contracts import topics
from packtrace.domain.vocabulary import Reject
from packtrace.errors import PacktraceError, RefusedError, RejectedError, UnavailableError
from packtrace.ports import HistoryStore, LogRecord, Schemas
from packtrace.settings import SinkSettings, read
from packtrace.sink.blocks import Table
from packtrace.sink.event_rows import EventRows
from packtrace.sink.lane import Lane, Limits
from packtrace.sink.shell import Noticed, Sink
from packtrace.sink.tables import EVENTS_SPACING_SECONDS, Alerts, History, incidents, rejected
from packtrace.telemetry import DEPENDENCY_WAITS, SINK_BLOCK_SECONDS, SINK_DROPPED, SINK_ROWS, configure, log

GROUP = "packtrace-sink"
CLICKHOUSE_WAIT_SECONDS = 1.0
FLUSH_SECONDS = 5.0
FETCH_BYTES_MIN = 256 * 1024
"""The broker answers with less after 0.1 s: rows wait for their block longer than that anyway, and each answer costs it CPU."""
YOUNG_OBJECTS_MAX = 200_000
"""Rows hold no cycles: the collector looks rarely, a fifth of what reading an event costs."""
ALERTS_LATENCY_SECONDS = 0.1
"""An alert is to be seen within a second of its event."""


class Told(Noticed):
    """Log lines and metrics of the sink."""

    def __init__(self) -> None:
        self._trouble = ""

    def stored(self, table: str, rows: int, repeats: int, seconds: float) -> None:
        SINK_ROWS.labels(table).inc(rows)
        SINK_BLOCK_SECONDS.observe(seconds)
        if repeats:
            SINK_DROPPED.labels(table).inc(repeats)
        if self._trouble:
            log.info("dependency_back")
            self._trouble = ""

    def recovered(self, lane: Lane, behind: tuple[str, ...]) -> None:
        topic, partition = lane.partition
        log.info("took_over", topic=topic, partition=partition, position=lane.position, reform_end=lane.reform_end)
        if behind:
            log.error("history_lost_rows", table=lane.table.name, sources=list(behind), reading_again_from=lane.position)

    def trouble(self, text: str) -> None:
        DEPENDENCY_WAITS.labels("sink").inc()
        if text != self._trouble:
            log.warning("dependency_away", reason=text)
        self._trouble = text


def tables(schemas: Schemas, latency_seconds: float) -> dict[str, Table]:
    """Topic -> what its records become."""

    def decoder(file: str) -> Callable[[bytes], Mapping[str, Any]]:
        body = AvroBody(file)

        def decode(value: bytes) -> Mapping[str, Any]:
            schema_id, data = wire.unframe(value)
            return body.read(data, schemas.schema(schema_id))

        return decode

    declared = topics()
    return {
        "alerts": Alerts(decoder(declared["alerts"].value), min(latency_seconds, ALERTS_LATENCY_SECONDS)),
        "history": History(lambda value: wire.unframe(value)[1], declared["history"].partitions, latency_seconds),
        "events": EventRows(schemas, latency_seconds, EVENTS_SPACING_SECONDS),
        "rejected": rejected(decoder(declared["rejected"].value), latency_seconds),
        "incidents": incidents(decoder(declared["incidents"].value), latency_seconds),
    }


def main() -> int:
    trouble: list[str | None] = ["starting"]
    try:
        settings = read(SinkSettings)
        configure("sink", settings.log_level)
        crash_point.arm(settings.crash_at)
        status = serve_status(settings.http_port, lambda: trouble[0]) if settings.http_port else None
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    registry = Registry(settings.registry, settings.home / "schemas")
    store = ClickHouseStore(settings.clickhouse, settings.clickhouse_database, client="packtrace-sink")
    try:
        _wait_for_tables(store, stopping, trouble)
        if not stopping.is_set():
            _run(settings, registry, store, stopping, trouble)
    except PacktraceError as error:
        log.error("stopped", reason=str(error))
        return 1
    finally:
        store.close()
        registry.close()
        if status is not None:
            status.close()
    log.info("drained")
    return 0


def _run(settings: SinkSettings, registry: Registry, store: HistoryStore, stopping: threading.Event, trouble: list[str | None]) -> None:
    reader = KafkaReader(settings.kafka, GROUP, client="sink", instance=settings.instance, fetch_bytes_min=FETCH_BYTES_MIN)
    try:
        sink = Sink(
            reader,
            store,
            tables(registry, settings.sink_idle_seconds),
            clock=time.monotonic,
            fresh_generation=lambda: secrets.randbits(40),
            limits=Limits(block_rows_max=settings.sink_block_rows, poison_kills=settings.sink_poison_kills),
            noticed=Told(),
            pass_point=crash_point.crash_point,
            set_aside=lambda record, kills: set_aside(settings.kafka, registry, record, kills),
        )
        sink.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS_MAX, 50, 100)
        log.info("started")
        while not stopping.is_set():
            sink.step()
            trouble[0] = sink.trouble
        sink.drain()
    finally:
        reader.close()


def set_aside(kafka: str, schemas: Schemas, record: LogRecord, kills: int) -> None:
    """Its bytes and its place go to ``rejected``; written again by whoever reads it again, it is the same one.

    Raises:
        UnavailableError: the broker or the registry is away.
    """
    log.error("poison", record=f"{record.topic}/{record.partition}/{record.offset}", processes_ended=kills)
    error = RejectedError(Reject.POISON, "", "a record that can be stored", f"one at which {kills} processes ended")
    row = rejected_record.rejected(
        record.topic, record.partition, record.offset, record.log_time, error, key=record.key, value=record.value
    )
    writer = KafkaWriter(kafka, client="sink")
    try:
        writer.write("rejected", wire.frame(schemas.schema_id("rejected"), rejected_record.encode(row)), key=record.key)
        writer.flush(FLUSH_SECONDS)
    finally:
        writer.close()


def _wait_for_tables(store: HistoryStore, stopping: threading.Event, trouble: list[str | None]) -> None:
    """Return once the database is up to date; raises RefusedError where it lacks a migration."""
    while not stopping.is_set():
        try:
            missing = pending(store)
        except UnavailableError as error:
            trouble[0] = str(error)
            log.warning("dependency_away", reason=str(error))
            stopping.wait(CLICKHOUSE_WAIT_SECONDS)
            continue
        if missing:
            raise RefusedError(f"the database lacks {missing[0].name}; run packtrace migrate")
        return


if __name__ == "__main__":
    sys.exit(main())

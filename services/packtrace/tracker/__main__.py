"""The process: wires Kafka, the registry and Redis to ``shell`` and runs until SIGTERM."""

from __future__ import annotations

import gc
import signal
import sys
import threading

from packtrace.adapters import crash_point
from packtrace.adapters.http_status import serve_status
from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.adapters.redis_state import RedisStateStore
from packtrace.adapters.registry import Registry
from packtrace.codec import wire
from packtrace.contracts import topics
from packtrace.errors import PacktraceError, UnavailableError
from packtrace.settings import TrackerSettings, read
from packtrace.telemetry import configure, log
from packtrace.tracker.shell import Tracker, Wire

GROUP = "packtrace-tracker"
PARTITION_BYTES_MAX = 256 * 1024
"""Of one answer of the broker: waves are folded whole, so partitions are to come side by side."""
REGISTRY_WAIT_SECONDS = 1.0
YOUNG_OBJECTS_MAX = 200_000
"""Items hold no cycles: the collector looks rarely, and not at what the start made."""


def main() -> int:
    trouble: list[str | None] = ["starting"]
    tracker: Tracker | None = None
    try:
        settings = read(TrackerSettings)
        configure("tracker", settings.log_level)
        crash_point.arm(settings.crash_at)
        status = (
            serve_status(settings.http_port, lambda: tracker.trouble if tracker is not None else trouble[0]) if settings.http_port else None
        )
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    registry = Registry(settings.registry, settings.home / "schemas")
    try:
        ids = _schema_ids(registry, stopping, trouble)
        if stopping.is_set():
            return 0
        declared = topics()
        tracker = Tracker(
            KafkaReader(settings.kafka, GROUP, client="tracker", instance=settings.instance, partition_bytes_max=PARTITION_BYTES_MAX),
            lambda: KafkaWriter(settings.kafka, client="tracker"),
            RedisStateStore(settings.redis),
            Wire(lambda topic, body: wire.frame(ids[topic], body), lambda value: wire.unframe(value)[1]),
            partitions=declared["ops"].partitions,
            history_partitions=declared["history"].partitions,
            records_max=settings.tracker_batch_records,
            items_max=settings.tracker_items_cached_max,
        )
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS_MAX, 50, 100)
        log.info("started")
        tracker.run(stopping.is_set)
    except PacktraceError as error:
        log.error("stopped", reason=str(error))
        return 1
    finally:
        registry.close()
        if status is not None:
            status.close()
    log.info("drained")
    return 0


def _schema_ids(registry: Registry, stopping: threading.Event, trouble: list[str | None]) -> dict[str, int]:
    """The ids of what the tracker writes; waits for the registry where nothing is remembered."""
    while not stopping.is_set():
        try:
            return {topic: registry.schema_id(topic) for topic in ("ops", "history", "alerts")}
        except UnavailableError as error:
            trouble[0] = str(error)
            log.warning("dependency_away", reason=str(error))
            stopping.wait(REGISTRY_WAIT_SECONDS)
    return {}


if __name__ == "__main__":
    sys.exit(main())

"""The process: wires Kafka and the registry to ``shell`` and runs until SIGTERM."""

from __future__ import annotations

import gc
import signal
import sys
import threading

from packtrace.adapters import crash_point
from packtrace.adapters.http_status import serve_status
from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_admin import require_partitions
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.adapters.registry import Registry
from packtrace.contracts import topics
from packtrace.errors import PacktraceError
from packtrace.router.shell import Limits, Router
from packtrace.settings import RouterSettings, read
from packtrace.telemetry import configure, log

GROUP = "packtrace-router"
YOUNG_OBJECTS_MAX = 200_000
"""Ops hold no cycles: the collector looks rarely, and not at what the start made."""
LINGER_SECONDS = 0.01
"""A read waits this long after its first record, so that batches grow under load."""


def main() -> int:
    try:
        settings = read(RouterSettings)
        configure("router", settings.log_level)
        crash_point.arm(settings.crash_at)
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    registry = Registry(settings.registry, settings.home / "schemas")

    def open_reader() -> KafkaReader:
        require_partitions(settings.kafka, ("events", "ops"))
        return KafkaReader(settings.kafka, GROUP, client="router", linger_seconds=LINGER_SECONDS, instance=settings.instance)

    router = Router(
        open_reader,
        lambda: KafkaWriter(settings.kafka, client="router"),
        registry,
        Limits(
            settings.router_batch_records,
            settings.router_batch_bytes,
            settings.tick_seconds,
            settings.clock_margin_seconds,
            settings.router_poison_kills,
        ),
        ops_partitions=topics()["ops"].partitions,
        event_partitions=topics()["events"].partitions,
    )
    try:
        status = serve_status(settings.http_port, router.ready) if settings.http_port else None
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, 50, 100)
    try:
        log.info("started")
        router.run(stopping.is_set)
    except PacktraceError as error:
        log.error("stopped", reason=str(error))
        return 1
    finally:
        registry.close()
        if status is not None:
            status.close()
    log.info("drained")
    return 0


if __name__ == "__main__":
    sys.exit(main())

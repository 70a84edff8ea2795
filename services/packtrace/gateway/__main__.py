"""The process: wires Kafka, the registry and the routes, listens on loopback, drains on SIGTERM."""

from __future__ import annotations

import gc
import ipaddress
import signal
import socket
import sys
import threading
import time
import uuid

import uvicorn

from packtrace.adapters import crash_point
from packtrace.adapters.http_status import status_routes
from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.adapters.registry import Registry
from packtrace.codec.epcis.limits import Limits
from packtrace.errors import PacktraceError, RefusedError, UnavailableError
from packtrace.gateway.admission import EVENTS, REJECTED
from packtrace.gateway.app import create_app
from packtrace.gateway.body import BodyLimits, BodyReader
from packtrace.gateway.captures import Captures
from packtrace.gateway.connection import with_header_timeout
from packtrace.gateway.epcis_intake import EpcisIntake
from packtrace.gateway.intake import Codec, Intake, codec
from packtrace.gateway.known import REFERENCE, KnownReference
from packtrace.gateway.publisher import Publisher
from packtrace.gateway.receipts import Receipts
from packtrace.ports import TopicPartition
from packtrace.settings import GatewaySettings, read
from packtrace.telemetry import configure, log

GROUP = "packtrace-gateway"
"""Of the reader that asks whether the broker is there; it never joins."""
CONNECTIONS_MAX = 1_000
DRAIN_SECONDS_MAX = 8
LINGER_MILLISECONDS = 1
YOUNG_OBJECTS_MAX = 50_000
"""Objects between two looks of the garbage collector: the events of a document make no circles, and looking at them took 10 %."""


class Schemas:
    """The encoders, once the registry has told the schema ids."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._codec: Codec | None = None

    def codec(self) -> Codec:
        """Raises UnavailableError until they are known."""
        with self._lock:
            if self._codec is None:
                self._codec = codec(*map(self._registry.schema_id, (EVENTS, REJECTED, REFERENCE)))
            return self._codec


def refuse_open_bind(host: str) -> None:
    """Only loopback, because nothing here asks who is calling.

    Raises:
        RefusedError: any other address.
    """
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise RefusedError(
            f"PACKTRACE_GATEWAY_HOST: expected a loopback address such as 127.0.0.1, because the gateway has no authentication, found {host!r}; "
            "put a proxy that authenticates in front of it"
        )


def main() -> int:
    try:
        settings = read(GatewaySettings)
        refuse_open_bind(settings.gateway_host)
        configure("gateway", settings.log_level)
        crash_point.arm(settings.crash_at)
        listening = _listen(settings.gateway_host, settings.gateway_port)
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with listening:
        return _serve(settings, listening)


def _now() -> int:
    return time.time_ns() // 1000


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise RefusedError(f"port {port} on {host} cannot be used: {error.strerror or error}") from error


def _serve(settings: GatewaySettings, listening: socket.socket) -> int:
    registry = Registry(settings.registry, settings.home / "schemas")
    schemas = Schemas(registry)
    reader = KafkaReader(settings.kafka, GROUP, client="gateway")

    def probe() -> None:
        schemas.codec()
        reader.watermarks(TopicPartition(EVENTS, 0))

    failed = threading.Event()

    def stop() -> None:
        failed.set()
        server.should_exit = True

    publisher = Publisher(lambda: KafkaWriter(settings.kafka, client="gateway", linger_milliseconds=LINGER_MILLISECONDS), probe, stop)
    receipts = Receipts(settings.home / "gateway" / "captures.sqlite", settings.gateway_captures)
    intake = Intake(publisher, receipts, schemas.codec, _now, settings.gateway_events)
    known = KnownReference(lambda: KafkaReader(settings.kafka, f"{GROUP}-reference-{uuid.uuid4().hex[:12]}", client="gateway-reference"))
    captures = Captures(EpcisIntake(publisher, known, Limits(events_max=settings.gateway_events)), intake, receipts, _now)
    limits = BodyLimits(bytes_max=settings.gateway_body_bytes, timeout_seconds=settings.gateway_body_seconds)
    bodies = BodyReader(limits, settings.home / "gateway" / "bodies")
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(intake, captures, receipts, bodies, status_routes(publisher.trouble)),
            http=with_header_timeout(settings.gateway_header_seconds),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn drains on its own handlers, then raises the signal again for ours
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 100)
    log.info("started", address=f"{settings.gateway_host}:{settings.gateway_port}")
    try:
        server.run(sockets=[listening])
    except UnavailableError as error:
        log.error("stopped", reason=str(error))
        return 1
    finally:
        publisher.close()
        known.close()
        receipts.close()
        reader.close()
        registry.close()
    log.info("drained")
    return 1 if failed.is_set() else 0


if __name__ == "__main__":
    sys.exit(main())

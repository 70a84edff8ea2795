"""The process: wires Redis, ClickHouse and the log's positions to the routes, listens on loopback, drains on SIGTERM."""

from __future__ import annotations

import signal
import socket
import sys
import time

import uvicorn

from packtrace.adapters import crash_point
from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.http_status import status_routes
from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.redis_reader import RedisReader
from packtrace.codec.state import unpack
from packtrace.contracts import topics
from packtrace.errors import PacktraceError, RefusedError
from packtrace.query.answers import Answers
from packtrace.query.app import Epcis, create_app
from packtrace.query.archive import Archive
from packtrace.query.deliver import TIMEOUT_SECONDS, Deliverer
from packtrace.query.epcis import EpcisArchive
from packtrace.query.follow import Follow
from packtrace.query.interface import Interface
from packtrace.query.live import Live
from packtrace.query.named import Named
from packtrace.query.past import Past
from packtrace.query.reach import Reach, of_setting
from packtrace.query.shipments import Shipments
from packtrace.query.watcher import STORED_TOPICS, Watcher
from packtrace.settings import QuerySettings, read
from packtrace.telemetry import configure, log

HOST = "127.0.0.1"
SINK_GROUP = "packtrace-sink"
CONNECTIONS_MAX = 1_000
DRAIN_SECONDS_MAX = 8

QUERY_SETTINGS = {"max_execution_time": 10, "max_memory_usage": 2_000_000_000, "max_result_rows": 2_000_000}
"""Of one SELECT: seconds, bytes, rows. A question beyond them gets an error, the others go on."""
QUERY_TIMEOUT_SECONDS = 15


def main() -> int:
    try:
        settings = read(QuerySettings)
        reach = of_setting(settings.query_subscribers)
        configure("query", settings.log_level)
        crash_point.arm(settings.crash_at)
        listening = _listen(settings.query_port)
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with listening:
        return _serve(settings, listening, reach)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=1024)
    except OSError as error:
        raise RefusedError(f"port {port} on {HOST} cannot be used: {error.strerror or error}") from error


def _now() -> int:
    return time.time_ns() // 1000


def _serve(settings: QuerySettings, listening: socket.socket, reach: Reach) -> int:
    declared = topics()
    store = RedisReader(settings.redis)
    history = ClickHouseStore(
        settings.clickhouse,
        settings.clickhouse_database,
        timeout_seconds=QUERY_TIMEOUT_SECONDS,
        query_settings=QUERY_SETTINGS,
        client="packtrace-query",
    )
    admin = KafkaAdmin(settings.kafka)
    live = Live(store, declared["ops"].partitions, declared["events"].partitions, unpack, time.monotonic)
    watcher = Watcher(live.reached, lambda: admin.end_offsets(STORED_TOPICS), lambda: admin.committed(SINK_GROUP, STORED_TOPICS))
    answers = Answers(live, Archive(history.query), lambda: watcher.history_reached, settings.query_rows)
    archive = EpcisArchive(history.query)
    shipments = Shipments(archive, Past(Archive(history.query)), live.reference)
    named = Named(settings.home / "query" / "queries.sqlite")
    follow = Follow(archive, declared["events"].partitions, lambda: watcher.history_reached)
    deliverer = Deliverer(named, follow, _now, reach.client(TIMEOUT_SECONDS))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(answers, status_routes(lambda: watcher.trouble), Epcis(Interface(archive, named, _now, shipments, reach), follow)),
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
    watcher.start()
    deliverer.start()
    log.info("started", address=f"{HOST}:{settings.query_port}")
    try:
        server.run(sockets=[listening])
    finally:
        deliverer.stop()
        watcher.stop()
        named.close()
        admin.close()
        history.close()
        store.close()
    log.info("drained")
    return 0


if __name__ == "__main__":
    sys.exit(main())

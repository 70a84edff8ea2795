"""A small works on real servers: router, tracker and sink as processes that a test kills, a story to publish, and the checker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import migrate
from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.kafka_scan import KafkaScan
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.adapters.redis_state import RedisStateStore
from packtrace.adapters.registry import register_all
from packtrace.cli.positions import ROUTER_GROUP, SINK_GROUP, LivePositions
from packtrace.cli.settled import POLL_SECONDS, Waiter
from packtrace.codec import event_avro, reference_record, wire
from packtrace.codec.event_json import raw_from_json
from packtrace.codec.reference_record import ReferenceRecord
from packtrace.contracts import folder, topics
from packtrace.domain.reference import parse_file
from packtrace.embedded.child import start_child
from packtrace.errors import UnavailableError
from packtrace.proof.check import INVARIANTS, Site, check
from tests.crash import planted as planted_service
from tests.crash.planted import VARIABLE
from tests.servers import Servers, free_port

SERVICES = ("router", "tracker", "sink")
THROWN_OUT = "a process that is started again joins anew"
KILLED = 137
SETTLE_SECONDS = 90.0
READY_SECONDS = 60.0
STORIES_MAX = 20
STORY_SECONDS = 2.0
DOCKS = ("9506000100005", "9506000200002")


class Works:
    """``start`` the services, ``publish`` stories, hurt something, then ``assert_nothing_lost_or_twice``."""

    def __init__(self, home: Path, servers: Servers, proxied: tuple[int, int]) -> None:
        self.home = home
        self.proxied = proxied
        self.servers = servers
        self.kafka, self.registry = servers.address("kafka"), servers.address("registry")
        self.redis, self.clickhouse = servers.address("valkey"), servers.address("clickhouse")
        KafkaAdmin(self.kafka).create_topics()
        self.ids = register_all(self.registry)
        migrate(self.clickhouse)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts: list[str] = []
        self.ports: dict[str, int] = {}
        self.through: dict[str, str] = {}
        """Settings of every service started from now on: other addresses of the servers."""
        self.stories = 0
        self.load((folder() / "examples/reference.json").read_bytes())

    # --- processes

    def start(self, *names: str, instance: str = "", planted: Mapping[str, object] | None = None, **settings: str) -> None:
        """Start services, e.g. ``start("sink", crash_at="sink.after_insert")``; ``instance`` is a second one of its kind; ``planted``
        is what ``planted`` describes. Returns when they answer; one that is to crash is not waited for."""
        ports = {name: free_port() for name in names}
        for name in names:
            environment = {key: value for key, value in os.environ.items() if not key.startswith("PACKTRACE_")} | {
                "PACKTRACE_HOME": str(self.home),
                "PACKTRACE_KAFKA": self.kafka,
                "PACKTRACE_REGISTRY": self.registry,
                "PACKTRACE_INSTANCE": f"{name}-{instance or 1}",
                "PACKTRACE_HTTP_PORT": str(ports[name]),
                "PACKTRACE_QUERY_PORT": str(ports[name]),
                "PACKTRACE_TICK_SECONDS": "0.25",
                "PACKTRACE_SINK_IDLE_SECONDS": "0.05",
                "PACKTRACE_ROUTER_BATCH_RECORDS": "9",
                "PACKTRACE_TRACKER_BATCH_RECORDS": "16",
                "PACKTRACE_REDIS": self.redis,
                "PACKTRACE_CLICKHOUSE": self.clickhouse,
            }
            environment |= {f"PACKTRACE_{key.upper()}": value for key, value in (self.through | settings).items()}
            module = [f"packtrace.{name}"]
            if planted is not None:
                environment |= {VARIABLE: json.dumps(planted), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
                module = [planted_service.__name__, name]
            with (self.home / f"{name}{instance}.log").open("ab") as log:
                self.running[name + instance] = start_child([sys.executable, "-m", *module], environment, log)
        self.ports |= {name + instance: port for name, port in ports.items()}
        if "crash_at" not in settings and "fatal" not in (planted or {}):
            for name in names:
                self._until_it_answers(name + instance, ports[name])

    def _until_it_answers(self, name: str, port: int) -> None:
        """One that answers questions must have what it answers from."""
        end = time.monotonic() + READY_SECONDS
        path = "readyz" if name == "query" else "healthz"
        while time.monotonic() < end and self.lives(name):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5):
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} does not answer: {self.log(name)}")

    def command(self, *words: str) -> list[dict[str, Any]]:
        """The JSON lines of ``packtrace <words> --json``, which speaks to a query service started before."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PACKTRACE_")} | {
            "PACKTRACE_KAFKA": self.kafka,
            "PACKTRACE_REGISTRY": self.registry,
            "PACKTRACE_REDIS": self.redis,
            "PACKTRACE_CLICKHOUSE": self.clickhouse,
            "PACKTRACE_QUERY": f"http://127.0.0.1:{self.ports['query']}",
        }
        done = subprocess.run(
            [sys.executable, "-m", "packtrace.cli", *words, "--home", str(self.home), "--json"],
            env=environment, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ended(self, name: str, seconds: float = 40) -> int:
        """The exit code of one that ends by itself."""
        code = self.running[name].wait(seconds)
        del self.running[name]
        return code

    def lives(self, name: str) -> bool:
        return self.running[name].poll() is None

    def stop(self, *names: str) -> None:
        """SIGTERM; each must drain and answer 0 in 10 s."""
        for name in names:
            self.running[name].send_signal(signal.SIGTERM)
        for name in names:
            assert self.running[name].wait(10) == 0, self.log(name)
            del self.running[name]

    def signal(self, name: str, number: int) -> None:
        self.running[name].send_signal(number)

    def keep(self) -> None:
        """Start those again, as every supervisor does, that ended because the broker had given their name to a new member: its own
        silence may have been longer than the session timeout."""
        for name in [name for name in SERVICES if name in self.running and not self.lives(name)]:
            if THROWN_OUT in self.log(name, 3):
                del self.running[name]
                self.restarts.append(name)
                self.start(name)

    def end(self) -> None:
        """Every process, however it is; they are started again by the next test."""
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(10)
        self.running.clear()

    def log(self, name: str, lines: int = 12) -> str:
        """The last lines that a service logged."""
        path = self.home / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def server_pid(self, name: str) -> int:
        """The process of a server, which is started again when it ends."""
        return self.servers.pid(name)

    # --- what goes in

    def load(self, reference: bytes) -> None:
        """A file of reference data."""
        writer = KafkaWriter(self.kafka)
        for change in parse_file(reference):
            body = reference_record.encode(ReferenceRecord(change, 1))
            writer.write("reference", wire.frame(self.ids["reference-value"], body), key=reference_record.record_key(change))
        writer.flush(30)
        writer.close()

    def publish(self, events: Iterable[dict[str, Any] | bytes]) -> None:
        """Acknowledged when it returns; every line writes to a partition of its own choice."""
        writer = KafkaWriter(self.kafka)
        for number, event in enumerate(events):
            value = (
                event
                if isinstance(event, bytes)
                else wire.frame(self.ids["events-value"], event_avro.encode(raw_from_json(json.dumps(event))))
            )
            writer.write("events", value, partition=number % 3)
        writer.flush(60)
        writer.close()

    def publish_until_killed(self, name: str) -> None:
        """Stories, one after the other, until a crash point has ended a service."""
        for _ in range(STORIES_MAX):
            self.publish(self.story())
            with suppress(subprocess.TimeoutExpired):
                assert self.running[name].wait(STORY_SECONDS) == KILLED, self.log(name)
                del self.running[name]
                return
        raise AssertionError(f"{name} did not reach its crash point: {self.log(name)}")

    def story(self, units: int = 12) -> list[dict[str, Any] | bytes]:
        """Packs that nobody has seen yet: commissioned, packed in two cases, shipped and received, one twice commissioned, one in two
        cases, one unpacked; and two inputs that cannot be read."""
        self.stories += 1
        return story(f"R{os.getpid()}S{self.stories}", units)

    # --- what must hold

    def during(self, fault: Callable[[], None]) -> None:
        """Stories before, while and after ``fault``."""
        over = threading.Event()

        def lines() -> None:
            while not over.is_set():
                self.publish(self.story())
                over.wait(0.3)

        self.publish(self.story())
        thread = threading.Thread(target=lines)
        thread.start()
        try:
            time.sleep(0.5)
            fault()
            time.sleep(0.5)
        finally:
            over.set()
            thread.join()
        self.publish(self.story())

    def positions(self) -> LivePositions:
        """How far everybody is; the caller closes it."""
        return LivePositions(KafkaReader(self.kafka, ROUTER_GROUP), KafkaReader(self.kafka, SINK_GROUP), RedisStateStore(self.redis))

    def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        end = time.monotonic() + seconds
        while True:
            self.keep()
            positions = self.positions()
            try:
                Waiter(positions, lambda: end - time.monotonic(), time.sleep, lambda lags: None).wait()
                return
            except UnavailableError:  # a server that was hurt is still on its way back
                if time.monotonic() > end:
                    raise
                time.sleep(POLL_SECONDS)
            finally:
                positions.close()

    def assert_nothing_lost_or_twice(self, with_fold: bool = True) -> None:
        history = ClickHouseStore(self.clickhouse, timeout_seconds=600)
        scan, store = KafkaScan(self.kafka), RedisStateStore(self.redis)
        declared = topics()
        site = Site(store, history, scan, declared["ops"].partitions, declared["events"].partitions)
        try:
            verdicts = list(check(site, self.settle, with_fold=with_fold))
        finally:
            scan.close()
            store.close()
            history.close()
        wrong = {verdict.invariant: verdict.differences for verdict in verdicts if verdict.differences}
        assert not wrong, f"{wrong}\n" + "\n".join(self.log(name) for name in SERVICES)
        assert [verdict.invariant for verdict in verdicts if not verdict.skipped] == list(INVARIANTS)[: 9 if with_fold else 5]


def story(run: str, units: int) -> list[dict[str, Any] | bytes]:
    """See ``Works.story``."""
    begun = datetime.now(UTC) - timedelta(minutes=30)
    packs = [f"https://id.gs1.org/01/09506000134352/21/{run}U{number}" for number in range(units)]
    cases = [f"https://id.gs1.org/01/19506000134359/21/{run}C{number}" for number in range(2)]
    events: list[dict[str, Any] | bytes] = []

    def add(minute: int, type: str, action: str, step: str, **fields: Any) -> None:
        time = (begun + timedelta(minutes=minute, milliseconds=len(events))).isoformat().replace("+00:00", "Z")
        place = {"place": DOCKS[0], "read_point": DOCKS[0]}
        row = {"id": f"{run}/{len(events)}", "type": type, "action": action, "event_time": time, "biz_step": step}
        events.append(row | place | fields)

    def pack(minute: int, case: str, children: Sequence[str], action: str = "ADD", step: str = "packing") -> None:
        add(minute, "aggregation", action, step, parent=case, children=list(children))

    half = units // 2
    pack(4, cases[0], packs[:half])
    for one in (*packs, *cases):
        add(1, "object", "ADD", "commissioning", epcs=[one], lot="L7", expiry="2028-05-31")
    events.append(f"not a record {run}".encode())
    pack(5, cases[1], packs[half:])
    pack(6, cases[1], packs[:1])
    add(7, "object", "ADD", "commissioning", epcs=packs[1:2], lot="L7", expiry="2028-05-31")
    pack(8, cases[1], packs[-1:], "DELETE", "unpacking")
    add(9, "object", "OBSERVE", "shipping", epcs=cases, destination_place=DOCKS[1])
    add(12, "object", "OBSERVE", "receiving", epcs=cases, place=DOCKS[1], read_point=DOCKS[1])
    events.append(wire.frame(4711, run.encode()))
    return events

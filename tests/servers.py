"""The real servers of the contract suites: embedded ones by default, containers where asked for. Each starts once, lazily."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from packtrace.embedded.kafka import kafka_part
from packtrace.embedded.keeper import Keeper
from packtrace.embedded.part import Part
from packtrace.embedded.plan import clickhouse_part
from packtrace.embedded.registry import PATH, registry_part
from packtrace.embedded.valkey import valkey_part

READY_SECONDS_MAX = 120.0

# fmt: off
IMAGES = {
    #  server       image (the same as in deploy/compose.yaml)            port
    "kafka":       ("apache/kafka:4.1.0",                                 9092),
    "registry":    ("apicurio/apicurio-registry-mem:2.6.13.Final",        8080),
    "valkey":      ("valkey/valkey:9.1",                                  6379),
    "clickhouse":  ("clickhouse/clickhouse-server:26.9",                  8123),
}
# fmt: on


_keepers: list[Keeper] = []


def keeps_servers() -> bool:
    """Whether this thread is one that probes and restarts a server, whatever test runs beside it."""
    thread = threading.current_thread()
    return any(keeper._thread is thread for keeper in _keepers)


def free_port() -> int:
    """A port free at this moment; a server that loses the race says so and the test fails loudly."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Servers:
    """Starts what is asked for, stops all of it at the end."""

    def __init__(self, home: Path, kind: str, proxied: tuple[int, int] | None = None) -> None:
        """``proxied``: (port, port told to clients) of one more listener of Kafka, for a proxy between them."""
        self._home = home
        self._kind = kind
        self._proxied = proxied
        self._addresses: dict[str, str] = {}
        self._stack = ExitStack()
        self._keepers: dict[str, Keeper] = {}

    def address(self, name: str) -> str:
        """Where ``kafka``, ``registry``, ``valkey`` or ``clickhouse`` listens."""
        if name not in self._addresses:
            start = self._start_container if self._kind == "docker" else self._start_embedded
            self._addresses[name] = start(name)
        return self._addresses[name]

    def pid(self, name: str) -> int:
        """The process of an embedded server; it is started again when it ends."""
        return self._keepers[name].state.pid

    def stop(self) -> None:
        self._stack.close()

    def _start_embedded(self, name: str) -> str:
        port = free_port()
        makers: dict[str, Callable[[], Part]] = {
            "kafka": lambda: self._with_proxied(kafka_part(self._home, port, free_port(), print)),
            "registry": lambda: registry_part(self._home, port, print),
            "valkey": lambda: valkey_part(self._home, port),
            "clickhouse": lambda: clickhouse_part(self._home, port),
        }
        part = makers[name]()
        logs = self._home / "logs"
        logs.mkdir(exist_ok=True)
        changed = threading.Event()
        keeper = Keeper(part, logs, changed.set)
        _keepers.append(keeper)
        self._keepers[name] = keeper
        keeper.start()

        def stop() -> None:
            keeper.stop()
            keeper.join()

        self._stack.callback(stop)
        end = time.monotonic() + READY_SECONDS_MAX
        while keeper.state.state != "ready":
            if time.monotonic() > end:
                raise RuntimeError(f"{name} was not ready: {keeper.state.reason}; {keeper.log.tail(5)}")
            changed.wait(0.2)
            changed.clear()
        return part.address

    def _with_proxied(self, part: Part) -> Part:
        """A client is told the address of the listener that it came by: a proxy needs one of its own."""
        if self._proxied is None:
            return part
        listens, told = self._proxied
        configuration = Path(part.command[-1])

        def prepare() -> None:
            part.prepare()
            lines = configuration.read_text(encoding="utf-8").splitlines()
            more = {"listeners=": f",PROXIED://127.0.0.1:{listens}", "advertised.listeners=": f",PROXIED://127.0.0.1:{told}"}
            lines = [line + next((value for name, value in more.items() if line.startswith(name)), "") for line in lines]
            names = ",".join(f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", "PROXIED"))
            configuration.write_text("\n".join([*lines, f"listener.security.protocol.map={names}", ""]), encoding="utf-8")

        return part._replace(prepare=prepare)

    def _start_container(self, name: str) -> str:
        """With testcontainers; a Docker engine that does not answer fails the test, it is never skipped."""
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.waiting_utils import wait_for_logs

        image, port = IMAGES[name]
        container = DockerContainer(image)
        if name == "kafka":
            outside = free_port()
            container = container.with_bind_ports(port, outside)
            for variable, value in _KAFKA_IN_A_CONTAINER.items():
                container = container.with_env(variable, value.format(outside=outside))
        else:
            container = container.with_exposed_ports(port)
        if name == "clickhouse":
            container = container.with_env("CLICKHOUSE_SKIP_USER_SETUP", "1")
        container.start()
        self._stack.callback(container.stop)
        wait_for_logs(container, _READY_LINE[name], timeout=READY_SECONDS_MAX)
        at = f"127.0.0.1:{container.get_exposed_port(port)}"
        return {"kafka": at, "registry": f"http://{at}{PATH}", "valkey": f"redis://{at}", "clickhouse": f"http://{at}"}[name]


_READY_LINE = {
    "kafka": "Kafka Server started",
    "registry": "Installed features",
    "valkey": "Ready to accept connections",
    "clickhouse": "Starting clickhouse-server|Ready for connections|Processing configuration",
}
_KAFKA_IN_A_CONTAINER = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://127.0.0.1:{outside}",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_MESSAGE_MAX_BYTES": "16777216",
}

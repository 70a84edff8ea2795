"""Which processes a stack has, on which ports, in which order."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from packtrace import settings
from packtrace.embedded.downloads import Progress
from packtrace.embedded.kafka import kafka_part
from packtrace.embedded.part import Part, http_probe
from packtrace.embedded.registry import registry_part
from packtrace.embedded.valkey import valkey_part
from packtrace.errors import RefusedError

BASE_PORT = 19000

# fmt: off
PORTS = {
    #  for            base +
    "kafka":          92,
    "kafka controller": 93,
    "registry":       81,
    "valkey":         79,
    "clickhouse":     23,
    "gateway":        80,
    "query":          90,
    "router":         101,
    "tracker":        102,
    "sink":           103,
    "watch":          104,
    **{f"tracker-{number}": 103 + number for number in range(2, 17)},
}
# fmt: on
SERVERS = ("kafka", "registry", "valkey", "clickhouse")
SERVICES = ("router", "tracker", "sink", "watch", "query", "gateway")
"""Those with a port of their own only for /healthz /readyz /metrics: all but query and gateway."""


class Addresses(NamedTuple):
    """Where everything of one stack listens."""

    kafka: str
    registry: str
    redis: str
    clickhouse: str
    gateway: str
    query: str


def ports(base_port: int) -> dict[str, int]:
    return {name: base_port + offset for name, offset in PORTS.items()}


def addresses(base_port: int) -> Addresses:
    at = ports(base_port)
    return Addresses(
        kafka=f"127.0.0.1:{at['kafka']}",
        registry=f"http://127.0.0.1:{at['registry']}/apis/ccompat/v7",
        redis=f"redis://127.0.0.1:{at['valkey']}",
        clickhouse=f"http://127.0.0.1:{at['clickhouse']}",
        gateway=f"http://127.0.0.1:{at['gateway']}",
        query=f"http://127.0.0.1:{at['query']}",
    )


def servers(home: Path, base_port: int, progress: Progress) -> list[Part]:
    """The four servers; fetches what is not on the machine yet.

    Raises:
        RefusedError: Java, Maven or a server binary is missing.
    """
    at = ports(base_port)
    return [
        kafka_part(home, at["kafka"], at["kafka controller"], progress),
        registry_part(home, at["registry"], progress),
        valkey_part(home, at["valkey"]),
        clickhouse_part(home, at["clickhouse"]),
    ]


def clickhouse_part(home: Path, port: int) -> Part:
    return Part(
        name="clickhouse",
        command=(sys.executable, "-m", "packtrace.embedded.clickhouse", "--folder", str(home / "clickhouse"), "--port", str(port)),
        address=f"http://127.0.0.1:{port}",
        probe=http_probe(f"http://127.0.0.1:{port}/ping"),
    )


def services(home: Path, base_port: int, given: Mapping[str, str]) -> list[Part]:
    """Our own processes, each told its addresses by its environment; ``given``: that of ``packtrace up``."""
    trackers = settings.read(settings.StackSettings, given).trackers
    more = [f"tracker-{number}" for number in range(2, trackers + 1)]
    return [_service(name, home, base_port, given) for name in (*SERVICES, *more)]


def service_of(part: str) -> str:
    """Which service a part is one process of: ``tracker`` of ``tracker-2``."""
    return part.partition("-")[0]


def environment(home: Path, base_port: int, given: Mapping[str, str]) -> dict[str, str]:
    """What every process of the stack is told, names as in ``settings``: limits as ``given``, addresses always this stack's."""
    where = addresses(base_port)
    return dict(given) | {
        "PACKTRACE_HOME": str(home),
        "PACKTRACE_KAFKA": where.kafka,
        "PACKTRACE_REGISTRY": where.registry,
        "PACKTRACE_REDIS": where.redis,
        "PACKTRACE_CLICKHOUSE": where.clickhouse,
        "PACKTRACE_GATEWAY": where.gateway,
        "PACKTRACE_QUERY": where.query,
        "PACKTRACE_HTTP_PORT": "0",
    }


def _service(name: str, home: Path, base_port: int, given: Mapping[str, str]) -> Part:
    port = ports(base_port)[name]
    own = {"gateway": "PACKTRACE_GATEWAY_PORT", "query": "PACKTRACE_QUERY_PORT"}.get(name, "PACKTRACE_HTTP_PORT")
    return Part(
        name=name,
        command=(sys.executable, "-m", f"packtrace.{service_of(name)}"),
        address=f"http://127.0.0.1:{port}",
        probe=http_probe(f"http://127.0.0.1:{port}/readyz"),
        environment=environment(home, base_port, given) | {own: str(port), "PACKTRACE_INSTANCE": name if "-" in name else f"{name}-1"},
    )


def refuse_taken_ports(base_port: int) -> None:
    """Raises RefusedError naming every port that is taken, for what it is wanted and by whom it is held."""
    taken = []
    for name, port in ports(base_port).items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                taken.append(f"{port} ({name}){_holder(port)}")
    if taken:
        raise RefusedError(f"ports that packtrace needs are taken: {', '.join(taken)}; free them or choose others with --base-port")


def _holder(port: int) -> str:
    """ " by pid N (name)", as far as /proc says."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        inodes |= {row.split()[9] for row in rows if int(row.split()[1].rsplit(":", 1)[1], 16) == port and row.split()[3] == "0A"}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(f"socket:[{inode}]" == str(link.readlink()) for link in (folder / "fd").iterdir() for inode in inodes):
                return f" by pid {folder.name} ({(folder / 'comm').read_text(encoding='utf-8').strip()})"
        except OSError:
            continue
    return ""

"""What all tests share: the servers of marked tests, and the guard that keeps unmarked tests away from any server."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.servers import Servers, keeps_servers

NEEDS_SERVERS = ("contract", "pipeline", "crash", "bench")
SERVER_FIXTURES = frozenset({"kafka_server", "registry_server", "valkey_server", "clickhouse_server", "system"})

# in CI the same examples every time: a red run says something about the change, and `make soak` looks for new ones
settings.register_profile(
    "packtrace",
    deadline=None,
    max_examples=int(os.environ.pop("PACKTRACE_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
settings.load_profile("packtrace")


KINDS = ("embedded", "docker")
CHOSEN = os.environ.pop("PACKTRACE_TEST_SERVERS", "embedded")
"""Taken out of the environment: it is no setting of packtrace, whose processes would refuse it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--servers", choices=KINDS, default=CHOSEN,
        help="contract suites on the embedded servers or on containers; also PACKTRACE_TEST_SERVERS",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--servers") not in KINDS:
        raise pytest.UsageError(f"PACKTRACE_TEST_SERVERS: expected {' or '.join(KINDS)}, found {CHOSEN!r}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs servers comes last: they start when everything else has been tested."""
    items.sort(key=_may_reach_out)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: those of the session would start a server ahead of the guard."""
    asked = sorted(SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ())))
    if asked and not _may_reach_out(item):
        raise UnmarkedTestReachesOutError(f"{', '.join(asked)}: mark the test {' or '.join(NEEDS_SERVERS)}")


def _may_reach_out(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(mark) is not None for mark in NEEDS_SERVERS)


class UnmarkedTestReachesOutError(Exception):
    """An unmarked test started a process or connected somewhere: mark it, or take the server out of it."""


@pytest.fixture(autouse=True)
def _guard(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if _may_reach_out(request.node):
        return
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _refused(getattr(socket.socket, name)))
    if not request.node.nodeid.startswith("tests/house/"):  # those start the tools of ``make check``
        monkeypatch.setattr(subprocess, "Popen", _refused_process)


def _refused(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    """``connect``, for the threads alone that keep the servers of other tests alive."""

    def connect_or_refuse(self: socket.socket, address: Any) -> Any:
        if keeps_servers():
            return connect(self, address)
        raise UnmarkedTestReachesOutError(f"connect to {address}")

    return connect_or_refuse


class _refused_process(subprocess.Popen):  # type: ignore[type-arg]
    def __init__(self, *words: Any, **named: Any) -> None:
        if not keeps_servers():
            raise UnmarkedTestReachesOutError(f"start {words[0] if words else named.get('args')}")
        super().__init__(*words, **named)


@pytest.fixture(scope="session")
def _servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory.mktemp("servers"), request.config.getoption("--servers"))
    try:
        yield servers
    finally:
        servers.stop()


@pytest.fixture(scope="session")
def kafka_server(_servers: Servers) -> str:
    """Bootstrap address of a real broker."""
    return _servers.address("kafka")


@pytest.fixture(scope="session")
def registry_server(_servers: Servers) -> str:
    """Base address of a real schema registry."""
    return _servers.address("registry")


@pytest.fixture(scope="session")
def valkey_server(_servers: Servers) -> str:
    """redis:// address of a real Valkey."""
    return _servers.address("valkey")


@pytest.fixture(scope="session")
def clickhouse_server(_servers: Servers) -> str:
    """http:// address of a real ClickHouse."""
    return _servers.address("clickhouse")

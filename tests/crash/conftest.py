"""One works for all crash tests, on servers of its own: other tests write to the same topics what no service would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.links import links_of
from tests.crash.wire import Link, Wire
from tests.crash.works import SERVICES, Works
from tests.servers import Servers, free_port


@contextmanager
def made(home: Path, kind: str) -> Iterator[Works]:
    """A works on servers of its own, and nothing of it afterwards."""
    proxied = free_port(), free_port()
    servers = Servers(home, kind, proxied)
    works = None
    try:
        works = Works(home, servers, proxied)
        yield works
    finally:
        if works is not None:
            works.end()
        servers.stop()


@pytest.fixture(scope="session")
def _works(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with made(tmp_path_factory.mktemp("works"), request.config.getoption("--servers")) as works:
        yield works


@pytest.fixture(scope="session")
def links(_works: Works) -> Iterator[dict[str, Link]]:
    """A link in front of each server: ``kafka``, ``redis``, ``clickhouse``, ``registry``."""
    wire = Wire()
    try:
        yield links_of(_works, wire)
    finally:
        wire.close()


@pytest.fixture
def works(_works: Works) -> Works:
    """With every service running; what a test ended is started again."""
    for name in [name for name in _works.running if name not in SERVICES or not _works.lives(name)]:
        process = _works.running.pop(name)
        if process.poll() is None:
            process.kill()
        process.wait(10)
    _works.start(*(name for name in SERVICES if name not in _works.running))
    return _works

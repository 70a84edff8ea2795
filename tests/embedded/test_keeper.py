"""A supervised process: ready when its probe says so, back when it was killed, gone when it was stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from packtrace.embedded import plan
from packtrace.embedded.keeper import Keeper
from packtrace.embedded.part import Part, line_probe
from packtrace.embedded.state import born
from packtrace.errors import RefusedError
from tests.servers import free_port

pytestmark = pytest.mark.contract

ANSWERING = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = server.accept()
    connection.recv(4)
    connection.sendall(b"PONG")
    connection.close()
"""


def until(what: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    port = free_port()
    part = Part("ponger", (sys.executable, "-c", ANSWERING, str(port)), f"127.0.0.1:{port}", line_probe(port, b"PING", b"PONG"))
    return Keeper(part, tmp_path, lambda: None)


def test_killed_it_comes_back_and_stopped_it_is_gone(keeper: Keeper) -> None:
    keeper.start()
    try:
        until(lambda: keeper.state.state == "ready")
        first = keeper.state.pid
        os.kill(first, signal.SIGKILL)
        until(lambda: keeper.state.state == "ready" and keeper.state.pid != first)
        assert keeper.state.restarts == 1
        last = keeper.state.pid
    finally:
        keeper.stop()
        keeper.join()
    assert keeper.state.state == "stopped"
    assert born(last) == 0


def test_a_process_that_cannot_run_says_why(tmp_path: Path) -> None:
    part = Part("broken", (sys.executable, "-c", "raise SystemExit('no such luck')"), "", line_probe(free_port(), b"PING", b"PONG"))
    keeper = Keeper(part, tmp_path, lambda: None)
    keeper.start()
    try:
        until(lambda: keeper.state.restarts >= 1 and "no such luck" in keeper.state.reason)
    finally:
        keeper.stop()
        keeper.join()


def test_a_taken_port_is_named_with_its_holder() -> None:
    import socket

    base = free_port() - plan.PORTS["kafka"]
    with socket.create_server(("127.0.0.1", base + plan.PORTS["kafka"])), pytest.raises(RefusedError) as refused:
        plan.refuse_taken_ports(base)
    assert f"{base + plan.PORTS['kafka']} (kafka) by pid {os.getpid()}" in str(refused.value)

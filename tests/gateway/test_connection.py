"""Connections that dawdle over their headers are closed on the wire, and others are served meanwhile."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from packtrace.gateway.connection import with_header_timeout
from tests.gateway.asgi import Gateway

pytestmark = pytest.mark.contract

HEADER_SECONDS = 0.5
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with Gateway(tmp_path_factory.mktemp("gateway")) as gateway, socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            gateway.app, http=with_header_timeout(HEADER_SECONDS), lifespan="off", log_config=None, timeout_keep_alive=3
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        for _ in range(200):
            if server.started:
                break
            time.sleep(0.02)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.settimeout(5)
    return connection


def closed_after(connection: socket.socket) -> float:
    """Seconds until the other side closes."""
    began = time.monotonic()
    while connection.recv(65_536):
        pass
    return time.monotonic() - began


def answer(connection: socket.socket) -> bytes:
    connection.sendall(REQUEST)
    text = b""
    while not text.endswith(b"ok\n"):
        text += (received := connection.recv(65_536))
        assert received, f"closed after {text!r}"
    return text


@pytest.mark.parametrize("start", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"])
def test_headers_that_never_end_close_the_connection(port: int, start: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(start)
        assert 0.2 < closed_after(connection) < 3


def test_dripping_does_not_help(port: int) -> None:
    with connect(port) as connection:
        began = time.monotonic()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        with contextlib.suppress(OSError):
            for _ in range(100):
                connection.sendall(b"X")
                time.sleep(0.05)
        assert time.monotonic() - began < 3


def test_a_second_request_has_its_own_deadline(port: int) -> None:
    with connect(port) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 200")
        time.sleep(HEADER_SECONDS * 1.5)
        assert answer(connection).startswith(b"HTTP/1.1 200"), "a pause between requests is the keep-alive's matter"
        connection.sendall(REQUEST[:20])
        assert closed_after(connection) < 3


def test_two_hundred_slow_ones_do_not_stop_a_normal_client(port: int) -> None:
    slow = [connect(port) for _ in range(200)]
    try:
        for connection in slow:
            connection.sendall(b"POST /events HTTP/1.1\r\n")
        began = time.monotonic()
        with connect(port) as connection:
            assert answer(connection).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - began < 2
        for connection in slow:
            closed_after(connection)
        assert time.monotonic() - began < 15
    finally:
        for connection in slow:
            connection.close()

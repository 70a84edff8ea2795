"""``/healthz``, ``/readyz``, ``/metrics`` of every process: one set of answers, for a thread of its own or inside Starlette."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from packtrace.errors import RefusedError
from packtrace.telemetry import READY

REQUEST_SECONDS_MAX = 10

Ready = Callable[[], str | None]
"""Answers None when the process does its work, else one sentence why not."""


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


def answer(path: str, ready: Ready) -> Answer:
    """The answer to a GET of ``path``."""
    if path == "/healthz":
        return Answer(200, "text/plain; charset=utf-8", b"ok\n")
    if path == "/readyz":
        reason = ready()
        READY.set(reason is None)
        return Answer(200 if reason is None else 503, "text/plain; charset=utf-8", ((reason or "ready") + "\n").encode())
    if path == "/metrics":
        return Answer(200, CONTENT_TYPE_LATEST, generate_latest())
    return Answer(404, "text/plain; charset=utf-8", b"only /healthz, /readyz and /metrics are here\n")


class StatusServer:
    """The running thread; ``close`` stops it."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.port: int = server.server_address[1]
        self._thread = threading.Thread(target=server.serve_forever, name="status", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def serve_status(port: int, ready: Ready) -> StatusServer:
    """Serve on loopback from a daemon thread. ``port`` 0 takes a free one.

    Raises:
        RefusedError: the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS_MAX

        def do_GET(self) -> None:
            status, content_type, body = answer(self.path.partition("?")[0], ready)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes are not logged."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise RefusedError(f"PACKTRACE_HTTP_PORT: port {port} on 127.0.0.1 cannot be used: {error.strerror or error}") from error
    return StatusServer(server)


def status_routes(ready: Ready) -> list[Route]:
    """The same three for a Starlette application."""

    async def route(request: Request) -> Response:
        status, content_type, body = await run_in_threadpool(answer, request.url.path, ready)
        return Response(body, status, media_type=content_type)

    return [Route(path, route, methods=["GET"]) for path in ("/healthz", "/readyz", "/metrics")]

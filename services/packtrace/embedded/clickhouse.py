"""The HTTP front of the local ClickHouse: what the unmodified clickhouse-connect client needs of the HTTP interface.

Its own process, because one process may open the folder: ``python -m packtrace.embedded.clickhouse --folder DIR --port N``.
Statements and inserts, settings and bound ``param_`` values in the address, request and response compression, errors with
ClickHouse's codes and statuses. Loopback, no users. Source: ClickHouse documentation, HTTP interface.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from packtrace.embedded.clickhouse_body import BadRequestError, compressed, form, read_body
from packtrace.embedded.clickhouse_engine import Engine, EngineError, Result

CONNECTIONS_MAX = 256
REQUEST_SECONDS_MAX = 300
HOSTS = frozenset({"127.0.0.1", "localhost"})
"""A page in a browser that was led here by a name of its own is refused: there is no password."""

_TRANSPORT = frozenset(
    {
        "query", "database", "default_format", "session_id", "session_timeout", "session_check", "query_id", "quota_key", "compress",
        "decompress", "wait_end_of_query", "client_protocol_version", "role", "user", "password", "buffer_size", "stacktrace",
        "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression", "add_http_cors_header",
    }
)  # fmt: skip
# fmt: off
_STATUS = {
    401: {194},
    403: {192, 193, 497, 516},
    400: {6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676},
    404: {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511},
    408: {159},
    411: {381},
    413: {229},
    501: {48},
    503: {76, 209, 439},
}
# fmt: on
"""HTTP status -> ClickHouse error codes, as the server answers (its exceptionCodeToHTTPStatus.cpp); all others 500."""
STATUS_OF_CODE = {code: status for status, codes in _STATUS.items() for code in codes}


class Handler(BaseHTTPRequestHandler):
    """One request; the engine is set on the class by ``serve``."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = REQUEST_SECONDS_MAX
    engine: Engine

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        try:
            if self.headers.get("Host", "").rpartition(":")[0] not in HOSTS or "Origin" in self.headers:
                raise BadRequestError(
                    403, f"Host {' or '.join(sorted(HOSTS))} with the port, and no Origin: this is no server for browsers"
                )
            self._run(read_body(self.headers, self.rfile) if self.command == "POST" else b"")
        except BadRequestError as error:
            self.close_connection = True
            self._answer(error.status, f"Code: 1000. DB::Exception: expected {error}\n".encode(), {"X-ClickHouse-Exception-Code": "1000"})

    def _run(self, body: bytes) -> None:
        address = urlsplit(self.path)
        if address.path in ("/ping", "/replicas_status"):
            self._answer(200, b"Ok.\n", {})
            return
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        if self.headers.get("Content-Type", "").startswith("multipart/form-data"):
            query, body = query | form(self.headers["Content-Type"], body), b""
        headers = {
            "X-ClickHouse-Query-Id": query.get("query_id") or str(uuid.uuid4()),
            "X-ClickHouse-Server-Display-Name": "packtrace-local",
            "X-ClickHouse-Timezone": "UTC",
        }
        in_address = query.get("query", "").encode()
        statement, data = (in_address, body) if in_address else (body, b"")
        if not statement.strip():
            self._answer(200, b"Ok.\n", headers)
            return
        try:
            result = self.engine.run(
                statement,
                session=query.get("session_id", ""),
                database=query.get("database", "") or self.headers.get("X-ClickHouse-Database", ""),
                settings={name: value for name, value in query.items() if name not in _TRANSPORT and not name.startswith("param_")},
                parameters={name[6:]: value for name, value in query.items() if name.startswith("param_")},
                default_format=query.get("default_format") or self.headers.get("X-ClickHouse-Format") or "TabSeparated",
                data=data,
            )
        except EngineError as error:
            code = {"X-ClickHouse-Exception-Code": str(error.code)}
            self._answer(STATUS_OF_CODE.get(error.code, 500), f"{error}\n".encode(), headers | code)
            return
        answer, coding = compressed(result.body, self.headers.get("Accept-Encoding", ""))
        headers |= {"X-ClickHouse-Summary": _summary(result)} | ({"Content-Encoding": coding} if coding else {})
        self._answer(200, answer, headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value.replace("\r", " ").replace("\n", " "))
        self.send_header("Content-Type", "application/octet-stream" if status == 200 else "text/plain; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Statements are not logged: they carry serials."""


def _summary(result: Result) -> str:
    return json.dumps(
        {
            "read_rows": str(result.rows_read),
            "read_bytes": str(result.bytes_read),
            "written_rows": str(result.rows_written),
            "written_bytes": str(result.bytes_written),
            "total_rows_to_read": "0",
            "result_rows": str(result.rows_written),
            "result_bytes": str(len(result.body)),
            "elapsed_ns": str(int(result.seconds * 1e9)),
        }
    )


class Server(ThreadingHTTPServer):
    """Answers from one engine until ``close``; a thread per connection, at most ``CONNECTIONS_MAX``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.engine = Engine(str(folder))
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        handler = type("BoundHandler", (Handler,), {"engine": self.engine})
        super().__init__(("127.0.0.1", port), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no news; anything else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Running statements end first."""
        self.shutdown()
        self.server_close()
        self.engine.close()


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="packtrace.embedded.clickhouse", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="data folder, opened by this process alone")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    words = parser.parse_args()
    server = Server(words.folder, words.port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    sys.stderr.write(f"clickhouse answers on 127.0.0.1:{words.port}\n")
    stop.wait()
    server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

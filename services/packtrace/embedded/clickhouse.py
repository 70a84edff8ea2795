"""The HTTP front of the local ClickHouse: what the unmodified clickhouse-connect client needs of the HTTP interface.

Its own process, because one process may open the folder: ``python -m packtrace.embedded.clickhouse --folder DIR --port N``.
Statements and inserts, settings and bound ``param_`` values in the address, request and response compression, errors with
ClickHouse's codes and statuses. Loopback, no users. Source: ClickHouse documentation, HTTP interface.
"""

from __future__ import annotations

import argparse
import gzip
import json
import signal
import sys
import threading
import uuid
import zlib
from collections.abc import Callable, Iterable
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import lz4.frame
from backports import zstd

from packtrace.embedded.clickhouse_engine import Engine, EngineError, Result

BODY_BYTES_MAX = 1024 * 1024 * 1024
STATEMENT_BYTES_MAX = 16 * 1024 * 1024
REQUEST_SECONDS_MAX = 300
COMPRESS_BYTES_MIN = 16 * 1024
"""Smaller answers are not worth compressing on loopback."""

_TRANSPORT = frozenset(
    {
        "query", "database", "default_format", "session_id", "session_timeout", "session_check", "query_id", "quota_key", "compress",
        "decompress", "wait_end_of_query", "client_protocol_version", "role", "user", "password", "buffer_size", "stacktrace",
        "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression", "add_http_cors_header",
    }
)  # fmt: skip
_STATUS = {
    60: 404,
    81: 404,
    62: 400,
    27: 400,
    36: 400,
    43: 400,
    47: 400,
    53: 400,
    6: 400,
    38: 400,
    41: 400,
    70: 400,
    117: 400,
    457: 400,
    33: 400,
}
"""ClickHouse error code -> HTTP status, as the server answers; all others 500."""

_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": zstd.decompress,
}
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstd.compress(body, 1),
    "lz4": lz4.frame.compress,
    "gzip": lambda body: gzip.compress(body, 1),
}


class BadRequest(Exception):
    """The request is not one of this interface."""


class Handler(BaseHTTPRequestHandler):
    """One request; the engine is set on the class by ``serve``."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = REQUEST_SECONDS_MAX
    engine: Engine

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        try:
            body = self._body()
        except BadRequest as error:
            self.close_connection = True
            self._answer(400, f"Code: 1. {error}\n".encode(), {})
            return
        self._serve(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(self._chunks())
        else:
            length = int(self.headers.get("Content-Length") or 0)
            if length > BODY_BYTES_MAX:
                raise BadRequest(f"a body of at most {BODY_BYTES_MAX} bytes, found {length}")
            body = self.rfile.read(length)
        encoding = self.headers.get("Content-Encoding", "")
        if not encoding:
            return body
        if encoding not in _DECOMPRESS:
            raise BadRequest(f"Content-Encoding {', '.join(_DECOMPRESS)}, found {encoding}")
        return _DECOMPRESS[encoding](body)

    def _chunks(self) -> Iterable[bytes]:
        total = 0
        while True:
            size = int(self.rfile.readline(20).split(b";")[0], 16)
            total += size
            if total > BODY_BYTES_MAX:
                raise BadRequest(f"a body of at most {BODY_BYTES_MAX} bytes")
            chunk = self.rfile.read(size)
            self.rfile.readline(8)
            if not size:
                return
            yield chunk

    def _serve(self, body: bytes) -> None:
        address = urlsplit(self.path)
        if address.path in ("/ping", "/replicas_status"):
            self._answer(200, b"Ok.\n", {})
            return
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        if self.headers.get("Content-Type", "").startswith("multipart/form-data"):
            query, body = query | _form(self.headers["Content-Type"], body), b""
        query_id = query.get("query_id") or str(uuid.uuid4())
        headers = {"X-ClickHouse-Query-Id": query_id, "X-ClickHouse-Server-Display-Name": "packtrace-local", "X-ClickHouse-Timezone": "UTC"}
        in_address = query.get("query", "").encode()
        statement, data = (in_address, [body] if body else None) if in_address else (body, None)
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
            self._answer(_STATUS.get(error.code, 500), f"{error}\n".encode(), headers | {"X-ClickHouse-Exception-Code": str(error.code)})
            return
        except UnicodeDecodeError as error:
            self._answer(
                400, f"Code: 62. DB::Exception: a statement in UTF-8: {error}\n".encode(), headers | {"X-ClickHouse-Exception-Code": "62"}
            )
            return
        self._answer(200, result.body, headers | {"X-ClickHouse-Summary": _summary(result)}, compressible=True)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], compressible: bool = False) -> None:
        if compressible and len(body) >= COMPRESS_BYTES_MIN:
            accepted = {word.strip().split(";")[0] for word in self.headers.get("Accept-Encoding", "").split(",")}
            for encoding, compress in _COMPRESS.items():
                if encoding in accepted:
                    body, headers = compress(body), headers | {"Content-Encoding": encoding}
                    break
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/octet-stream" if status == 200 else "text/plain; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Statements are not logged: they carry serials."""


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form: how the client sends a statement whose parameters are too long for an address."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields[name] = payload.decode()
    return fields


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
    """Answers from one engine until ``close``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.engine = Engine(str(folder))
        handler = type("BoundHandler", (Handler,), {"engine": self.engine})
        super().__init__(("127.0.0.1", port), handler)

    def close(self) -> None:
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

"""Drives the gateway without a socket: one request by hand, byte for byte and pause by pause; the log is in memory."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import fastavro

from packtrace import contracts
from packtrace.adapters.http_status import status_routes
from packtrace.adapters.log_memory import MemoryLog, MemoryReader, MemoryWriter
from packtrace.codec.epcis.limits import Limits
from packtrace.gateway.app import create_app
from packtrace.gateway.body import BodyLimits, BodyReader
from packtrace.gateway.captures import Captures
from packtrace.gateway.epcis_intake import EpcisIntake
from packtrace.gateway.intake import Intake, codec
from packtrace.gateway.known import KnownReference
from packtrace.gateway.publisher import Publisher
from packtrace.gateway.receipts import Receipts

NOW = 1_795_341_600_000_000
"""2026-11-22T10:00:00Z."""

EVENT_SCHEMA = fastavro.parse_schema(json.loads(contracts.schema_text("event.avsc")))
REJECTED_SCHEMA = fastavro.parse_schema(json.loads(contracts.schema_text("rejected.avsc")))


encode_event = codec(7, 7, 7).encode_event


def decoded(schema: Any, value: bytes | None) -> dict[str, Any]:
    assert value is not None
    assert value[:5] == b"\x00\x00\x00\x00\x07"
    record = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, schema)
    assert isinstance(record, dict)
    return record


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    """The application, its log and its clock; use it inside ``with``."""

    def __init__(
        self, folder: Path, *, events_max: int = 10_000, limits: BodyLimits | None = None, pending_bytes_max: int = 64 * 1024 * 1024
    ) -> None:
        self.log = MemoryLog(now=NOW)
        self.now = NOW
        self.failures: list[str] = []
        self.codec = codec(7, 7, 7)
        self.publisher = Publisher(
            lambda: MemoryWriter(self.log), self.log.answer, lambda: self.failures.append("stopped"), 0.2, pending_bytes_max
        )
        self.receipts = Receipts(folder / "captures.sqlite")
        self.known = KnownReference(lambda: MemoryReader(self.log, "known"))
        intake = Intake(self.publisher, self.receipts, lambda: self.codec, lambda: self.now, events_max)
        epcis = EpcisIntake(self.publisher, self.known, Limits(events_max=events_max))
        captures = Captures(epcis, intake, self.receipts, lambda: self.now)
        bodies = BodyReader(limits or BodyLimits(), folder / "bodies")
        self.app = create_app(intake, captures, self.receipts, bodies, status_routes(self.publisher.trouble))

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self.publisher.close()
        self.known.close()
        self.receipts.close()

    def request(self, method: str, path: str, chunks: Iterable[bytes] = (b"",), **headers: str) -> Response:
        return asyncio.run(self.ask(method, path, list(chunks), 0, **headers))

    def post(self, path: str, body: Any, content_type: str = "application/json", **headers: str) -> Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, [data], content_type=content_type, **headers)

    async def ask(self, method: str, path: str, chunks: Sequence[bytes], pause_seconds: float = 0, **headers: str) -> Response:
        """One request whose body comes in ``chunks``; ``None`` as a chunk would end the connection."""
        left = list(chunks)

        async def receive() -> dict[str, Any]:
            if pause_seconds:
                await asyncio.sleep(pause_seconds)
            if not left:
                return {"type": "http.disconnect"}
            chunk = left.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(left)}

        return await self.run(method, path, receive, headers)

    async def run(self, method: str, path: str, receive: Callable[[], Awaitable[dict[str, Any]]], headers: dict[str, str]) -> Response:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(dict(message))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path.partition("?")[0],
            "raw_path": path.partition("?")[0].encode(),
            "query_string": path.partition("?")[2].encode(),
            "root_path": "",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        await self.app(scope, receive, send)
        answered = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Response(sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:]))

    def events(self) -> list[dict[str, Any]]:
        """Every record of ``events``, partition by partition."""
        return [decoded(EVENT_SCHEMA, record.value) for record in self.log.topic("events")]

    def rejected(self) -> list[dict[str, Any]]:
        return [decoded(REJECTED_SCHEMA, record.value) for record in self.log.topic("rejected")]


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A good commissioning; ``changes`` spoil it, None takes a field away."""
    good: dict[str, Any] = {
        "id": f"line-1/7/{number}",
        "type": "object",
        "action": "ADD",
        "event_time": "2026-11-22T09:59:00.125Z",
        "biz_step": "commissioning",
        "epcs": [f"https://id.gs1.org/01/09506000134352/21/S{number}"],
        "lot": "L7",
        "expiry": "2028-05-31",
        "place": "9506000100005",
        "line": "line-1",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}

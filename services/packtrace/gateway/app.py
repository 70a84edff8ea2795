"""The routes of the gateway."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from packtrace.gateway.body import BodyReader, drain
from packtrace.gateway.intake import ACCEPTED_TYPES, Intake, answer_of
from packtrace.gateway.problem import MEDIA_TYPE, ProblemError, of_http_status
from packtrace.gateway.receipts import Receipts
from packtrace.telemetry import GATEWAY_SECONDS

ACCEPTED = frozenset({"application/json", "application/vnd.packtrace+json", "application/x-ndjson", "application/jsonl"})
_CAPTURE = re.compile(r"[0-9a-f]{32}")
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_-]+)", re.IGNORECASE)


CAPTURES_CONCURRENT_MAX = 8
"""Bodies judged and published at once; a body that is still coming in takes no turn, however slowly it comes."""


def create_app(intake: Intake, receipts: Receipts, bodies: BodyReader, status_routes: Sequence[BaseRoute]) -> Starlette:
    """The application; ``status_routes`` are /healthz, /readyz and /metrics."""
    turns = asyncio.Semaphore(CAPTURES_CONCURRENT_MAX)

    async def take(request: Request) -> Response:
        with GATEWAY_SECONDS.labels(request.url.path).time():
            return await answered(request)

    async def answered(request: Request) -> Response:
        try:
            check_media_type(request)
            body = await bodies.read(request)
        except ProblemError:
            await drain(request)
            raise
        async with turns:
            receipt = await intake.take(body)
        status, answer = answer_of(receipt)
        headers = {"Location": f"/capture/{receipt.capture}"}
        return Response(answer, status, headers, "application/json" if status == 202 else MEDIA_TYPE)

    async def remembered(request: Request) -> Response:
        capture = request.path_params["capture"]
        receipt = receipts.find(capture) if _CAPTURE.fullmatch(capture) else None
        if receipt is None:
            detail = f"expected the id of a capture that this gateway remembers, found {capture[:64]!r}; the same document sent again gets its id again"
            raise ProblemError(404, "unknown-capture", detail)
        return Response(msgspec.json.encode(receipt), 200, media_type="application/json")

    return Starlette(
        routes=[
            Route("/events", take, methods=["POST"]),
            Route("/capture", take, methods=["POST"]),
            Route("/capture/{capture}", remembered, methods=["GET"]),
            *status_routes,
        ],
        exception_handlers={ProblemError: _problem, HTTPException: _http_problem},
    )


def check_media_type(request: Request) -> None:
    """Refuse what is no JSON in UTF-8, before the body is read."""
    stated = request.headers.get("content-type", "")
    media_type = stated.partition(";")[0].strip().lower()
    if media_type not in ACCEPTED:
        raise _unsupported(f"expected {ACCEPTED_TYPES}, found {media_type[:64] or 'no Content-Type'}")
    charset = _CHARSET.search(stated)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise _unsupported(f"expected JSON in UTF-8, found charset {charset[1][:32]}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise _unsupported(f"expected a body that is not compressed, found Content-Encoding {encoding[:32]}")


def _unsupported(detail: str) -> ProblemError:
    return ProblemError(
        415, "unsupported-media-type", detail, {"Accept-Post": "application/json, application/vnd.packtrace+json", "Connection": "close"}
    )


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response()


def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return of_http_status(error.status_code).response()

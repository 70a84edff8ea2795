"""The routes of the gateway."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from packtrace.gateway.body import GZIP, BodyReader, drain
from packtrace.gateway.captures import Captures
from packtrace.gateway.form import (
    ACCEPTED,
    BEHAVIOUR,
    HEAD_BYTES,
    XML_TYPES,
    behaviour_of,
    discovery,
    is_epcis,
    refuse_other_versions,
    version_headers,
)
from packtrace.gateway.intake import ACCEPTED_TYPES, Intake, answer_of, receipt_document
from packtrace.gateway.problem import MEDIA_TYPE, ProblemError, of_http_status
from packtrace.gateway.receipts import Receipts
from packtrace.telemetry import GATEWAY_SECONDS

_CAPTURE = re.compile(r"[0-9a-f]{32}")
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_-]+)", re.IGNORECASE)
_COUNT = re.compile(r"[0-9]{1,9}")
PAGE_MAX = 1_000
PAGE = 30
"""Of the list of captures, as EPCIS 2.0 has it."""

CAPTURES_CONCURRENT_MAX = 8
"""Bodies judged and published at once; a body that is still coming in takes no turn, however slowly it comes."""


def create_app(intake: Intake, captures: Captures, receipts: Receipts, bodies: BodyReader, status_routes: Sequence[BaseRoute]) -> Starlette:
    """The application; ``status_routes`` are /healthz, /readyz and /metrics."""
    turns = asyncio.Semaphore(CAPTURES_CONCURRENT_MAX)

    async def take(request: Request) -> Response:
        with GATEWAY_SECONDS.labels(request.url.path).time():
            return await answered(request)

    async def answered(request: Request) -> Response:
        try:
            media_type = check_media_type(request)
            behaviour = behaviour_of(request.headers)
            refuse_other_versions(request.headers)
            body = await bodies.read(request)
        except ProblemError:
            await drain(request)
            raise
        try:
            async with turns:
                epcis = is_epcis(media_type, body.head(HEAD_BYTES))
                receipt = await captures.take(body, behaviour) if epcis else await intake.take(body)
        finally:
            body.close()
        status, answer = answer_of(receipt)
        headers = {"Location": f"/capture/{receipt.capture}"}
        if epcis:
            headers |= version_headers() | {BEHAVIOUR: receipt.behaviour}
            if status == 202 and request.url.path == "/events" and (receipt.count, receipt.accepted) == (1, 1):
                status, headers["Location"] = 201, f"/events/{quote(receipt.events[0].id, safe='')}"
        return Response(answer, status, headers, "application/json" if status < 300 else MEDIA_TYPE)

    async def remembered(request: Request) -> Response:
        capture = request.path_params["capture"]
        receipt = receipts.find(capture) if _CAPTURE.fullmatch(capture) else None
        if receipt is None:
            detail = f"expected the id of a capture that this gateway remembers, found {capture[:64]!r}; the same document sent again gets its id again"
            raise ProblemError(404, "unknown-capture", detail)
        return Response(msgspec.json.encode(receipt_document(receipt)), 200, version_headers(), "application/json")

    async def listed(request: Request) -> Response:
        size = _number(request, "perPage", PAGE)
        before = _number(request, "nextPageToken", 0)
        if not 1 <= size <= PAGE_MAX:
            raise ProblemError(400, "bad-parameter", f"perPage: expected a number from 1 to {PAGE_MAX}, found {size}")
        page, more = receipts.page(before or None, size)
        headers = version_headers()
        if more is not None:
            headers["Link"] = f'</capture?perPage={size}&nextPageToken={more}>; rel="next"'
        return Response(msgspec.json.encode([_summary(receipt_document(one)) for one in page]), 200, headers, "application/json")

    async def discover(request: Request) -> Response:
        path = request.url.path
        limits = (captures.events_max, bodies.bytes_max)
        if path == "/capture":
            return Response(status_code=204, headers=discovery("OPTIONS, GET, POST", *limits))
        return Response(status_code=204, headers=discovery("OPTIONS, POST", *limits) if path == "/events" else discovery("OPTIONS, GET"))

    return Starlette(
        routes=[
            Route("/events", take, methods=["POST"]),
            Route("/capture", take, methods=["POST"]),
            Route("/capture", listed, methods=["GET"]),
            Route("/capture/{capture}", remembered, methods=["GET"]),
            *(Route(path, discover, methods=["OPTIONS"]) for path in ("/events", "/capture", "/capture/{capture}")),
            *status_routes,
        ],
        exception_handlers={ProblemError: _problem, HTTPException: _http_problem},
    )


def _summary(document: dict[str, object]) -> dict[str, object]:
    """A capture without its events: those are one request away."""
    return {name: value for name, value in document.items() if name not in ("events", "warnings")}


def _number(request: Request, name: str, otherwise: int) -> int:
    stated = request.query_params.get(name, "")
    if not stated:
        return otherwise
    if not _COUNT.fullmatch(stated):
        raise ProblemError(400, "bad-parameter", f"{name}: expected a whole number, found {stated[:40]!r}")
    return int(stated)


def check_media_type(request: Request) -> str:
    """The media type; refuse what the gateway does not read, before the body is read."""
    stated = request.headers.get("content-type", "")
    media_type = stated.partition(";")[0].strip().lower()
    if media_type not in ACCEPTED:
        raise _unsupported(f"expected {ACCEPTED_TYPES}, found {media_type[:64] or 'no Content-Type'}")
    charset = _CHARSET.search(stated)
    if charset and media_type not in XML_TYPES and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise _unsupported(f"expected JSON in UTF-8, found charset {charset[1][:32]}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", *GZIP):
        raise _unsupported(f"expected a body that is not compressed, or gzip, found Content-Encoding {encoding[:32]}")
    return media_type


def _unsupported(detail: str) -> ProblemError:
    return ProblemError(415, "unsupported-media-type", detail, {"Accept-Post": ", ".join(sorted(ACCEPTED)), "Connection": "close"})


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response()


def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return of_http_status(error.status_code).response()

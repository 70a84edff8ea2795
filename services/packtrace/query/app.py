"""The routes of the query service: reads the question, asks ``Answers``, says no in problem documents.

Segments of a path are percent-decoded one by one, after the path is divided: an EPC may hold ``%2F``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from packtrace.errors import RefusedError, UnavailableError
from packtrace.query import interface, stream
from packtrace.query.answers import Answers
from packtrace.query.follow import Follow
from packtrace.query.interface import Call, Interface
from packtrace.query.items import Json
from packtrace.query.parameters import Parameters
from packtrace.query.problem import ProblemError
from packtrace.telemetry import QUERY_SECONDS, log

ANSWERS_CONCURRENT_MAX = 16
"""Answered at once; the others wait. Two stores and one processor are behind them."""

BODY_SECONDS_MAX = 10
"""Of a named query or subscription."""

Answer = Callable[[Answers, Sequence[str], Parameters], Json]


class Question(NamedTuple):
    """One path: ``{}`` is a segment handed to ``answer``."""

    path: tuple[str, ...]
    parameters: tuple[str, ...]
    answer: Answer

    @property
    def name(self) -> str:
        """The label of its metric."""
        return "/" + "/".join(self.path)


# fmt: off
QUESTIONS: tuple[Question, ...] = (
    #         path                             parameters                                               answer
    Question(("items", "{}"),                  ("at",),                                                 Answers.item),
    Question(("items", "{}", "tree"),          ("at", "limit"),                                         Answers.tree),
    Question(("items", "{}", "events"),        ("limit", "cursor"),                                     Answers.item_events),
    Question(("items", "{}", "explain"),       (),                                                      Answers.explain),
    Question(("alerts",),                      ("status", "rule", "item", "since", "limit", "cursor"),  Answers.alerts),
    Question(("alerts", "{}"),                 (),                                                      Answers.alert),
    Question(("lots", "{}", "{}"),             ("limit", "cursor"),                                     Answers.recall),
    Question(("verify",),                      ("code",),                                               Answers.verify),
    Question(("rejected",),                    ("reason", "since", "limit", "cursor"),                  Answers.rejected),
    Question(("rejected", "{}", "{}", "{}"),   (),                                                      Answers.rejected_one),
    Question(("reference", "{}", "{}"),        (),                                                      Answers.reference),
    Question(("stats",),                       (),                                                      Answers.stats),
    Question(("freshness",),                   (),                                                      Answers.freshness),
)
# fmt: on


def find(path: Sequence[str]) -> tuple[Question, list[str]] | None:
    """The question a divided path asks, with the segments it hands over."""
    for question in QUESTIONS:
        if len(question.path) == len(path) and all(part in ("{}", said) for part, said in zip(question.path, path, strict=True)):
            return question, [said for part, said in zip(question.path, path, strict=True) if part == "{}"]
    return None


def divide(raw_path: bytes) -> list[str]:
    """Segments of a path as it came, decoded one by one."""
    try:
        return [unquote_to_bytes(part).decode("utf-8") for part in raw_path.strip(b"/").split(b"/")]
    except UnicodeDecodeError as error:
        raise ProblemError("bad-identifier", "expected percent-encoded UTF-8 in the path") from error


class Epcis(NamedTuple):
    """The EPCIS query interface, and what streams of it are made of."""

    interface: Interface
    follow: Follow


def create_app(answers: Answers, status_routes: Sequence[BaseRoute], epcis: Epcis | None = None) -> Starlette:
    """The application; ``status_routes`` are /healthz, /readyz and /metrics."""
    turns = asyncio.Semaphore(ANSWERS_CONCURRENT_MAX)
    streams = stream.Streams(epcis.follow) if epcis else None

    async def ask_epcis(request: Request, path: interface.Path, segments: list[str]) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            return interface.discovery(path)
        answer = path.answers.get(method)
        if answer is None:
            raise ProblemError("method-not-allowed", f"expected {path.allow}, found {request.method}", headers={"Allow": path.allow})
        assert epcis is not None and streams is not None
        raw_path = bytes(request.scope.get("raw_path") or request.url.path.encode()).partition(b"?")[0].decode("ascii", "replace")
        body = await _body(request) if method == "POST" else b""
        call = Call(method, raw_path, segments, request.query_params.multi_items(), request.headers, body)
        if path.path == ("queries", "{}", "events") and stream.is_asked(call):
            return await run_in_threadpool(streams.open, epcis.interface.known(segments[0]), call)
        async with turns:
            return await run_in_threadpool(answer, epcis.interface, call)

    async def ask(request: Request) -> Response:
        started = time.perf_counter()
        route = "other"
        try:
            raw_path = request.scope.get("raw_path") or request.url.path.encode()
            segments = divide(raw_path.partition(b"?")[0])
            if epcis is not None and (standard := interface.find_path(segments)) is not None:
                route = standard[0].name
                return await ask_epcis(request, *standard)
            if request.method not in ("GET", "HEAD"):
                raise ProblemError("method-not-allowed", f"expected GET, found {request.method}")
            found = find(segments)
            if found is None:
                paths = ", ".join(question.name for question in QUESTIONS)
                raise ProblemError("not-found", f"expected one of {paths}")
            question, segments = found
            route = question.name
            parameters = Parameters(request.query_params.multi_items(), question.parameters)
            async with turns:
                answer = await run_in_threadpool(question.answer, answers, segments, parameters)
            return Response(msgspec.json.encode(answer), media_type="application/json")
        except ProblemError as problem:
            return problem.response()
        except UnavailableError as error:
            log.warning("query.dependency_away", route=route, error=str(error))
            return ProblemError("dependency-away", str(error)).response()
        except RefusedError as error:
            log.error("query.set_up_wrong", route=route, error=str(error))
            return ProblemError(
                "set-up-wrong", "the stores do not answer as expected; the log of this service says what they said"
            ).response()
        finally:
            QUERY_SECONDS.labels(route).observe(time.perf_counter() - started)

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Starlette(routes=[*status_routes, Route("/{path:path}", ask, methods=methods)])


async def _body(request: Request) -> bytes:
    """The small JSON body of a request, within its time."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in ("application/json", "application/ld+json"):
        raise ProblemError("unsupported-media-type", f"expected application/json, found {media_type[:64] or 'no Content-Type'}")
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for chunk in request.stream():
                body += chunk
                if len(body) > interface.BODY_BYTES_MAX:
                    raise ProblemError("query-invalid", f"expected at most {interface.BODY_BYTES_MAX} bytes")
    except (TimeoutError, ClientDisconnect) as error:
        raise ProblemError("query-invalid", f"expected the whole body within {BODY_SECONDS_MAX} s") from error
    return body

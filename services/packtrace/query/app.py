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
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from packtrace.errors import RefusedError, UnavailableError
from packtrace.query.answers import Answers
from packtrace.query.items import Json
from packtrace.query.parameters import Parameters
from packtrace.query.problem import ProblemError
from packtrace.telemetry import QUERY_SECONDS, log

ANSWERS_CONCURRENT_MAX = 16
"""Answered at once; the others wait. Two stores and one processor are behind them."""

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


def create_app(answers: Answers, status_routes: Sequence[BaseRoute]) -> Starlette:
    """The application; ``status_routes`` are /healthz, /readyz and /metrics."""
    turns = asyncio.Semaphore(ANSWERS_CONCURRENT_MAX)

    async def ask(request: Request) -> Response:
        started = time.perf_counter()
        route = "other"
        try:
            if request.method not in ("GET", "HEAD"):
                raise ProblemError("method-not-allowed", f"expected GET, found {request.method}")
            raw_path = request.scope.get("raw_path") or request.url.path.encode()
            found = find(divide(raw_path.partition(b"?")[0]))
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

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[*status_routes, Route("/{path:path}", ask, methods=methods)])

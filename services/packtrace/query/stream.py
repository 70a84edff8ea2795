"""The events of a named query as they come: server-sent events, each with an id to go on from after a broken connection.

``curl -N -H 'Accept: text/event-stream' .../queries/NAME/events``. A browser, and any client that sends ``Last-Event-ID``, goes
on where it was; one that states nothing begins with what is logged from now on.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from packtrace.codec.epcis.json_writer import JsonWriter, namespaces_of
from packtrace.domain.dates import read_time
from packtrace.errors import RejectedError, UnavailableError
from packtrace.query.epcis_document import Kept, in_form, kept, short_names
from packtrace.query.follow import Follow, News
from packtrace.query.interface import Call
from packtrace.query.named import NamedQuery
from packtrace.query.problem import ProblemError, of_rejected
from packtrace.query.search import Search
from packtrace.query.search_parameters import from_address, read_search
from packtrace.query.spoken import EVENT_STREAM, Spoken, spoken
from packtrace.telemetry import log

STREAMS_MAX: Final = 100
EVENTS_MAX: Final = 100
LOOK_SECONDS: Final = 0.5
QUIET_SECONDS_MAX: Final = 15.0
"""A comment is sent after so long without an event, so that nobody between takes the connection for dead."""


def is_asked(call: Call) -> bool:
    """Whether a stream is wanted, not a page."""
    return EVENT_STREAM in call.headers.get("accept", "") or ("stream", "true") in call.parameters


class Streams:
    """Every stream that is open."""

    def __init__(self, follow: Follow) -> None:
        self._follow = follow
        self._open = 0

    def open(self, query: NamedQuery, call: Call) -> Response:
        """The answer that does not end."""
        stated = from_address(call.parameters)
        since = time.time_ns() // 1000
        offsets: dict[int, int] = {}
        for name, values in stated.items():
            if name == "initialRecordTime":
                try:
                    since = read_time(values[0].replace(" ", "+"))
                except RejectedError as error:
                    raise of_rejected(error.inside(name), "query-parameter") from error
            elif (name, values) != ("stream", ["true"]):
                raise ProblemError("query-parameter", f"{name[:80]}: expected stream=true or initialRecordTime")
        if last := call.headers.get("last-event-id", ""):
            since, offsets = _read_id(last)
        said = spoken({name: value for name, value in call.headers.items() if name != "accept"})
        if said.version != "2.0":
            raise ProblemError("not-acceptable", "a stream is JSON-LD of EPCIS 2.0")
        if self._open >= STREAMS_MAX:
            raise ProblemError("too-many-streams", f"expected at most {STREAMS_MAX} at a time")
        search = read_search(query.query, query.prefixes).search
        headers = said.headers | {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._pieces(search, since, offsets, said), 200, headers, EVENT_STREAM)

    async def _pieces(self, search: Search, since: int, offsets: dict[int, int], said: Spoken) -> AsyncIterator[bytes]:
        self._open += 1
        try:
            yield b"retry: 1000\n\n"
            spoke = time.monotonic()
            while True:
                try:
                    news = await run_in_threadpool(self._follow.news, search, since, offsets, EVENTS_MAX)
                except UnavailableError as error:
                    log.warning("query.stream_waits", error=str(error))
                    news = News([], offsets, [])
                if news.events:
                    yield await run_in_threadpool(_written, news, since, offsets, said)
                    offsets, spoke = news.offsets, time.monotonic()
                    continue
                if time.monotonic() - spoke > QUIET_SECONDS_MAX:
                    yield b": nothing new\n\n"
                    spoke = time.monotonic()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._open -= 1


def _written(news: News, since: int, before: Mapping[int, int], said: Spoken) -> bytes:
    """Each event with the id to go on from after it."""
    offsets = dict(before)
    out = []
    for stored, (partition, offset) in zip(news.events, news.places, strict=True):
        one: Kept = kept(stored)
        (event,) = in_form([one.event], said.epcs)
        offsets[partition] = offset
        writer = JsonWriter(namespaces_of([event]), (*said.prefixes, *short_names([one])))
        out.append(b"id: %b\nevent: epcis\ndata: %b\n\n" % (_id(since, offsets).encode(), writer.event(event, context=True)))
    return b"".join(out)


def _id(since: int, offsets: Mapping[int, int]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([since, dict(offsets)])).decode().rstrip("=")


def _read_id(text: str) -> tuple[int, dict[int, int]]:
    try:
        since, offsets = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=tuple[int, dict[int, int]])
    except (binascii.Error, ValueError) as error:
        raise ProblemError("query-parameter", f"Last-Event-ID: expected the id of an event of this stream, found {text[:60]!r}") from error
    if not 0 <= since < 2**53 or any(not (0 <= one < 2**16 and -1 <= offset < 2**62) for one, offset in offsets.items()):
        raise ProblemError("query-parameter", "Last-Event-ID: expected the id of an event of this stream")
    return since, offsets

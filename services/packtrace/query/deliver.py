"""Tells subscribers what is new: one signed POST after another, the next only when the last was taken.

1. read what is new after the subscriber's offsets;
2. POST it, signed;
3. after a 2xx remember the new offsets on disk.

A crash between 2 and 3 tells the same events again: at least once, in the order of the log, with the ids of the events to know
a repeat by. A subscriber that does not answer costs the others nothing: it is tried again later, ever more rarely.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import httpx
import msgspec

from packtrace.errors import PacktraceError
from packtrace.query.epcis_document import query_document
from packtrace.query.follow import Follow
from packtrace.query.named import Named, NamedQuery, Progress, Subscription
from packtrace.query.schedule import Schedule
from packtrace.query.search_parameters import read_search
from packtrace.query.spoken import JSON, Spoken
from packtrace.telemetry import log

EVENTS_MAX: Final = 100
"""Of one POST."""
LOOK_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 10.0
RETRY_SECONDS: Final = (1, 2, 5, 10, 30, 60, 300)
"""After the first, second... failure in a row; the last for ever."""
AT_ONCE: Final = 8
SIGNATURE: Final = "GS1-Signature"
_SECOND: Final = 1_000_000


def signature(secret: str, body: bytes) -> str:
    """What the header ``GS1-Signature`` has: HMAC with SHA-256 of the body, by the secret of the subscriber.

    >>> signature("s", b"{}")
    'sha256=143ca8d517ba1b181025d732b1cf275d90104fca57bb02a565542978aa18c4b6'
    """
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


class Deliverer:
    """See the module. ``round`` once a second on a thread of its own, or by hand.

    Args:
        now: microseconds since 1970 UTC, the wall clock.
        client: calls nobody it may not (``reach``); closed at the end.
    """

    def __init__(self, named: Named, follow: Follow, now: Callable[[], int], client: httpx.Client) -> None:
        self._named = named
        self._follow = follow
        self._now = now
        self._client = client
        self._pool = ThreadPoolExecutor(AT_ONCE, "deliver")
        self._under_way: dict[str, Future[None]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deliverer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is under way may end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_SECONDS)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.round()

    def round(self, wait: bool = False) -> None:
        """Begin to tell everyone who has not been told and is not being told."""
        now = self._now()
        for one, progress in self._named.subscriptions():
            running = self._under_way.get(one.id)
            if (running is None or running.done()) and now >= progress.not_before:
                self._under_way[one.id] = self._pool.submit(self._tell, one, progress)
        if wait:
            for running in list(self._under_way.values()):
                running.result()

    def _tell(self, one: Subscription, progress: Progress) -> None:
        query = self._named.find(one.query)
        if query is None:
            return
        now = self._now()
        if one.schedule and not progress.failures and not Schedule(one.schedule).due(progress.looked, now):
            return
        try:
            self._named.advance(one.id, self._told(one, progress, query, now))
        except PacktraceError as error:
            # a store that is away is no fault of the subscriber: it stays where it is
            log.warning("query.subscription_waits", subscription=one.id, error=str(error))

    def _told(self, one: Subscription, progress: Progress, query: NamedQuery, now: int) -> Progress:
        """Everything new, POST by POST; where the subscriber is afterwards."""
        search = read_search(query.query, query.prefixes).search
        empty = one.report_if_empty and bool(one.schedule)
        while not self._stop.is_set():
            news = self._follow.news(search, one.since, progress.offsets, EVENTS_MAX)
            if not news.events and not empty:
                break
            empty = False
            spoken = Spoken(media_type=JSON, prefixes=tuple(query.prefixes.items()))
            body = query_document(news.events, spoken, now, one.query, one.id)
            trouble = self._post(one, body)
            if trouble:
                failures = progress.failures + 1
                pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1]
                log.warning("query.subscriber_refused", subscription=one.id, attempt=failures, reason=trouble, again_seconds=pause)
                return msgspec.structs.replace(progress, failures=failures, not_before=now + pause * _SECOND, trouble=trouble)
            progress = Progress(news.offsets, progress.looked, progress.told + len(news.events))
            self._named.advance(one.id, progress)
        return msgspec.structs.replace(progress, looked=now)

    def _post(self, one: Subscription, body: bytes) -> str:
        """Why it was not taken; empty where it was."""
        headers = {"Content-Type": JSON, "GS1-EPCIS-Version": "2.0", "GS1-CBV-Version": "2.0", "User-Agent": "packtrace"}
        if one.secret:
            headers[SIGNATURE] = signature(one.secret, body)
        try:
            with self._client.stream("POST", one.dest, content=body, headers=headers) as answer:
                return "" if answer.is_success else f"it answered {answer.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"[:200]

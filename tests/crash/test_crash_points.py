"""Killed between any two effects, on real servers: started again, nothing is lost and nothing is twice.

``make crash`` sweeps every point at its first passage and, started again, at a later one; ``make test`` has a few of them.
"""

from __future__ import annotations

import http.client
import time
from contextlib import suppress
from pathlib import Path

import pytest

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.crash_point import POINTS
from tests.crash.works import KILLED, Works
from tests.gateway.process import Process

pytestmark = pytest.mark.crash

ONCE_A_START = ("tracker.after_acquire", "sink.after_recover")
PASSAGES = (1, 3)
ANSWERS_MAX = 5
WATCH_SECONDS = 60.0
"""A worker that was killed is missed by its group first."""

TOLD = "SELECT subject, status FROM incidents_latest WHERE cause = 'single'"
WANTED = "SELECT id, if(argMax(status, version) = 'withdrawn', 'closed', 'open') FROM alerts GROUP BY id"


ALWAYS = ("router.after_flush", "tracker.after_write", "sink.after_intent", "sink.after_insert")
"""Part of ``make test``: written and not committed, in each of the three; and the two sides of an insert."""


@pytest.mark.parametrize("point", [point if point in ALWAYS else pytest.param(point, marks=pytest.mark.sweep) for point in POINTS])
def test_killed_there_nothing_is_lost_and_nothing_is_twice(works: Works, tmp_path: Path, point: str) -> None:
    name = point.partition(".")[0]
    places = [f"{point}:{passage}" for passage in (PASSAGES if point not in ONCE_A_START else PASSAGES[:1])]
    if name == "gateway":
        gateway = Process(tmp_path, works.kafka, works.registry)
        for place in places:
            kill_the_gateway(works, gateway, place)
    elif name == "watch":
        kill_the_watch(works, places)
    else:
        works.stop(name)
        for place in places:
            works.start(name, crash_at=place)
            works.publish_until_killed(name)
        works.publish(works.story())
        works.start(name)
    works.assert_nothing_lost_or_twice()


def kill_the_gateway(works: Works, gateway: Process, place: str) -> None:
    """Asked until it dies, and then once more for what it did not answer."""
    answers, said = 0, []
    try:
        gateway.start(crash_at=place)
        with suppress(OSError, http.client.HTTPException):
            while answers < ANSWERS_MAX:
                said = [event for event in works.story() if isinstance(event, dict)]
                assert gateway.ask("POST", "/events", said).status == 202
                answers += 1
        assert gateway.ended() == KILLED
        gateway.start()
        assert gateway.ask("POST", "/events", said).status == 202
        assert gateway.terminate() == 0
    finally:
        gateway.stop()


def kill_the_watch(works: Works, places: list[str]) -> None:
    """Row 4: what it told before it died it tells again, and the newest version of each incident is what all alerts together say."""
    for place in places:
        works.start("watch", crash_at=place)
        works.publish_until_killed("watch")
    works.publish(works.story())
    works.start("watch")
    history = ClickHouseStore(works.clickhouse)
    try:
        works.settle()
        end = time.monotonic() + WATCH_SECONDS
        while (told := set(history.query(TOLD))) != (wanted := set(history.query(WANTED))) and time.monotonic() < end:
            time.sleep(0.5)
        assert told == wanted
    finally:
        history.close()
        works.stop("watch")

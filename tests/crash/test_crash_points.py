"""Killed between any two effects, on real servers: started again, nothing is lost and nothing is twice.

``make crash`` sweeps every point at its first and at a later passage; ``make test`` has a few of them.
"""

from __future__ import annotations

import http.client
from contextlib import suppress
from pathlib import Path

import pytest

from packtrace.adapters.crash_point import POINTS
from tests.crash.works import KILLED, SERVICES, Works
from tests.gateway.process import Process

pytestmark = pytest.mark.crash

ONCE_A_START = ("tracker.after_acquire", "sink.after_recover")
PASSAGES = (1, 3)
ANSWERS_MAX = 5


def every(service: str) -> list[str]:
    """``point:passage`` of the points of a service."""
    return [
        f"{point}:{passage}"
        for point in POINTS
        if point.startswith(f"{service}.")
        for passage in (PASSAGES if point not in ONCE_A_START else PASSAGES[:1])
    ]


EVERY = [place for service in (*SERVICES, "gateway") for place in every(service)]


ALWAYS = ("router.after_flush:1", "tracker.after_write:1", "sink.after_intent:1", "sink.after_insert:1")
"""Part of ``make test``: written and not committed, in each of the three; and the two sides of an insert."""


@pytest.mark.parametrize("place", [place if place in ALWAYS else pytest.param(place, marks=pytest.mark.sweep) for place in EVERY])
def test_killed_there_nothing_is_lost_and_nothing_is_twice(works: Works, tmp_path: Path, place: str) -> None:
    name = place.partition(".")[0]
    if name == "gateway":
        kill_the_gateway(works, Process(tmp_path, works.kafka, works.registry), place)
    else:
        works.stop(name)
        works.start(name, crash_at=place)
        works.publish_until_killed(name)
        works.publish(works.story())
        works.start(name)
    works.assert_nothing_lost_or_twice()


def kill_the_gateway(works: Works, gateway: Process, place: str) -> None:
    """Asked until it dies, and then once more for the same."""
    said = [event for event in works.story() if isinstance(event, dict)]
    answers = 0
    try:
        gateway.start(crash_at=place)
        with suppress(OSError, http.client.HTTPException):
            while answers < ANSWERS_MAX:
                assert gateway.ask("POST", "/events", said).status == 202
                answers += 1
        assert gateway.ended() == KILLED
        gateway.start()
        assert gateway.ask("POST", "/events", said).status == 202
        assert gateway.terminate() == 0
    finally:
        gateway.stop()


def test_the_sweep_takes_every_point() -> None:
    assert {place.partition(":")[0] for place in EVERY} == set(POINTS)

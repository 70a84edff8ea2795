"""Thousands of short histories: whatever dies, sleeps, repeats, goes away or comes back older, the end is what the log says.

``make simulation`` plays more of them than ``make test`` does (the variable HISTORIES).
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings

from packtrace.codec.raw_event import RawEvent
from tests.router.seen import LOG_TIME
from tests.simulation.plan import CASES, MINUTE, PLACES, UNITS, Action, Captured, Turn, plans
from tests.simulation.plant import Plant
from tests.simulation.truth import assert_holds, clean, standing, state

HISTORIES = int(os.environ.get("HISTORIES", "100"))


@pytest.mark.timeout(3600)
@settings(max_examples=HISTORIES)
@given(plans())
def test_whatever_fails_the_end_is_what_the_log_says(plan: list[Action]) -> None:
    plant = Plant()
    plant.run(plan)
    plant.settle()
    reading = assert_holds(plant)
    expected = clean(plant)
    assert state(reading) == state(expected)
    assert standing(reading) == standing(expected)


def test_an_unpack_of_all_settles_the_same_whether_or_not_anything_was_inside() -> None:
    """The router slept over the unpack of e0: ``e8`` was packed at the same instant by another line and came first."""
    time, case, place = LOG_TIME - 60 * MINUTE, CASES[0], PLACES[0]
    ship = RawEvent(id="e0", event_time=time, type="object", action="OBSERVE", biz_step="shipping", epcs=UNITS[:1], place=place)
    unpack = RawEvent(id="e0", event_time=time, type="aggregation", action="DELETE", biz_step="unpacking", parent=case, place=place)
    dispense = RawEvent(
        id="e8", event_time=time + MINUTE, type="object", action="OBSERVE", biz_step="dispensing", epcs=UNITS[2:3], place=place
    )
    pack = RawEvent(
        id="e8", event_time=time, type="aggregation", action="ADD", biz_step="packing", parent=case, children=UNITS[2:3], place=place
    )
    plan: list[Action] = [
        Captured("events", 0, ship),
        Captured("events", 0, dispense),
        Turn("router", 0, "router.after_read", 3, 4),
        Captured("events", 0, unpack),
        Captured("events", 1, pack),
    ]
    plant = Plant()
    plant.run(plan)
    plant.settle()
    assert state(assert_holds(plant)) == state(clean(plant))

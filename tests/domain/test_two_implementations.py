"""Two implementations of rules.md, written apart, agree on small worlds: on what stands in the end and on every item's state.

How many worlds: ``PACKTRACE_WORLDS`` (300 in ``make unit``, 10,000 in ``make test``, more in ``make soak``);
``PACKTRACE_WORLDS_FROM`` is the first seed. A world that differs is made smaller before it is shown.
"""

from __future__ import annotations

import os
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings

from packtrace.domain.explode import recall_of_lots
from packtrace.domain.rules import BY_CODE
from packtrace.domain.vocabulary import Status
from tests.domain import plain
from tests.domain.plain import Changed
from tests.domain.world import World
from tests.domain.worlds import SmallWorld, smallest, world, worlds
from tests.domain.worlds_land import REFERENCE, name

WORLDS: Final = int(os.environ.pop("PACKTRACE_WORLDS", "300"))
FIRST_SEED: Final = int(os.environ.pop("PACKTRACE_WORLDS_FROM", "0"))
"""Taken out of the environment: they are no settings of packtrace, whose processes would refuse them."""

PARTS: Final = 10


class Found(NamedTuple):
    """What both implementations say: alerts as (rule, item, cause) -> severity, state of each item."""

    alerts: dict[tuple[str, str, str], str]
    items: dict[str, dict[str, Any]]


def played(small: SmallWorld) -> World:
    """The items of the product, once everything has arrived and every grace has passed."""
    real = World(REFERENCE)
    for entry in small.entries:
        real.tick(entry.log_time)
        if isinstance(entry, Changed):
            real.load(entry.changes, entry.log_time)
        else:
            real.publish(entry.event, entry.log_time)
            if recalled := recall_of_lots(entry.event):  # what the router sends to every partition
                real.load([recalled], entry.log_time)
    real.tick(small.until)
    return real


def really(small: SmallWorld) -> Found:
    """What the product says."""
    real = played(small)
    alerts = {
        (alert.rule, name(item.key), alert.cause): str(alert.severity)
        for item in real.items.values()
        for alert in item.alerts.values()
        if alert.status is not Status.WITHDRAWN
    }
    return Found(alerts, {name(key): _state(item) for key, item in real.items.items()})


def plainly(end: plain.World) -> Found:
    """What the plain implementation says, of the rules the product has."""
    alerts = {(alert.rule, name(alert.item), alert.cause): str(alert.severity) for alert in end.alerts.values() if alert.rule in BY_CODE}
    return Found(alerts, {name(key): _state(item) for key, item in end.items.items()})


def _state(item: Any) -> dict[str, Any]:
    seen = {
        "life": item.life.name,
        "reason": item.reason.name,
        "lot": item.lot,
        "expiry": item.expiry,
        "parent": item.parent and name(item.parent),
        "children": sorted(map(name, item.children)),
        "holds": sorted(item.holds),
    }
    if not item.parent:  # what is inside a container reads its root's custody
        seen |= {"custody": item.custody.name, "place": item.place, "destination": item.destination}
    return seen


def differences(small: SmallWorld) -> list[str]:
    """One line each."""
    return compared(really(small), plainly(plain.run(small.entries, small.until, REFERENCE)))


def compared(real: Found, mine: Found) -> list[str]:
    found = []
    for alert in real.alerts.keys() | mine.alerts.keys():
        if real.alerts.get(alert) != mine.alerts.get(alert):
            found.append(f"alert {alert}: real {real.alerts.get(alert)}, plain {mine.alerts.get(alert)}")
    for item in real.items.keys() | mine.items.keys():
        known, state = real.items.get(item, {}), mine.items.get(item, {})
        for field in known.keys() | state.keys():
            if known.get(field) != state.get(field):
                found.append(f"item {item} {field}: real {known.get(field)!r}, plain {state.get(field)!r}")
    return sorted(found)


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("part", range(PARTS))
def test_the_two_agree_on_many_worlds(part: int) -> None:
    for seed in range(FIRST_SEED + part, FIRST_SEED + WORLDS, PARTS):
        if differences(world(seed)):
            small = smallest(world(seed), lambda smaller: bool(smaller.events) and bool(differences(smaller)))
            pytest.fail("\n".join([f"world {seed}, made smaller:", str(small), *differences(small)]))


@settings(max_examples=min(100, WORLDS // 10))
@given(worlds())
def test_the_two_agree_on_drawn_worlds(small: SmallWorld) -> None:
    found = differences(small)
    assert not found, f"{small}\n" + "\n".join(found)

"""Facts of one event reach a container in any order: what it tells its own container follows from all of them."""

from __future__ import annotations

import random

import pytest

from packtrace.domain.dates import DAY, SECOND
from packtrace.domain.event import Event
from packtrace.domain.explode import own_events
from packtrace.domain.vocabulary import Action, EventType
from tests.domain.story import DAY0, REFERENCE, SITE, key
from tests.domain.world import Snapshot, World


def packed(id: str, at: int, parent: str, *children: str) -> Event:
    return Event(
        id=id, type=EventType.AGGREGATION, event_time=DAY0 + at * SECOND, action=Action.ADD, biz_step="packing",
        parent=key(parent), children=tuple(map(key, children)), place=SITE, lot="L7",
    )  # fmt: skip


RECALLED = Event(
    id="e3", type=EventType.OBJECT, event_time=DAY0 + 3 * SECOND, action=Action.OBSERVE, biz_step="inspecting", disposition="recalled",
    epcs=(key("U1"),), place=SITE,
)  # fmt: skip
EVENTS = (packed("e1", 1, "P1", "P2"), packed("e2", 2, "P2", "C2", "U1"), RECALLED, packed("e4", 600, "C2", "U1"))


def told(seed: int, grouped: bool) -> dict[str, Snapshot]:
    chance = random.Random(seed)
    world = World(REFERENCE, shuffled=chance, grouped=grouped)
    for event in EVENTS:
        for item, own in own_events(event, event.event_time + SECOND):
            world.apply(item, own, deliver=False)
            world.deliver(chance.choice([0, 0, 1, 3, 50]))
    world.deliver()
    world.tick(DAY0 + DAY)
    return world.snapshot()


@pytest.mark.parametrize("grouped", [False, True])
def test_a_pack_that_moves_within_a_container_changes_nothing_above_it(grouped: bool) -> None:
    """It leaves one level and joins the one below: between the two facts the container seems to hold something else."""
    assert all(told(seed, grouped) == told(0, False) for seed in range(30))

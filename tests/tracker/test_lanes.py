"""Lanes answer what the fold answers, byte for byte: rows, alerts, facts, commits, in every world and whatever was learnt before."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from packtrace.codec.ops import ReferenceRow
from packtrace.codec.ops_builder import OpsBuilder
from packtrace.domain.explode import recall_of_lots
from packtrace.domain.reference import ReferenceChange
from packtrace.domain.unknown import Tape
from packtrace.tracker.lanes import Lanes
from tests.domain import worlds_land as land
from tests.domain.plain import Changed
from tests.domain.worlds import Entry, SmallWorld, smallest, world, worlds
from tests.tracker.world import SOURCE, TrackerSide, add_ops

PARTITIONS = 2
WORLDS = int(os.environ.get("LANES_WORLDS", "150"))


def routed(small: SmallWorld, batch: int) -> list[list[bytes]]:
    """The ops records of a world: reference data first, then ``batch`` entries a record, then its end."""
    logs: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    entries: list[Entry] = [Changed(1, land.BEFORE), *small.entries]
    offset = 0
    for start in range(0, len(entries), batch):
        builders = [OpsBuilder(1) for _ in range(PARTITIONS)]
        for entry in entries[start : start + batch]:
            changes: Sequence[ReferenceChange]
            if isinstance(entry, Changed):
                changes = entry.changes
            else:
                recalled = recall_of_lots(entry.event)
                changes = [recalled] if recalled else []
                add_ops(builders, offset, entry.log_time, entry.event)
            for change in changes:
                offset += 1
                for builder in builders:
                    source = builder.source("reference/0")
                    builder.add_reference(ReferenceRow(source, offset, entry.log_time, change.entity, change.key, change.value_json))
            offset += 1
        last = entries[min(start + batch, len(entries)) - 1].log_time
        for log, builder in zip(logs, builders, strict=True):
            log += builder.take({SOURCE: last})
    for log in logs:
        log += OpsBuilder(1).take({SOURCE: small.until})
    return logs


def played(logs: list[list[bytes]], lanes: Lanes | None, items_max: int | None = None) -> TrackerSide:
    side = TrackerSide(logs, lanes)
    side.until_quiet(2, items_max)
    return side


def differences(small: SmallWorld, lanes: Lanes, batch: int = 3, items_max: int | None = None) -> list[str]:
    """What differs between a tracker that folds everything and one that takes lanes."""
    logs = routed(small, batch)
    plain, other = played(logs, None, items_max), played(logs, lanes, items_max)
    found = [
        f"row {place}" for place in plain.history.keys() | other.history.keys() if plain.history.get(place) != other.history.get(place)
    ]
    found += [f"alert {place}" for place in plain.alerts.keys() | other.alerts.keys() if plain.alerts.get(place) != other.alerts.get(place)]
    for number in range(PARTITIONS):
        if plain.logs[number] != other.logs[number]:
            found.append(f"facts of partition {number}")
        if sorted(plain.store.scan(number)) != sorted(other.store.scan(number)):
            found.append(f"state of partition {number}")
        if plain.store.acquire(number, PARTITIONS).digest != other.store.acquire(number, PARTITIONS).digest:
            found.append(f"digest of partition {number}")
        if plain.store.deadlines(number) != other.store.deadlines(number):
            found.append(f"deadlines of partition {number}")
    return found


@pytest.mark.parametrize("items_max", [None, 3])
def test_lanes_are_the_fold(items_max: int | None) -> None:
    """One world after another with what was learnt from those before."""
    lanes = Lanes(learn_after=1)
    for seed in range(WORLDS):
        batch = 1 + seed % 4
        if found := differences(world(seed), lanes, batch, items_max):
            pytest.fail("\n".join([f"world {seed}, made smaller:", str(_smaller(world(seed), batch, items_max)), *found]))
    assert lanes.taken > WORLDS, "the worlds do not take lanes"


def _smaller(small: SmallWorld, batch: int, items_max: int | None) -> SmallWorld:
    """A smaller world that differs, where one does by itself."""

    def differs(one: SmallWorld) -> bool:
        return bool(one.events) and bool(differences(one, Lanes(learn_after=1), batch, items_max))

    return smallest(small, differs) if differs(small) else small


@settings(max_examples=25)
@given(worlds())
def test_lanes_are_the_fold_in_drawn_worlds(small: SmallWorld) -> None:
    assert differences(small, Lanes(learn_after=1)) == []


def test_a_lane_that_forgets_a_condition_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property bites: leave out what was asked of marks and ids, and a repeat passes for a second event."""
    monkeypatch.setattr(Tape, "note", lambda self, left, operator, right, holds: holds)
    lanes = Lanes(learn_after=1)
    assert any(differences(world(seed), lanes) for seed in range(40))

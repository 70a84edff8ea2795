"""Lanes answer what the fold answers, byte for byte: rows, alerts, facts, commits, in every world and whatever was learnt before."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given, settings

from packtrace.codec.ops import ReferenceRow
from packtrace.codec.ops_builder import OpsBuilder
from packtrace.domain.dates import HOUR, MINUTE, SECOND
from packtrace.domain.event import Event
from packtrace.domain.explode import recall_of_lots
from packtrace.domain.reference import ReferenceChange
from packtrace.domain.unknown import Tape
from packtrace.domain.vocabulary import Action, EventType
from packtrace.tracker.lanes import Lanes
from tests.domain import worlds_land as land
from tests.domain.plain import Changed, Logged
from tests.domain.worlds import Entry, SmallWorld, smallest, world, worlds
from tests.tracker.world import SOURCE, TrackerSide, add_ops

PARTITIONS = 2
WORLDS = int(os.environ.get("LANES_WORLDS", "40"))


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


def line_world(seed: int) -> SmallWorld:
    """A line that does the same to many items, and what goes wrong there: repeats of ids, sequences and items, equal and impossible
    times, clocks that stand still, expiry and the window passing, and now and then something else altogether."""
    chance = random.Random(seed)
    commissions, packs = [_commission(chance) for _ in range(2)], [_pack(chance) for _ in range(2)]
    fresh = [land.key(f"{chance.choice('UUUF')}{n}") for n in range(100, 124)]
    made: list[str] = []
    entries: list[Entry] = []
    log_time = land.START + chance.choice([0, 0, 3 * HOUR])
    behind = chance.choice([0, SECOND, 2 * HOUR])
    sent: list[Event] = []
    while fresh:
        log_time += chance.choice([0, 1, SECOND, SECOND, 9 * SECOND, MINUTE, 80 * HOUR if chance.random() < 0.08 else SECOND])
        stray = chance.choice([0] * 6 + [SECOND, 9 * SECOND, 10 * SECOND + 1, -5 * MINUTE - 1, -5 * MINUTE, 30 * HOUR])
        number = len(sent)
        id, sequence, named = f"e{number}", chance.choice([None, number, number]), made[-6:]
        if sent and chance.random() < 0.25:
            again = chance.choice(sent[-3:])
            id, sequence = chance.choice([(again.id, sequence), (id, again.sequence)])
            named = [*(again.epcs or again.children)]
        kind = chance.random()
        if kind < 0.45 or not made:
            epcs = tuple(fresh.pop() for _ in range(min(len(fresh), chance.choice([1, 1, 3]))))
            event = msgspec.structs.replace(chance.choice(commissions), epcs=epcs)
            made += event.epcs
        elif kind < 0.93:
            children = tuple(dict.fromkeys(chance.choices(named, k=chance.randint(1, 3))))
            event = msgspec.structs.replace(chance.choice(packs), children=children)
        else:
            event = msgspec.structs.replace(_template(chance), epcs=(chance.choice(named),))
        times = {"event_time": log_time - behind - stray, "line": "" if sequence is None else "line-1", "sequence": sequence}
        sent.append(msgspec.structs.replace(event, id=id, **times))
        entries.append(Logged(log_time, sent[-1]))
    return SmallWorld(entries, log_time + chance.choice([HOUR, 80 * HOUR]))


def _template(chance: random.Random) -> Event:
    step = chance.choice(["shipping", "receiving", "inspecting", "dispensing", "holding", "decommissioning"])
    action = Action.DELETE if step in ("dispensing", "decommissioning") else Action.OBSERVE
    to = chance.choice([land.DISTRIBUTOR, land.PHARMACY]) if step == "shipping" else ""
    event = Event("", EventType.OBJECT, 0, action, biz_step=step, destination_place=to)
    return msgspec.structs.replace(event, place=chance.choice([land.PLANT, land.DISTRIBUTOR, ""]), device=chance.choice(["", "d-1", "d-2"]))


def _commission(chance: random.Random) -> Event:
    lot, expiry = chance.choice([("L7", 20280531), ("E1", 20261122), ("L7", 0), ("nope", 20280531)])
    event = Event(
        "", EventType.OBJECT, 0, Action.ADD, biz_step="commissioning", lot=lot, expiry=expiry, place=chance.choice([land.PLANT, ""])
    )
    return msgspec.structs.replace(event, device=chance.choice(["", "d-1"]))


def _pack(chance: random.Random) -> Event:
    parent = land.key(chance.choice(["P1", "P2", "C1"]))
    event = Event("", EventType.AGGREGATION, 0, Action.ADD, biz_step="packing", parent=parent)
    return msgspec.structs.replace(event, place=chance.choice([land.PLANT, land.PLANT_2, ""]), device=chance.choice(["", "d-1", "d-3"]))


def _smaller(small: SmallWorld, batch: int, items_max: int | None) -> SmallWorld:
    """A smaller world that differs, where one does by itself."""

    def differs(one: SmallWorld) -> bool:
        return bool(one.events) and bool(differences(one, Lanes(learn_after=1), batch, items_max))

    return smallest(small, differs) if differs(small) else small


@pytest.mark.parametrize("kind", [line_world, world])
@pytest.mark.parametrize("items_max", [None, 3])
def test_lanes_are_the_fold(kind: Callable[[int], SmallWorld], items_max: int | None) -> None:
    """One world after another with what was learnt from those before."""
    lanes = Lanes(learn_after=1)
    for seed in range(WORLDS):
        batch = 1 + seed % 4
        if found := differences(kind(seed), lanes, batch, items_max):
            pytest.fail("\n".join([f"world {seed}, made smaller:", str(_smaller(kind(seed), batch, items_max)), *found]))
    assert lanes.taken > WORLDS, "the worlds do not take lanes"


@settings(max_examples=25)
@given(worlds())
def test_lanes_are_the_fold_in_drawn_worlds(small: SmallWorld) -> None:
    assert differences(small, Lanes(learn_after=1)) == []


@pytest.mark.parametrize("about", ["t0", "l1"])
def test_a_lane_that_forgets_a_condition_is_found(about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The property bites: leave out what was asked of times."""
    note = Tape.note

    def forgetful(tape: Tape, left: str, operator: str, right: str, holds: bool) -> bool:
        return holds if about in f"{left} {right}" else note(tape, left, operator, right, holds)

    monkeypatch.setattr(Tape, "note", forgetful)
    lanes = Lanes(learn_after=1)
    assert any(differences(line_world(seed), lanes) for seed in range(100))

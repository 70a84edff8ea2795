"""A rebuild guesses most deadlines from a few bytes: never none where there is one, never later than it is, and never in the past."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from hypothesis import given, settings

from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.codec.checkpoint import VERSION, Checkpoint
from packtrace.codec.history import STEPS
from packtrace.codec.raw_event import RawCorrection, RawEvent
from packtrace.codec.state import USUAL_HOURS, settles_from
from packtrace.domain.dates import HOUR
from packtrace.proof.rebuild import Start, _Loading
from tests.router.seen import LOG_TIME
from tests.simulation.plan import CASES, MINUTE, PLACES, UNITS, Action, Captured, plans
from tests.simulation.plant import PARTITIONS, Plant

Newest = tuple[tuple[int, int], bytes, int]
"""Lineage and state of an item's newest row; when its first op or fact that may be open was logged."""


def newest(plant: Plant, number: int, clock: int) -> dict[str, Newest]:
    """What ``archive`` asks ClickHouse for, of one partition."""
    found: dict[str, Newest] = {}
    for row in plant.clickhouse.tables["history"]:
        if row["partition"] != number or row["row_type"] not in STEPS:
            continue
        item, place = str(row["item"]), (cast(int, row["offset"]), cast(int, row["position"]))
        logged = cast(int, row["log_time"])
        before = found.get(item, ((-1, -1), b"", 0))
        oldest = before[2]
        if row["row_type"] in ("op", "fact") and logged > clock - USUAL_HOURS * HOUR:
            oldest = min(oldest or logged, logged)
        state = str(row["state"]).encode("utf-8", "surrogateescape")
        found[item] = (place, state, oldest) if place > before[0] else (before[0], before[1], oldest)
    return found


def compare(plant: Plant) -> int:
    """How many deadlines were guessed."""
    guessed = 0
    for number in range(PARTITIONS["ops"]):
        meta = plant.redis.meta(number)
        assert meta is not None
        clock = meta.clocks.get(f"ops/{number}", 0)
        held = {key: (packed, content) for key, packed, content in plant.redis.scan(number)}
        true = plant.redis.deadlines(number)
        for key, (_, packed, oldest) in newest(plant, number, clock).items():
            assert packed == held[key][0]
            guess = settles_from(packed, held[key][1] or None, oldest)
            if guess is None:
                assert key not in true
            elif guess:
                assert clock < guess <= true[key]
                guessed += 1
        loaded(plant, number, held)
    return guessed


def loaded(plant: Plant, number: int, held: Mapping[str, tuple[bytes, dict[bytes, bytes]]]) -> None:
    """A rebuild of the partition holds what the partition holds, and wakes the same items."""
    meta = plant.redis.meta(number)
    assert meta is not None
    loader = MemoryStateStore()
    loader.begin(number, PARTITIONS["ops"])
    start = Start(number, Checkpoint(VERSION, meta.offset, meta.digest, {}, meta.clocks), 0)
    loading = _Loading(start, loader, plant.redis.reference(number))
    rows = newest(plant, number, meta.clocks.get(f"ops/{number}", 0))
    content = {key: entries for key, (_, entries) in held.items() if entries}
    loading.put(list(rows), [packed for _, packed, _ in rows.values()], [oldest for _, _, oldest in rows.values()], content)
    assert loading.digest == meta.digest
    assert {key: (packed, entries) for key, packed, entries in loader.scan(number)} == held
    assert sorted(loader.deadlines(number)) == sorted(plant.redis.deadlines(number))


GUESSED: list[int] = []


@settings(max_examples=10)
@given(plans(faults=("tick", "later")), plans(faults=("tick", "later")))
def test_a_guess_is_never_later_than_the_deadline(first: list[Action], second: list[Action]) -> None:
    plant = Plant()
    for plan, hours in ((first, 60), (second, 20), ([], 60)):
        plant.run(plan)
        plant.calm()
        GUESSED.append(compare(plant))
        plant.log.now += hours * HOUR
        plant.calm()
        GUESSED.append(compare(plant))


def test_there_was_something_to_guess() -> None:
    assert sum(GUESSED) > 20


def test_a_correction_that_is_read_back_goes_when_its_time_is_up() -> None:
    """An older event that came 60 h later stands before it in the window, and is open for longer."""
    case, time = CASES[0], LOG_TIME - 60 * MINUTE
    correction = RawEvent(
        id="e7", event_time=time + 2 * MINUTE, type="object", action="OBSERVE", epcs=(case,), place=PLACES[0],
        correction=RawCorrection("did_not_occur", ("e12",)),
    )  # fmt: skip
    pack = RawEvent(
        id="e2", event_time=time, type="aggregation", action="ADD", biz_step="packing", parent=case, children=UNITS[:1], place=PLACES[0]
    )
    plant = Plant()
    for said, hours in ((correction, 60), (pack, 20)):
        plant.run([Captured("events", 0, said)])
        plant.calm()
        plant.log.now += hours * HOUR
    plant.calm()
    compare(plant)

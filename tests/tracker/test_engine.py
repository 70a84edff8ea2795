"""One partition's step: borders of batches, partitions, crashes and stale stores change nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec import ops
from packtrace.domain.event import Event
from packtrace.domain.identifiers import check_digit, sgtin_key, sscc_key
from packtrace.domain.vocabulary import Action, EventType
from packtrace.ports import Gap
from packtrace.tracker.cache import entry_share, item_share
from tests.tracker.world import TrackerSide, routed

T0 = 1_795_341_600_000_000
MINUTE = 60_000_000
GTIN = "09506000134352"
UNITS = [sgtin_key(GTIN, f"U{n}") for n in range(4)]
CASES = [sscc_key(body + check_digit(body)) for body in (f"0950600010000000{n}" for n in range(3)) if len(body) == 17]
PLACES = ("9506000100005", "9506000100012")
HOURS = 3_600_000_000


def instant(draw: st.DrawFn) -> int:
    return T0 + draw(st.integers(0, 5)) * MINUTE


@st.composite
def event(draw: st.DrawFn) -> Event:
    time, id = instant(draw), f"e{draw(st.integers(0, 30))}"
    place = draw(st.sampled_from(PLACES))
    what = draw(st.sampled_from(("commission", "pack", "unpack", "ship", "receive", "observe", "dispense")))
    if what in ("pack", "unpack"):
        parent = draw(st.sampled_from(CASES))
        least = 1 if what == "pack" else 0
        children = draw(
            st.lists(st.sampled_from([key for key in (*UNITS, *CASES) if key != parent]), min_size=least, max_size=3, unique=True)
        )
        action = Action.ADD if what == "pack" else Action.DELETE
        return Event(id, EventType.AGGREGATION, time, action, biz_step=f"{what}ing", parent=parent, children=tuple(children), place=place)
    epcs = tuple(draw(st.lists(st.sampled_from((*UNITS, *CASES)), min_size=1, max_size=2, unique=True)))
    if what == "commission":
        return Event(id, EventType.OBJECT, time, Action.ADD, biz_step="commissioning", epcs=epcs, lot="L7", expiry=20280531, place=place)
    step = {"ship": "shipping", "receive": "receiving", "observe": "inspecting", "dispense": "dispensing"}[what]
    return Event(id, EventType.OBJECT, time, Action.OBSERVE, biz_step=step, epcs=epcs, place=place, destination_place=PLACES[1])


EVENTS = st.lists(event(), min_size=1, max_size=12)


def logged(events: list[Event]) -> list[tuple[int, Event]]:
    return [(T0 + 10 * MINUTE + n, one) for n, one in enumerate(events)]


def ran(events: list[Event], partitions: int = 2, route_batch: int = 3, batch: int = 4) -> TrackerSide:
    side = TrackerSide(routed(logged(events), partitions, route_batch, T0 + 6 * HOURS))
    side.until_quiet(batch)
    return side


def digest_of(side: TrackerSide, partition: int) -> int:
    total = 0
    for key, packed, content in side.store.scan(partition):
        total += item_share(key, packed) + sum(entry_share(key, name, entry) for name, entry in content.items())
    return total % 2**64


@settings(max_examples=60)
@given(EVENTS, st.integers(1, 5), st.integers(1, 6))
def test_batch_sizes_change_neither_state_nor_alerts(events: list[Event], route_batch: int, batch: int) -> None:
    plain, other = ran(events), ran(events, route_batch=route_batch, batch=batch)
    assert other.items() == plain.items()
    assert other.standing() == plain.standing()


@settings(max_examples=60)
@given(EVENTS, st.integers(1, 5))
def test_the_number_of_partitions_changes_neither_state_nor_alerts(events: list[Event], partitions: int) -> None:
    plain, other = ran(events), ran(events, partitions=partitions)
    assert other.items() == plain.items()
    assert other.standing() == plain.standing()


@settings(max_examples=40)
@given(EVENTS)
def test_the_digest_is_the_sum_over_what_is_stored(events: list[Event]) -> None:
    side = ran(events)
    for partition in range(2):
        meta = side.store.meta(partition)
        assert meta is not None
        assert meta.digest == digest_of(side, partition)


@settings(max_examples=40)
@given(EVENTS)
def test_every_op_is_one_row(events: list[Event]) -> None:
    side = ran(events)
    rows = [row for row in side.history.values() if row["row_type"] == "op"]
    named = sum(len(one.epcs) + len(one.children) + bool(one.parent) for one in events)
    assert len(rows) == named


@settings(max_examples=80)
@given(EVENTS, st.data())
def test_a_crash_between_writing_and_committing_repeats_the_same_lineage(events: list[Event], data: st.DataObject) -> None:
    clean = ran(events)
    side = TrackerSide(routed(logged(events), 2, 3, T0 + 6 * HOURS))
    for _ in range(60):
        partition = data.draw(st.integers(0, 1))
        step = side.compute(partition, data.draw(st.integers(1, 4)))
        if step is None:
            continue
        fate = data.draw(st.sampled_from(("commit", "commit", "crash before writing", "crash before committing")))
        if fate != "crash before writing":
            side.publish(step)
        if fate == "commit":
            side.commit(step.commit)
        else:
            del side.engines[partition]
    side.until_quiet(3)
    assert side.items() == clean.items()
    assert side.standing() == clean.standing()
    assert [digest_of(side, p) for p in range(2)] == [digest_of(clean, p) for p in range(2)]
    assert sum(row["row_type"] == "op" for row in side.history.values()) == sum(row["row_type"] == "op" for row in clean.history.values())


@settings(max_examples=40)
@given(EVENTS, st.integers(0, 6))
def test_a_store_that_comes_back_older_is_caught_up(events: list[Event], steps: int) -> None:
    clean = ran(events)
    side = TrackerSide(routed(logged(events), 2, 3, T0 + 6 * HOURS))
    older = side.store.snapshot()
    for n in range(steps):
        step = side.compute(n % 2, 2)
        if step is not None:
            side.publish(step)
            side.commit(step.commit)
    side.store.restore(older)
    for partition, engine in list(side.engines.items()):
        if engine.offset and engine.offset < len(side.logs[partition]):
            with pytest.raises(Gap):
                step = side.compute(partition, 2)
                assert step is not None
                side.publish(step)
                side.commit(step.commit)
        del side.engines[partition]
    side.until_quiet(3)
    assert side.items() == clean.items()
    assert side.standing() == clean.standing()


@settings(max_examples=60)
@given(EVENTS, st.integers(1, 3))
def test_a_tracker_that_reads_every_item_back_writes_the_same_rows(events: list[Event], batch: int) -> None:
    """An item read back may know an earlier deadline than one that stayed in memory; the numbers of rows must not tell."""
    logs = routed(logged(events), 2, 3, T0 + 100 * HOURS)
    plain, other = TrackerSide(logs), TrackerSide(logs)
    moved = True
    while moved:
        moved = False
        for partition in range(2):
            for side in (plain, other):
                step = side.compute(partition, batch)
                if step is not None:
                    side.publish(step)
                    side.commit(step.commit)
                    moved = True
            other.engines.clear()
    assert other.history == plain.history
    assert other.alerts == plain.alerts
    assert other.logs == plain.logs


def facts_told(side: TrackerSide, partition: int) -> set[tuple[str, int, int]]:
    """The lineage of every fact in a partition's log."""
    batches = [ops.decode(body) for body in side.logs[partition]]
    return {(batch.sources[row.source], row.offset, row.nth) for batch in batches for row in batch.facts}


@settings(max_examples=60)
@given(EVENTS, st.data())
def test_a_fact_written_again_after_a_crash_is_taken_once(events: list[Event], data: st.DataObject) -> None:
    side = TrackerSide(routed(logged(events), 2, 3, T0 + 6 * HOURS))
    for _ in range(30):
        partition = data.draw(st.integers(0, 1))
        step = side.compute(partition, 2)
        if step is None:
            continue
        side.publish(step)
        if data.draw(st.booleans()):
            side.commit(step.commit)
        else:
            del side.engines[partition]
    side.until_quiet(3)
    for partition in range(2):
        rows = [row for row in side.history.values() if row["row_type"] == "fact" and row["partition"] == partition]
        assert len(rows) == len(facts_told(side, partition))


@settings(max_examples=60)
@given(EVENTS, st.integers(1, 4))
def test_what_a_restarted_router_writes_again_is_dropped(events: list[Event], batch: int) -> None:
    clean = ran(events)
    logs, again = routed(logged(events), 2, 3), routed(logged(events), 2, batch, T0 + 6 * HOURS)
    side = TrackerSide([first + second for first, second in zip(logs, again, strict=True)])
    side.until_quiet(4)
    named = sum(len(one.epcs) + len(one.children) + bool(one.parent) for one in events)
    assert sum(row["row_type"] == "op" for row in side.history.values()) == named
    assert side.items() == clean.items()
    assert side.standing() == clean.standing()

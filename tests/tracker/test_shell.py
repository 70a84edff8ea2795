"""The tracker's effects: crashes between any two, rivals, outages and older stores end as a clean run does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.adapters.log_memory import MemoryLog, MemoryReader, MemoryWriter
from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.codec import alert_record, history, ops
from packtrace.domain.event import Event
from packtrace.domain.vocabulary import Action, EventType
from packtrace.errors import RefusedError
from packtrace.ports import Commit, PartitionMeta, TopicPartition
from packtrace.tracker.shell import FENCED_SECONDS, Tracker, Wire
from tests.tracker.test_engine import CASES, EVENTS, HOURS, PLACES, T0, UNITS, logged
from tests.tracker.world import TrackerSide, routed

PARTITIONS = 2
ROUNDS_MAX = 400
GROUP = "packtrace-tracker"


class Crash(Exception):
    """The process ends here."""


class Faults:
    """Counts the calls to what is outside; one of them may be the last of its process: before it is carried out, or after."""

    def __init__(self, crash_before: int = 0, crash_after: int = 0) -> None:
        self.calls = 0
        self._before, self._after = crash_before, crash_after

    def around(self, call: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.calls == self._before:
            raise Crash
        answer = call()
        if self.calls == self._after:
            raise Crash
        return answer


class Store(MemoryStateStore):
    """A process's own door to the store that all share."""

    def __init__(self, shared: MemoryStateStore, faults: Faults) -> None:
        super().__init__()
        self._shared, self._faults = shared, faults

    def acquire(self, partition: int, partitions: int) -> PartitionMeta:
        return self._faults.around(lambda: self._shared.acquire(partition, partitions))  # type: ignore[no-any-return]

    def load(self, partition: int, items: Sequence[str]) -> dict[str, tuple[bytes, dict[bytes, bytes]]]:
        return self._shared.load(partition, items)

    def scan(self, partition: int) -> Iterable[tuple[str, bytes, dict[bytes, bytes]]]:
        return self._shared.scan(partition)

    def deadlines(self, partition: int, until: int | None = None) -> dict[str, int]:
        return self._shared.deadlines(partition, until)

    def reference(self, partition: int) -> dict[str, str]:
        return self._shared.reference(partition)

    def meta(self, partition: int) -> PartitionMeta | None:
        return self._shared.meta(partition)

    def commit(self, commit: Commit) -> None:
        self._faults.around(lambda: self._shared.commit(commit))


class Writer(MemoryWriter):
    def __init__(self, log: MemoryLog, faults: Faults) -> None:
        super().__init__(log)
        self._faults = faults

    def flush(self, timeout_seconds: float) -> None:
        self._faults.around(lambda: super(Writer, self).flush(timeout_seconds))


class System:
    """A log with routed ops, a store, and trackers that come and go."""

    def __init__(self, events: list[Event], route_batch: int = 3) -> None:
        self.log = MemoryLog({"ops": PARTITIONS, "history": 2, "alerts": 1})
        self.store = MemoryStateStore()
        self.now = 0.0
        for number, log in enumerate(routed(logged(events), PARTITIONS, route_batch, T0 + 6 * HOURS)):
            for body in log:
                self.log.append(TopicPartition("ops", number), None, body)

    def tracker(
        self, faults: Faults | None = None, records_max: int = 3, items_max: int = 1000, bite_bytes: int = 1
    ) -> tuple[Tracker, MemoryReader]:
        faults = faults or Faults()
        reader = MemoryReader(self.log, GROUP)
        tracker = Tracker(
            reader, lambda: Writer(self.log, faults), Store(self.store, faults), Wire(lambda topic, body: body, lambda value: value),
            partitions=PARTITIONS, history_partitions=2, records_max=records_max, items_max=items_max, bite_bytes=bite_bytes,
            clock=lambda: self.now, sleep=self._sleep,
        )  # fmt: skip
        tracker.start()
        return tracker, reader

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def rounds(self, tracker: Tracker, count: int) -> None:
        for _ in range(count):
            tracker.round()
            self.now += 0.1

    def until_quiet(self, tracker: Tracker) -> None:
        for _ in range(ROUNDS_MAX):
            self.rounds(tracker, 1)
            if self.quiet():
                return
        raise AssertionError(f"not quiet after {ROUNDS_MAX} rounds: {tracker.trouble}")

    def quiet(self) -> bool:
        metas = {number: self.store.meta(number) for number in range(PARTITIONS)}
        ends = {number: len(self.log.records[TopicPartition("ops", number)]) for number in range(PARTITIONS)}
        return all(meta is not None and meta.offset == ends[number] for number, meta in metas.items())

    def rows(self) -> dict[tuple[int, int, int], dict[str, object]]:
        """What a sink keeps of the topic history: what lies above its watermark of the partition of ops."""
        bodies = [(record.partition, history.rows_of(history.decode(record.value or b""))) for record in self.log.topic("history")]
        return _kept(
            (
                (place, (int(str(row["partition"])), int(str(row["offset"])), int(str(row["position"]))), row)
                for place, rows in bodies
                for row in rows
            )
        )

    def alerts(self) -> dict[tuple[int, int, int], Any]:
        found = [alert_record.decode(record.value or b"") for record in self.log.topic("alerts")]
        return _kept((0, (one.partition, one.offset, one.nth), one.change) for one in found)

    def standing(self) -> dict[str, str]:
        newest: dict[str, Any] = {}
        for _, change in sorted(self.alerts().items()):
            if change.id not in newest or change.version > newest[change.id].version:
                newest[change.id] = change
        return {id: change.status.value for id, change in newest.items() if change.status != "withdrawn"}

    def state(self) -> dict[int, object]:
        """Everything stored but the epoch and what follows from the order of facts: (items, digest, reference)."""
        return {
            number: ({key: packed for key, packed, _ in self.store.scan(number)}, (self.store.meta(number) or _NONE).digest)
            for number in range(PARTITIONS)
        }

    def told(self) -> int:
        """Facts in the logs, each lineage once."""
        batches = [(record.partition, ops.decode(record.value or b"")) for record in self.log.topic("ops")]
        return len({(place, batch.sources[row.source], row.offset, row.nth) for place, batch in batches for row in batch.facts})


_NONE = PartitionMeta(0, 0, 0, {}, {})


def _kept(written: Iterable[tuple[int, tuple[int, int, int], Any]]) -> dict[tuple[int, int, int], Any]:
    kept: dict[tuple[int, int, int], Any] = {}
    seen: dict[tuple[int, int], tuple[int, int]] = {}
    for place, (partition, offset, nth), value in written:
        if (offset, nth) <= seen.get((place, partition), (-1, -1)):
            assert kept.get((partition, offset, nth)) == value, f"{(partition, offset, nth)} was written before, with other content"
            continue
        seen[place, partition] = (offset, nth)
        kept[partition, offset, nth] = value
    return kept


def clean(events: list[Event]) -> System:
    system = System(events)
    tracker, _ = system.tracker()
    system.until_quiet(tracker)
    return system


def assert_equal_to_a_clean_run(system: System, events: list[Event]) -> None:
    expected = clean(events)
    assert system.state() == expected.state()
    assert system.standing() == expected.standing()
    rows = list(system.rows().values())
    assert (
        _count(rows, "op")
        == _count(list(expected.rows().values()), "op")
        == sum(len(one.epcs) + len(one.children) + bool(one.parent) for one in events)
    )
    assert _count(rows, "fact") == system.told()


def _count(rows: Sequence[Mapping[str, object]], row_type: str) -> int:
    return sum(row["row_type"] == row_type for row in rows)


@settings(max_examples=30)
@given(EVENTS, st.integers(1, 6), st.integers(1, 5))
def test_a_small_cache_and_any_batch_give_what_the_engines_give(events: list[Event], records_max: int, items_max: int) -> None:
    system = System(events)
    tracker, _ = system.tracker(records_max=records_max, items_max=items_max)
    system.until_quiet(tracker)
    side = TrackerSide(routed(logged(events), PARTITIONS, 3, T0 + 6 * HOURS))
    side.until_quiet(4)
    assert {key: packed for number in range(PARTITIONS) for key, packed, _ in system.store.scan(number)} == {
        key: packed for key, (packed, _) in side.items().items()
    }
    assert_equal_to_a_clean_run(system, events)


@settings(max_examples=60)
@given(EVENTS, st.lists(st.tuples(st.booleans(), st.integers(1, 12)), min_size=1, max_size=4))
def test_a_crash_before_or_after_any_effect_changes_nothing(events: list[Event], crashes: list[tuple[bool, int]]) -> None:
    system = System(events)
    for before, call in crashes:
        tracker, reader = system.tracker(Faults(crash_before=call) if before else Faults(crash_after=call))
        with suppress(Crash):
            system.rounds(tracker, 12)
        reader.kill()
    tracker, _ = system.tracker()
    system.until_quiet(tracker)
    assert_equal_to_a_clean_run(system, events)


@settings(max_examples=40)
@given(EVENTS, st.data())
def test_two_processes_that_believe_they_own_a_partition_change_nothing(events: list[Event], data: st.DataObject) -> None:
    """One of them was thrown out of the group and does not know: it goes on with what it has read, and is fenced."""
    system = System(events)
    sleeper, sleeper_reader = system.tracker(records_max=2)
    system.rounds(sleeper, data.draw(st.integers(0, 3)))
    held = dict(sleeper_reader.places)
    sleeper_reader.kill()
    owner, _ = system.tracker(records_max=2)
    system.rounds(owner, data.draw(st.integers(0, 3)))
    sleeper_reader.places = held
    for partition, engine in list(sleeper._engines.items()):
        records = system.log.records[TopicPartition("ops", partition)]
        waiting = [record for record in records if record.offset >= engine.offset][: data.draw(st.integers(1, 4))]
        for record in waiting:
            sleeper._apply([record])
        sleeper._finish()
    system.until_quiet(owner)
    assert_equal_to_a_clean_run(system, events)


@settings(max_examples=40)
@given(EVENTS, st.integers(0, 5), st.integers(1, 5))
def test_a_store_restored_to_an_older_moment_is_caught_up(events: list[Event], first: int, later: int) -> None:
    system = System(events)
    tracker, _ = system.tracker(records_max=2)
    system.rounds(tracker, first)
    older = system.store.snapshot()
    system.rounds(tracker, later)
    system.store.restore(older)
    for number in range(PARTITIONS):
        system.log.append(TopicPartition("ops", number), None, ops.encode(ops.OpsBatch()))  # a tick: something to commit
    system.until_quiet(tracker)
    assert_equal_to_a_clean_run(system, events)


@settings(max_examples=40)
@given(EVENTS, st.lists(st.sampled_from(("store", "log", "delivery", "answer", "nothing")), max_size=8))
def test_outages_are_waited_out(events: list[Event], outages: list[str]) -> None:
    system = System(events)
    tracker, _ = system.tracker(records_max=2)
    for outage in outages:
        system.store.away, system.log.away = outage == "store", outage == "log"
        system.log.fail_writes = 1 if outage == "delivery" else 0
        system.store.lose_answers = 1 if outage == "answer" else 0
        system.rounds(tracker, 1)
    system.store.away = system.log.away = False
    system.log.fail_writes = system.store.lose_answers = 0
    system.until_quiet(tracker)
    assert_equal_to_a_clean_run(system, events)
    assert tracker.trouble is None


def test_a_partition_whose_taker_vanished_is_taken_again(one_event: list[Event]) -> None:
    system = System(one_event)
    tracker, _ = system.tracker()
    system.rounds(tracker, 1)
    for number in range(PARTITIONS):
        system.store.acquire(number, PARTITIONS)  # a sleeper, already out of the group
        system.log.append(TopicPartition("ops", number), None, ops.encode(ops.OpsBatch()))
    system.rounds(tracker, 3)
    assert not system.quiet()
    system.now += FENCED_SECONDS
    system.until_quiet(tracker)
    assert_equal_to_a_clean_run(system, one_event)


def test_a_hole_in_the_log_stops_the_tracker(one_event: list[Event]) -> None:
    system = System(one_event)
    records = system.log.records[TopicPartition("ops", 0)]
    records += [records[-1]._replace(offset=len(records) + 3)]
    tracker, _ = system.tracker(records_max=1)
    with pytest.raises(RefusedError, match="the log has a hole"):
        system.rounds(tracker, 20)


def test_a_record_that_is_none_of_ours_stops_the_tracker_and_names_its_place(one_event: list[Event]) -> None:
    system = System(one_event)
    bad = system.log.append(TopicPartition("ops", 1), None, b"\xff")
    tracker, _ = system.tracker()
    with pytest.raises(RefusedError, match=f"ops/1, offset {bad.offset}: "):
        system.rounds(tracker, 20)


def test_a_store_made_for_another_number_of_partitions_stops_the_tracker(one_event: list[Event]) -> None:
    system = System(one_event)
    system.store.acquire(0, PARTITIONS + 1)
    tracker, _ = system.tracker()
    with pytest.raises(RefusedError, match="expected 2 partitions, found 3"):
        system.rounds(tracker, 2)


@pytest.fixture
def one_event() -> list[Event]:
    return [Event("e1", EventType.AGGREGATION, T0, Action.ADD, biz_step="packing", parent=CASES[0], children=tuple(UNITS), place=PLACES[0])]

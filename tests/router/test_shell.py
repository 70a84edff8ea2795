"""The router's effects on the log in memory: nothing lost, nothing out of order, whatever fails; clocks that never run ahead."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.adapters import crash_point
from packtrace.adapters.log_memory import MemoryLog, MemoryReader, MemoryWriter
from packtrace.adapters.registry_memory import MemoryRegistry
from packtrace.codec import event_avro, rejected_record, wire
from packtrace.codec.raw_event import RawEvent
from packtrace.contracts import schema_text
from packtrace.domain.vocabulary import Reject
from packtrace.errors import UnavailableError
from packtrace.ports import LogReader, LogWriter, TopicPartition
from packtrace.router.shell import Limits, Router
from tests.router.seen import LOG_TIME, Op, clocks_of, ops_of, packing, record, scan

PARTITIONS = {"events": 2, "reference": 1, "ops": 3, "rejected": 1}
GROUP = "packtrace-router"
SECOND = 1_000_000
TURNS_MAX = 2_000


class Plant:
    """A log, a registry, and routers that live and die."""

    def __init__(self, tick_seconds: float = 60.0, batch_records: int = 3, batch_bytes: int = 1 << 20) -> None:
        self.log = MemoryLog(PARTITIONS, LOG_TIME)
        self.registry = MemoryRegistry()
        self.limits = Limits(batch_records, batch_bytes, tick_seconds, clock_margin_seconds=1.0)
        self.readers: list[MemoryReader] = []

    def capture(self, value: RawEvent | bytes | None, partition: int = 0) -> None:
        """A line writes."""
        bytes_ = record(value).value if isinstance(value, RawEvent) else value
        self.log.append(TopicPartition("events", partition), b"line-1", bytes_)
        self.log.now += 1000

    def router(self, writer: Callable[[], LogWriter] | None = None) -> Router:
        def open_reader() -> LogReader:
            self.readers.append(MemoryReader(self.log, GROUP))
            return self.readers[-1]

        return Router(
            open_reader,
            writer or (lambda: MemoryWriter(self.log)),
            self.registry,
            self.limits,
            ops_partitions=PARTITIONS["ops"],
            event_partitions=PARTITIONS["events"],
            now=lambda: self.log.now,
        )

    def run(self, router: Router, turns: int = TURNS_MAX) -> None:
        """Until everything captured is committed, at most so many turns."""
        left = iter(range(turns))
        router.run(lambda: self.caught_up() or next(left, None) is None)

    def caught_up(self) -> bool:
        positions = self.log.group(GROUP).positions
        return all(
            positions[partition].offset == len(records) if partition in positions else not records
            for partition, records in self.log.records.items()
            if partition.topic in ("events", "reference")
        )

    def bodies(self, partition: int) -> list[bytes]:
        """Of the ops records of a partition, in order."""
        return [wire.unframe(one.value)[1] for one in self.log.records[TopicPartition("ops", partition)]]

    def ops(self) -> dict[int, dict[str, list[Op]]]:
        """As trackers keep them: per partition and source, what lies above the watermark."""
        found: dict[int, dict[str, list[Op]]] = {}
        for partition in range(PARTITIONS["ops"]):
            sources: dict[str, list[Op]] = {}
            for op in ops_of(self.bodies(partition)):
                kept = sources.setdefault(op.source, [])
                if not kept or (op.offset, op.nth) > (kept[-1].offset, kept[-1].nth):
                    kept.append(op)
            found[partition] = sources
        return found

    def rejected(self) -> list[rejected_record.RejectedRecord]:
        return [rejected_record.decode(wire.unframe(one.value)[1]) for one in self.log.topic("rejected")]


def filled(events: Sequence[tuple[RawEvent | bytes | None, int]], **limits: int) -> Plant:
    plant = Plant(**limits)
    for value, partition in events:
        plant.capture(value, partition)
    return plant


EVENTS: list[tuple[RawEvent | bytes | None, int]] = [
    *((scan(serial), n % 2) for n, serial in enumerate("ABCDEFGH")),
    (packing(1, "ABCD"), 0),
    (None, 1),
    (packing(2, "EFGH"), 1),
    (b"x", 0),
    *((scan(serial), n % 2) for n, serial in enumerate("IJKL")),
]


def clean() -> Plant:
    plant = filled(EVENTS)
    plant.run(plant.router())
    return plant


def test_everything_is_routed_and_its_position_stored() -> None:
    plant = clean()
    assert plant.caught_up()
    assert sum(len(ops) for sources in plant.ops().values() for ops in sources.values()) == 12 + 2 * 5
    assert [(one.partition, one.reason) for one in plant.rejected()] == [(0, Reject.NO_RECORD), (1, Reject.TOMBSTONE)]


class FailingWriter(MemoryWriter):
    """Stores ``good`` records, then fails at delivery, as a broker that dies."""

    def __init__(self, log: MemoryLog, good: int, slow: bool) -> None:
        super().__init__(log, slow=slow)
        self._good = good

    def _store(self) -> None:
        kept = list(self._queue)[: self._good]
        failed = len(self._queue) > len(kept)
        self._good -= len(kept)
        self._queue.clear()
        self._queue.extend(kept)
        super()._store()
        if failed:
            self._failure = "memory log: a record was not stored"


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 7), st.booleans())
def test_a_writer_that_fails_anywhere_leaves_what_a_clean_run_leaves(good: list[int], batch_records: int, slow: bool) -> None:
    plant = filled(EVENTS, batch_records=batch_records)
    failures = iter(good)

    def writer() -> LogWriter:
        stored = next(failures, None)
        return MemoryWriter(plant.log, slow=slow) if stored is None else FailingWriter(plant.log, stored, slow)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("packtrace.router.shell.BACKOFF_SECONDS", (0.0, 0.0))
        plant.run(plant.router(writer))
    assert plant.caught_up()
    assert plant.ops() == clean().ops()
    assert {(one.partition, one.offset) for one in plant.rejected()} == {(one.partition, one.offset) for one in clean().rejected()}


class Killed(BaseException):
    """The process died here."""


POINTS = ["after_read", "before_write", "between_writes", "after_write", "after_flush", "after_commit"]


@given(st.lists(st.tuples(st.sampled_from(POINTS), st.integers(1, 6)), max_size=5), st.integers(1, 7), st.booleans())
def test_a_router_killed_between_any_two_effects_leaves_what_a_clean_run_leaves(
    kills: list[tuple[str, int]], batch_records: int, slow: bool
) -> None:
    plant = filled(EVENTS, batch_records=batch_records)

    def die(status: int) -> None:
        plant.readers[-1].kill()
        raise Killed(status)

    for point, passage in kills:
        crash_point.arm(f"router.{point}:{passage}", die)
        with suppress(Killed):
            plant.run(plant.router(lambda: MemoryWriter(plant.log, slow=slow)))
    crash_point.arm("")
    if not plant.caught_up():
        plant.run(plant.router())
    assert plant.caught_up()
    assert plant.ops() == clean().ops()
    assert {(one.partition, one.offset) for one in plant.rejected()} == {(one.partition, one.offset) for one in clean().rejected()}


def test_two_routers_share_the_sources_and_leave_what_one_leaves() -> None:
    plant = filled(EVENTS[:8])
    first, second = plant.router(), plant.router()
    turns = iter(range(400))
    entered = False

    def first_stops() -> bool:
        nonlocal entered
        turn = next(turns, None)
        if turn == 1 and not entered:
            entered = True
            for value, partition in EVENTS[8:]:
                plant.capture(value, partition)
            inner = iter(range(30))
            second.run(lambda: next(inner, None) is None)
        return turn is None or (entered and plant.caught_up())

    first.run(first_stops)
    assert plant.caught_up()
    assert plant.ops() == clean().ops()


def test_a_registry_that_is_away_is_waited_out_and_nothing_is_rejected() -> None:
    plant = filled(EVENTS)
    router = plant.router()
    plant.registry.schema_id("ops")
    plant.registry.schema_id("rejected")
    plant.registry.away = True
    turns = iter(range(60))

    def stopping() -> bool:
        if next(turns, None) == 30:
            assert "away" in (router.ready() or "")
            assert plant.rejected() == []
            plant.registry.away = False
        return plant.caught_up()

    router.run(stopping)
    assert plant.ops() == clean().ops()
    assert router.ready() is not None  # two of sixteen were rejected


def test_a_schema_that_the_registry_has_not_is_a_rejection() -> None:
    plant = filled([(scan("A"), 0), (wire.frame(4711, b"x"), 0), (scan("B"), 0)])
    plant.run(plant.router())
    assert [(one.offset, one.reason) for one in plant.rejected()] == [(1, Reject.UNKNOWN_SCHEMA)]
    assert sum(len(ops) for sources in plant.ops().values() for ops in sources.values()) == 2


def test_a_schema_registered_while_running_is_understood() -> None:
    plant = filled([(scan("A"), 0)])
    router = plant.router()
    plant.run(router)
    schema = json.loads(schema_text("event.avsc"))
    schema["doc"] = "another"
    new = plant.registry.add(json.dumps(schema))
    plant.capture(wire.frame(new, event_avro.encode(scan("B"))))
    plant.run(plant.router())
    assert plant.rejected() == []


def test_a_broker_that_is_away_is_waited_out() -> None:
    plant = filled(EVENTS)
    router = plant.router()
    plant.log.away = True
    turns = iter(range(10_000))

    def stopping() -> bool:
        if next(turns, None) == 20:
            assert router.ready() is not None
            plant.log.away = False
        return plant.caught_up()

    router.run(stopping)
    assert plant.ops() == clean().ops()


def test_few_rejected_keep_it_ready_and_more_than_one_percent_do_not() -> None:
    plant = filled([*((scan(f"{n:03d}"), 0) for n in range(100)), (b"x", 0)], batch_records=500)
    router = plant.router()
    plant.run(router)
    assert router.ready() is None
    plant.capture(b"y")
    plant.run(router)
    assert "rejected" in (router.ready() or "")


def test_a_batch_is_bounded_in_bytes_and_one_large_record_still_passes() -> None:
    large = msgspec.structs.replace(scan("A"), epcs=tuple(scan(f"{n:04d}").epcs[0] for n in range(500)))
    plant = filled([(large, 0), (scan("B"), 0), (large, 0), (scan("C"), 0)], batch_records=100, batch_bytes=4_000)
    plant.run(plant.router())
    assert sum(len(ops) for sources in plant.ops().values() for ops in sources.values()) == 1002
    assert sum(len(plant.bodies(partition)) for partition in range(3)) > 6


# clocks


def ticked(plant: Plant, turns: int = 3) -> dict[int, dict[str, int]]:
    """Run so many turns; the clock of each ops partition then, as a tracker reads it."""
    left = iter(range(turns))
    plant.router().run(lambda: next(left, None) is None)
    clocks: dict[int, dict[str, int]] = {}
    for partition in range(PARTITIONS["ops"]):
        known: dict[str, int] = {}
        for body in plant.bodies(partition):
            for source, clock in clocks_of(body).items():
                assert clock >= known.get(source, 0)
                known[source] = clock
        clocks[partition] = known
    return clocks


def test_sources_that_are_caught_up_move_with_the_clock_less_the_margin() -> None:
    plant = Plant(tick_seconds=0.0)
    for clocks in ticked(plant).values():
        assert clocks == {"events/0": LOG_TIME - SECOND, "events/1": LOG_TIME - SECOND}
    plant.log.now += 60 * SECOND
    for clocks in ticked(plant).values():
        assert clocks == {"events/0": LOG_TIME + 59 * SECOND, "events/1": LOG_TIME + 59 * SECOND}


def test_a_source_with_a_backlog_stands_at_its_last_routed_record() -> None:
    plant = filled([(scan(f"{n:03d}"), 0) for n in range(50)], batch_records=2)
    plant.limits = plant.limits._replace(tick_seconds=0.0)
    plant.log.now += 3600 * SECOND
    for clocks in ticked(plant, turns=5).values():
        assert clocks["events/0"] < LOG_TIME + SECOND
        assert clocks["events/1"] == LOG_TIME + 50_000 + 3599 * SECOND


def test_every_op_lies_above_the_clock_its_partition_was_told_before() -> None:
    """The promise itself: no record of a source comes after a clock that lies above its log time."""
    plant = filled([(packing(n, f"{n:02d}"), n % 2) for n in range(10, 40)], batch_records=4)
    plant.limits = plant.limits._replace(tick_seconds=0.0)
    router = plant.router()
    left = iter(range(60))

    def stopping() -> bool:
        plant.capture(scan(f"Z{plant.log.now}"), plant.log.now // 1000 % 2)
        plant.log.now += SECOND
        return next(left, None) is None

    router.run(stopping)
    for partition in range(PARTITIONS["ops"]):
        known: dict[str, int] = {}
        for body in plant.bodies(partition):
            for op in ops_of([body]):
                assert op.log_time >= known.get(op.source, 0)
            known |= clocks_of(body)


def test_the_clock_comes_with_every_record_that_has_ops() -> None:
    plant = filled([(scan("A"), 0)])
    plant.run(plant.router())
    bodies = [body for partition in range(3) for body in plant.bodies(partition) if ops_of([body])]
    assert [clocks_of(body)["events/0"] for body in bodies] == [LOG_TIME]


def test_ids_of_what_it_writes_are_asked_of_the_registry_first() -> None:
    plant = filled([(scan("A"), 0)])
    plant.registry.away = True
    with pytest.raises(UnavailableError):
        plant.registry.schema_id("ops")
    router = plant.router()
    left = iter(range(3))
    router.run(lambda: next(left, None) is None)
    assert plant.log.topic("ops") == []

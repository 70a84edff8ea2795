"""The tracker's effects, numbered. One round:

1. read records of ops; a partition newly assigned is taken first: a new epoch, and reading starts at the store's offset; what was
   read waits until its wave is there (``waves``);
2. load the items named, in bites bounded in bytes, and look whether the store still stands where we do: a process that lost
   the partition, or a store that came back older, must not make it write what follows from another moment;
3. fold (pure);
4. write history, alerts and facts;
5. wait for the broker;
6. commit each partition in the store: state, watermarks, digest and offset in one step.

While the broker takes what 4 wrote of one bite, 2 and 3 of the next are done; 5 and 6 of the one come before 4 of the other. A
round ends with 6: nothing is in flight when partitions come and go.

A crash before 6 repeats 4 with the same lineage, and readers drop the repeat. FENCED: another process owns the partition,
drop it. GAP: the store stands elsewhere (it lost its last second, or another owner moved it): drop what is in memory and go
on from there. A dependency that is away is waited out: everything in memory is thrown away and taken again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from packtrace.adapters.crash_point import crash_point
from packtrace.codec import alert_record, ops, wire
from packtrace.codec.ops import OpsBatch
from packtrace.codec.ops_builder import OpsBuilder
from packtrace.errors import PacktraceError, RefusedError, RejectedError, UnavailableError
from packtrace.ports import Committed, Fenced, Gap, LogReader, LogRecord, LogWriter, StateStore, TopicPartition
from packtrace.telemetry import (
    DEPENDENCY_WAITS,
    TRACKER_ALERTS,
    TRACKER_CACHED,
    TRACKER_DROPPED,
    TRACKER_FACTS,
    TRACKER_FENCED,
    TRACKER_GAPS,
    TRACKER_LAG,
    TRACKER_OPS,
    TRACKER_PARTITIONS,
    TRACKER_STAGE_SECONDS,
    log,
)
from packtrace.tracker import loading
from packtrace.tracker.engine import OpsRecord, PartitionEngine, Step
from packtrace.tracker.lanes import LEARN_AFTER, Lanes
from packtrace.tracker.reading import OPS, Reading, by_partition

POLL_SECONDS = 0.05
FLUSH_SECONDS_MAX = 6.0
"""A broker that takes longer is away; less than the 10 s a SIGTERM may take."""
BITE_BYTES_MAX = 2 * 1024 * 1024
"""Record bytes folded before the next commit, some 15,000 ops of scans; a backlog is taken in such bites, two of them in memory."""
WAIT_SECONDS_FIRST = 0.1
WAIT_SECONDS_MAX = 5.0
WAIT_SLICE_SECONDS = 0.1
"""A signal is served between slices."""
POSITION_SECONDS = 2.0
"""How often positions are told to the consumer group, for those who watch its lag; nothing reads them back."""
LAG_SECONDS = 0.5
"""Between two questions for the end of a partition; they take turns."""
FENCED_SECONDS = 20.0
"""A partition lost to another owner that is still assigned to us after twice the session timeout has no owner: a sleeper took it
and was thrown out of the group. Take it again."""


class Wire:
    """How values travel: the schema id before the Avro body, per topic."""

    def __init__(self, frame: Callable[[str, bytes], bytes], unframe: Callable[[bytes], bytes]) -> None:
        self.frame = frame
        self.unframe = unframe


class Tracker:
    """All partitions one process owns.

    Args:
        writer: makes a writer, anew after each outage.
        records_max: most records read at once.
        items_max: most items kept in memory between commits.
        bite_bytes: most record bytes folded at once, or one record.
        learn_after: items that are alike folded before a lane is made of them.
        clock: seconds, never going back.
        now: microseconds since 1970, to name waves by.
    """

    def __init__(
        self,
        reader: LogReader,
        writer: Callable[[], LogWriter],
        store: StateStore,
        wire: Wire,
        *,
        partitions: int,
        history_partitions: int,
        records_max: int,
        items_max: int,
        bite_bytes: int = BITE_BYTES_MAX,
        learn_after: int = LEARN_AFTER,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._reader = reader
        self._new_writer = writer
        self._writer: LogWriter | None = None
        self._store = store
        self._wire = wire
        self._partitions = partitions
        self._history_partitions = history_partitions
        self._records_max = records_max
        self._items_max = items_max
        self._lanes = Lanes(learn_after)
        self._clock = clock
        self._sleep = sleep
        self._now = now
        self._engines: dict[int, PartitionEngine] = {}
        self._assigned: set[int] = set()
        self._wanted: set[int] = set()
        """Assigned, not yet taken."""
        self._fenced: dict[int, float] = {}
        """Assigned, but taken by another: since when."""
        self._reading = Reading(reader, bite_bytes, clock)
        self._written: list[Step] = []
        """Of the last bite: written, neither waited for nor committed."""
        self._told = self._lag_asked = 0.0
        self._lag_turn = 0
        self._wait = WAIT_SECONDS_FIRST
        self.trouble: str | None = "no partition assigned yet"
        """Why the tracker does not work at the moment; None when it does."""

    def run(self, stopping: Callable[[], bool]) -> None:
        """Rounds until ``stopping``; then leave the group, everything committed."""
        self.start()
        try:
            while not stopping():
                self.round(stopping)
        finally:
            self._tell_positions()
            self._drop_writer()
            self._reader.close()

    def start(self) -> None:
        """Join the group."""
        self._reader.subscribe([OPS], self._on_assigned, self._on_revoked)

    def round(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """One round of the module; an outage is noted, waited out and survived."""
        try:
            self._round(stopping)
        except UnavailableError as error:
            self._lose_everything(error, stopping)

    def _on_assigned(self, partitions: list[TopicPartition]) -> Mapping[TopicPartition, int] | None:
        starts = {}
        for one in partitions:
            self._assigned.add(one.partition)
            self._wanted.add(one.partition)
            with suppress(PacktraceError):  # said outside of the reader's callback, where it is tried again
                starts[one] = self._take(one.partition)
        return starts

    def _on_revoked(self, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            self._assigned.discard(one.partition)
            self._wanted.discard(one.partition)
            self._fenced.pop(one.partition, None)
            self._reading.forget(one.partition)
            if self._engines.pop(one.partition, None) is not None:
                TRACKER_LAG.remove(str(one.partition))
        TRACKER_PARTITIONS.set(len(self._engines))

    def _round(self, stopping: Callable[[], bool]) -> None:
        records = self._reader.poll(self._records_max, POLL_SECONDS)
        crash_point("tracker.after_read")
        taken = self._take_wanted()  # what was read of these was read elsewhere
        self._reading.add([record for record in records if record.partition not in taken], self._standing())
        while bite := self._reading.bite(self._standing()):
            self._apply(bite)
            if stopping():
                break
        self._finish()
        self._tell_lag()
        if self._clock() - self._told > POSITION_SECONDS:
            self._tell_positions()
        self._wait = WAIT_SECONDS_FIRST
        self.trouble = None if self._engines else "no partition assigned yet"

    def _standing(self) -> dict[int, int]:
        return {partition: engine.offset for partition, engine in self._engines.items()}

    def _take_wanted(self) -> set[int]:
        """What could not be taken when it was assigned, or was thrown away since: take it, and read from the store's offset."""
        now = self._clock()
        for partition, since in list(self._fenced.items()):
            if now - since > FENCED_SECONDS:
                del self._fenced[partition]
                self._wanted.add(partition)
        taken = set(self._wanted)
        for partition in sorted(taken):
            self._reader.seek(TopicPartition(OPS, partition), self._take(partition))
        return taken

    def _take(self, partition: int) -> int:
        """Become the owner; answers the offset to read from."""
        meta = self._store.acquire(partition, self._partitions)
        engine = PartitionEngine(partition, self._partitions, meta, self._store.reference(partition), self._lanes)
        try:
            loading.check_place(self._store, engine)
        except (Fenced, Gap) as answer:
            raise UnavailableError(f"state of ops partition {partition}: it moved while it was read") from answer
        crash_point("tracker.after_acquire")
        self._engines[partition] = engine
        self._wanted.discard(partition)
        self._reading.forget(partition)
        TRACKER_PARTITIONS.set(len(self._engines))
        log.info("partition_taken", partition=partition, offset=meta.offset, epoch=meta.epoch)
        return meta.offset

    def _apply(self, records: list[LogRecord]) -> None:
        """Effects 2 and 3 of one bite, 5 and 6 of the one before, 4 of this one."""
        steps = self._folded(records)
        self._finish()
        steps = [step for step in steps if step.commit.partition in self._engines]  # the store may have refused the bite before
        if not steps:
            return
        self._written = steps
        for step in steps:
            self._engines[step.commit.partition].uncommitted = step.commit
        with TRACKER_STAGE_SECONDS.labels("write").time():
            self._write(steps)
        items_max = self._items_max // max(len(self._engines), 1)
        for engine in self._engines.values():
            engine.evict(items_max)
        TRACKER_CACHED.set(sum(len(engine.cache) for engine in self._engines.values()))

    def _folded(self, records: list[LogRecord]) -> list[Step]:
        """Effects 2 and 3."""
        begun = time.perf_counter()
        load_seconds = 0.0
        steps: list[Step] = []
        for partition, mine in by_partition(records).items():
            engine = self._engines.get(partition)
            if engine is None:
                continue
            batch = [OpsRecord(record.offset, self._decoded(record)) for record in mine]
            asked = time.perf_counter()
            try:
                loaded = loading.load(self._store, engine, batch)
            except (Fenced, Gap) as answer:
                self._lost(engine, answer)
                continue
            finally:
                load_seconds += time.perf_counter() - asked
            crash_point("tracker.after_load")
            steps.append(engine.apply(batch, loaded))
        if steps:
            TRACKER_STAGE_SECONDS.labels("load").observe(load_seconds)
            TRACKER_STAGE_SECONDS.labels("fold").observe(time.perf_counter() - begun - load_seconds)
            crash_point("tracker.after_fold")
        return steps

    def _finish(self) -> None:
        """Effects 5 and 6 of the bite written last. What was lost since is not committed: it is read again."""
        steps, self._written = self._written, []
        if not steps:
            return
        begun = time.perf_counter()
        crash_point("tracker.before_flush")
        if self._writer is not None:
            self._writer.flush(FLUSH_SECONDS_MAX)
        crash_point("tracker.after_write")
        flushed = time.perf_counter()
        TRACKER_STAGE_SECONDS.labels("flush").observe(flushed - begun)
        for step in steps:
            if step.commit.partition in self._engines:
                self._commit(step)
                crash_point("tracker.after_commit")
        TRACKER_STAGE_SECONDS.labels("commit").observe(time.perf_counter() - flushed)

    def _decoded(self, record: LogRecord) -> OpsBatch:
        try:
            return ops.decode(self._wire.unframe(record.value or b""))
        except RejectedError as error:
            raise RefusedError(
                f"ops/{record.partition}, offset {record.offset}: {error}. Only router and tracker write this topic; nothing is skipped"
            ) from error

    def _write(self, steps: list[Step]) -> None:
        """Effect 4."""
        writer = self._writer = self._writer or self._new_writer()
        facts: dict[int, OpsBuilder] = {}
        for step in steps:
            partition = step.commit.partition
            key = str(partition).encode()
            for body in step.history:
                writer.write("history", self._wire.frame("history", body), key=key, partition=partition % self._history_partitions)
                crash_point("tracker.between_writes")
            for alert in step.alerts:
                writer.write("alerts", self._wire.frame("alerts", alert_record.encode(alert)), key=alert.change.id.encode())
                TRACKER_ALERTS.labels(alert.change.rule, alert.change.status).inc()
            source = f"{OPS}/{partition}"
            for fact in step.facts:
                builder = facts.get(fact.partition)
                if builder is None:
                    builder = facts[fact.partition] = OpsBuilder()
                builder.add_fact(builder.source(source), fact.offset, fact.nth, fact.fact)
            TRACKER_FACTS.inc(len(step.facts))
        wave = wire.wave_header(self._now())
        for target, builder in facts.items():
            for body in builder.take():
                writer.write(OPS, self._wire.frame(OPS, body), partition=target, headers=wave)

    def _commit(self, step: Step) -> None:
        """Effect 6."""
        engine = self._engines[step.commit.partition]
        try:
            self._store.commit(step.commit)
        except (Fenced, Gap) as answer:
            self._lost(engine, answer)
            return
        engine.uncommitted = None
        for outcome, count in step.outcomes.items():
            TRACKER_OPS.labels(outcome).inc(count)
        TRACKER_DROPPED.inc(step.dropped)

    def _lost(self, engine: PartitionEngine, answer: Fenced | Gap) -> None:
        """The store does not stand where we do: drop what is in memory."""
        partition = engine.partition
        del self._engines[partition]
        self._reading.forget(partition)
        if isinstance(answer, Gap):
            TRACKER_GAPS.inc()
            log.warning("store_gap", partition=partition, expected=engine.stored_offset, found=answer.offset)
            self._wanted.add(partition)
        else:
            TRACKER_FENCED.inc()
            log.warning("partition_fenced", partition=partition, offset=engine.offset)
            self._fenced[partition] = self._clock()

    def _lose_everything(self, error: UnavailableError, stopping: Callable[[], bool]) -> None:
        """What is in memory may be ahead of the store: drop it, keep the membership, take it all again after a while."""
        self.trouble = str(error)
        DEPENDENCY_WAITS.labels("tracker").inc()
        log.warning("dependency_away", reason=str(error), wait_seconds=round(self._wait, 2))
        self._wanted.update(self._engines)
        self._engines.clear()
        self._reading.clear()
        self._written = []
        self._drop_writer()
        until = self._clock() + self._wait
        while not stopping() and self._clock() < until:
            self._sleep(WAIT_SLICE_SECONDS)
        self._wait = min(self._wait * 2, WAIT_SECONDS_MAX)

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _tell_positions(self) -> None:
        self._told = self._clock()
        positions = {TopicPartition(OPS, partition): Committed(engine.offset) for partition, engine in self._engines.items()}
        if positions:
            with suppress(UnavailableError):
                self._reader.commit(positions)

    def _tell_lag(self) -> None:
        now = self._clock()
        if now - self._lag_asked < LAG_SECONDS or not self._engines:
            return
        self._lag_asked = now
        self._lag_turn += 1
        partition = sorted(self._engines)[self._lag_turn % len(self._engines)]
        with suppress(UnavailableError):
            _, end = self._reader.watermarks(TopicPartition(OPS, partition))
            TRACKER_LAG.labels(str(partition)).set(max(end - self._engines[partition].offset, 0))

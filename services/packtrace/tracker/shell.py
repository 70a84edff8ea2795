"""The tracker's effects, numbered. One round:

1. read records of ops, bounded in number and bytes;
2. take the partitions newly assigned: a new epoch, seek to the offset in the store;
3. load the items named and fold (pure);
4. write history, alerts and facts, and wait for the broker;
5. commit each partition in the store: state, watermarks, digest and offset in one step.

A crash before 5 repeats 4 with the same lineage, and readers drop the repeat. FENCED: another process owns the partition,
drop it. GAP: the store stands elsewhere (it lost its last second, or another owner moved it): drop what is in memory and go
on from there. A dependency that is away is waited out: everything in memory is thrown away and taken again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from packtrace.adapters.crash_point import crash_point
from packtrace.codec import alert_record, ops
from packtrace.codec.ops_builder import OpsBuilder
from packtrace.errors import UnavailableError
from packtrace.ports import Committed, Fenced, Gap, LogReader, LogRecord, LogWriter, StateStore, TopicPartition
from packtrace.telemetry import (
    DEPENDENCY_WAITS,
    TRACKER_ALERTS,
    TRACKER_CACHED,
    TRACKER_DROPPED,
    TRACKER_FACTS,
    TRACKER_FENCED,
    TRACKER_GAPS,
    TRACKER_OPS,
    TRACKER_PARTITIONS,
    TRACKER_STAGE_SECONDS,
    log,
)
from packtrace.tracker.engine import OpsRecord, PartitionEngine, Step

OPS = "ops"
POLL_SECONDS = 0.05
FLUSH_SECONDS_MAX = 30.0
ROUND_BYTES_MAX = 8 * 1024 * 1024
"""Record bytes folded before the next commit; a backlog is taken in such bites."""
WAIT_SECONDS_FIRST = 0.1
WAIT_SECONDS_MAX = 5.0
POSITION_SECONDS = 2.0
"""How often positions are told to the consumer group, for those who watch its lag; nothing reads them back."""


class Wire:
    """How values travel: the schema id before the Avro body, per topic."""

    def __init__(self, frame: Callable[[str, bytes], bytes], unframe: Callable[[bytes], bytes]) -> None:
        self.frame = frame
        self.unframe = unframe


class Tracker:
    """All partitions one process owns."""

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
        self._engines: dict[int, PartitionEngine] = {}
        self._wanted: set[int] = set()
        """Assigned, not yet taken."""
        self._told = 0.0
        self._wait = WAIT_SECONDS_FIRST
        self.trouble: str | None = "no partition assigned yet"
        """Why the tracker does not work at the moment; None when it does."""

    def run(self, stopping: Callable[[], bool]) -> None:
        """Rounds until ``stopping``; then leave the group, everything committed."""
        self._reader.subscribe([OPS], self._assigned, self._revoked)
        try:
            while not stopping():
                self.round()
        finally:
            self._tell_positions()
            if self._writer is not None:
                self._writer.close()
            self._reader.close()

    def round(self) -> None:
        """One round of the module; an outage is noted, waited out and survived."""
        try:
            self._round()
        except UnavailableError as error:
            self._lose_everything(error)

    def _assigned(self, partitions: list[TopicPartition]) -> Mapping[TopicPartition, int] | None:
        self._wanted.update(one.partition for one in partitions)
        return None

    def _revoked(self, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            self._engines.pop(one.partition, None)
            self._wanted.discard(one.partition)
        TRACKER_PARTITIONS.set(len(self._engines))

    def _round(self) -> None:
        records = self._reader.poll(self._records_max, POLL_SECONDS)
        crash_point("tracker.after_read")
        self._take_wanted()
        bite: list[LogRecord] = []
        size = 0
        for record in records:
            bite.append(record)
            size += len(record.value or b"")
            if size >= ROUND_BYTES_MAX:
                self._apply(bite)
                bite, size = [], 0
        if bite:
            self._apply(bite)
        if time.monotonic() - self._told > POSITION_SECONDS:
            self._tell_positions()
        self._wait = WAIT_SECONDS_FIRST
        self.trouble = None if self._engines else "no partition assigned yet"

    def _take_wanted(self) -> None:
        """Effect 2. Records read of a partition before it was taken are left alone: it is read again from its offset."""
        for partition in sorted(self._wanted):
            meta = self._store.acquire(partition, self._partitions)
            engine = PartitionEngine(
                partition, self._partitions, meta, self._store.reference(partition), self._store.deadlines(partition), self._items_max
            )
            self._reader.seek(TopicPartition(OPS, partition), meta.offset)
            self._engines[partition] = engine
            self._wanted.discard(partition)
            log.info("partition_taken", partition=partition, offset=meta.offset, epoch=meta.epoch)
        TRACKER_PARTITIONS.set(len(self._engines))

    def _apply(self, records: list[LogRecord]) -> None:
        """Effects 3 to 5 for one bite."""
        begun = time.perf_counter()
        steps: list[Step] = []
        for partition, engine in list(self._engines.items()):
            mine = [record for record in records if record.partition == partition and record.offset >= engine.offset]
            if not mine:
                continue
            if mine[0].offset != engine.offset:
                self._reader.seek(TopicPartition(OPS, partition), engine.offset)
                continue
            decoded = [OpsRecord(record.offset, ops.decode(self._wire.unframe(record.value or b""))) for record in mine]
            steps.append(self._fold(engine, decoded))
        if not steps:
            return
        folded = time.perf_counter()
        TRACKER_STAGE_SECONDS.labels("fold").observe(folded - begun)
        crash_point("tracker.after_fold")
        self._write(steps)
        crash_point("tracker.after_write")
        written = time.perf_counter()
        TRACKER_STAGE_SECONDS.labels("write").observe(written - folded)
        for step in steps:
            self._commit(step)
        TRACKER_STAGE_SECONDS.labels("commit").observe(time.perf_counter() - written)
        crash_point("tracker.after_commit")
        TRACKER_CACHED.set(sum(len(engine.cache) for engine in self._engines.values()))

    def _fold(self, engine: PartitionEngine, records: list[OpsRecord]) -> Step:
        needs = engine.needs(records)
        if needs.everything:
            loaded = {key: (packed, content) for key, packed, content in self._store.scan(engine.partition)}
        else:
            loaded = self._store.load(engine.partition, needs.keys) if needs.keys else {}
        return engine.apply(records, loaded)

    def _write(self, steps: list[Step]) -> None:
        """Effect 4."""
        writer = self._writer = self._writer or self._new_writer()
        facts: dict[int, OpsBuilder] = {}
        for step in steps:
            partition = step.commit.partition
            key = str(partition).encode()
            for body in step.history:
                writer.write("history", self._wire.frame("history", body), key=key, partition=partition % self._history_partitions)
            for alert in step.alerts:
                writer.write("alerts", self._wire.frame("alerts", alert_record.encode(alert)), key=alert.change.id.encode())
                TRACKER_ALERTS.labels(alert.change.rule, alert.change.status).inc()
            for fact in step.facts:
                builder = facts.setdefault(fact.partition, OpsBuilder())
                builder.add_fact(builder.source(f"{OPS}/{partition}"), fact.offset, fact.nth, fact.fact)
            TRACKER_FACTS.inc(len(step.facts))
        for target, builder in facts.items():
            for body in builder.take():
                writer.write(OPS, self._wire.frame(OPS, body), partition=target)
        writer.flush(FLUSH_SECONDS_MAX)

    def _commit(self, step: Step) -> None:
        """Effect 5."""
        partition = step.commit.partition
        try:
            self._store.commit(step.commit)
        except Fenced:
            TRACKER_FENCED.inc()
            log.warning("partition_fenced", partition=partition, offset=step.commit.from_offset)
            self._engines.pop(partition, None)
            return
        except Gap as gap:
            TRACKER_GAPS.inc()
            log.warning("store_gap", partition=partition, expected=step.commit.from_offset, found=gap.offset)
            self._engines.pop(partition, None)
            self._wanted.add(partition)
            return
        for outcome, count in step.outcomes.items():
            TRACKER_OPS.labels(outcome).inc(count)
        TRACKER_DROPPED.inc(step.dropped)
        engine = self._engines.get(partition)
        if engine is not None:
            engine.cache.evict()

    def _lose_everything(self, error: UnavailableError) -> None:
        """What is in memory may be ahead of the store: drop it, keep the membership, take it all again after a while."""
        self.trouble = str(error)
        DEPENDENCY_WAITS.labels("tracker").inc()
        log.warning("dependency_away", reason=str(error), wait_seconds=round(self._wait, 2))
        self._wanted.update(self._engines)
        self._engines.clear()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        time.sleep(self._wait)
        self._wait = min(self._wait * 2, WAIT_SECONDS_MAX)

    def _tell_positions(self) -> None:
        self._told = time.monotonic()
        positions = {TopicPartition(OPS, partition): Committed(engine.offset) for partition, engine in self._engines.items()}
        if positions:
            with suppress(UnavailableError):
                self._reader.commit(positions)

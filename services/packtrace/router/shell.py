"""Reads, routes, writes, and stores its position: the effects of the router in their order."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from packtrace import telemetry
from packtrace.adapters.crash_point import crash_point
from packtrace.codec import rejected_record, wire
from packtrace.errors import RejectedError, UnavailableError
from packtrace.ports import Committed, LogReader, LogRecord, LogWriter, Schemas, TopicPartition
from packtrace.router import poison
from packtrace.router.clocks import Clocks
from packtrace.router.core import EVENTS, REFERENCE, Core, Routed, poisoned, schema_id_of, source_name
from packtrace.router.share import RejectedShare
from packtrace.telemetry import log

OPS: Final = "ops"
REJECTED: Final = "rejected"

COMMIT_SECONDS: Final = 1.0
"""Longest time written records stay uncommitted while more come; a restart writes them again, and nobody minds."""
POLL_SECONDS: Final = 0.05
FLUSH_SECONDS: Final = 5.0
"""Longest wait for acknowledgements; half of what a stop may take."""
BACKOFF_SECONDS: Final = (0.2, 5.0)


class Limits(NamedTuple):
    """One batch and one second."""

    batch_records: int
    batch_bytes: int
    tick_seconds: float
    clock_margin_seconds: float
    poison_kills: int = 0
    """Processes that may end at one record alone before it is rejected; 0: it is never rejected."""


class Router:
    """One member of the group. ``run`` ends when told to; an outage is waited out.

    Args:
        open_reader, open_writer: fresh ones after each outage.
        now: this host's clock, microseconds since 1970 UTC; only the clock of caught-up sources uses it.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        open_reader: Callable[[], LogReader],
        open_writer: Callable[[], LogWriter],
        schemas: Schemas,
        limits: Limits,
        *,
        ops_partitions: int,
        event_partitions: int,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_reader = open_reader
        self._open_writer = open_writer
        self._schemas = schemas
        self._limits = limits
        self._ops_partitions = ops_partitions
        self._now = now
        self._clock = clock
        self._session: Session | None = None
        self._backoff = BACKOFF_SECONDS[0]
        self._core = Core(ops_partitions, event_partitions)
        self._share = RejectedShare()
        self._texts: dict[int, str] = {}
        self._name = secrets.token_hex(8)
        """Of this process, in its notes."""
        self._trouble: str | None = "starting"

    def ready(self) -> str | None:
        """None when records are routed and few are rejected, else one sentence."""
        return self._trouble or self._share.trouble(self._clock())

    def run(self, stopping: Callable[[], bool]) -> None:
        """Route until ``stopping``. What this raises is a set-up error or a fault of this program."""
        try:
            while not stopping():
                wait_seconds = self.round()
                until = self._clock() + wait_seconds
                while wait_seconds and self._clock() < until and not stopping():
                    time.sleep(0.05)
            self.finish()
        finally:
            self.leave()

    def round(self) -> float:
        """Read, route and store once; answers how long to wait before the next time, where something was away."""
        try:
            if self._session is None:
                self._session = Session(self)
                self._session.start()
            self._session.round()
        except UnavailableError as error:
            return self._away(error)
        if self._session.committed:
            self._backoff = BACKOFF_SECONDS[0]
        return 0.0

    def finish(self) -> None:
        """Store the position of all that was read, as far as that succeeds at once."""
        if self._session is not None:
            with suppress(UnavailableError):
                self._session.finish()

    def leave(self) -> None:
        """Leave the group; what is not stored is routed again by whoever comes next."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _away(self, error: UnavailableError) -> float:
        self._trouble = str(error)
        self.leave()
        wait_seconds = self._backoff
        telemetry.DEPENDENCY_WAITS.labels("registry" if str(error).startswith("registry") else "kafka").inc()
        log.warning("dependency_away", reason=str(error), again_in_seconds=wait_seconds)
        self._backoff = min(wait_seconds * 2, BACKOFF_SECONDS[1])
        return wait_seconds

    def resolved(self, records: Sequence[LogRecord]) -> dict[int, str | RejectedError]:
        """The schema of every id the records name, or why there is none.

        Raises:
            UnavailableError: the registry is away and an id is new to us.
        """
        writers: dict[int, str | RejectedError] = {}
        for schema_id in {schema_id_of(record) for record in records}:
            if schema_id is None:
                continue
            if schema_id not in self._texts:
                try:
                    self._texts[schema_id] = self._schemas.schema(schema_id)
                except RejectedError as error:
                    writers[schema_id] = error
                    continue
            writers[schema_id] = self._texts[schema_id]
        return writers


class Session:
    """From one outage to the next: a reader, a writer, and where each partition stands."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._ids = {topic: router._schemas.schema_id(topic) for topic in (OPS, REJECTED)}
        self._clocks = Clocks(int(router._limits.clock_margin_seconds * 1_000_000))
        self._dirty: dict[TopicPartition, Committed] = {}
        self._commit_due = 0.0
        self._tick_due = 0.0
        self._told: set[int] = set()
        self._watches: dict[TopicPartition, poison.Watch] = {}
        """Partitions that have not got on from where this session found them."""
        self._joined = False
        self.committed = False
        self._reader = router._open_reader()
        try:
            self._writer = router._open_writer()
        except UnavailableError:
            self._reader.close()
            raise

    def start(self) -> None:
        """Join the group."""
        self._reader.subscribe([EVENTS, REFERENCE], self._assigned, self._revoked)

    def round(self) -> None:
        """Read, route, and store positions where that is due."""
        with telemetry.ROUTER_STAGE_SECONDS.labels("read").time():
            records = self._reader.poll(self._router._limits.batch_records, POLL_SECONDS)
        for batch in self._bounded(records):
            if self._watches:
                self._watched(batch)
            else:
                self.process(batch)
        self._writer.poll()
        now = self._router._clock()
        if now >= self._tick_due:
            self._tick_due = now + self._router._limits.tick_seconds
            self._tick()
        if self._dirty and now >= self._commit_due and (not records or now >= self._commit_due + COMMIT_SECONDS):
            self.finish()

    def process(self, batch: Sequence[LogRecord]) -> None:
        """Route one batch.

        1. ask the registry for schemas not seen before;
        2. route (pure);
        3. write ops and rejected records;
        4. wait for the acknowledgements (``finish``: at the latest after a second, when idle, when partitions go);
        5. store the positions in the group.

        A crash before 5 repeats 3 from the stored positions, in the same order with the same lineage, and readers drop
        the repeat.
        """
        crash_point("router.after_read")
        writers = self._router.resolved(batch)
        started = time.perf_counter()
        routed = self._router._core.route(batch, writers, self._clocks.reached())
        telemetry.ROUTER_STAGE_SECONDS.labels("build").observe(time.perf_counter() - started)
        self._write(batch, routed)

    def _write(self, batch: Sequence[LogRecord], routed: Routed) -> None:
        """Effect 3."""
        crash_point("router.before_write")
        wave = wire.wave_header(self._router._now())
        with telemetry.ROUTER_STAGE_SECONDS.labels("write").time():
            for target, body in routed.ops:
                self._writer.write(OPS, wire.frame(self._ids[OPS], body), partition=target, headers=wave)
                crash_point("router.between_writes")
            for rejected in routed.rejected:
                self._writer.write(REJECTED, wire.frame(self._ids[REJECTED], rejected_record.encode(rejected)), key=rejected.key)
        crash_point("router.after_write")
        self._told.update(target for target, _ in routed.ops)
        for record in batch:
            partition = TopicPartition(record.topic, record.partition)
            self._dirty[partition] = Committed(record.offset + 1)
            if record.topic == EVENTS:
                self._clocks.routed(partition, record.offset, record.log_time)
        telemetry.ROUTER_EVENTS.inc(routed.events)
        telemetry.ROUTER_OPS.inc(routed.ops_count)
        for rejected in routed.rejected:
            telemetry.ROUTER_REJECTED.labels(rejected.reason).inc()
        if routed.rejected:
            first = routed.rejected[0]
            log.info(
                "rejected",
                records=len(routed.rejected),
                reasons=dict(Counter(rejected.reason for rejected in routed.rejected)),
                first=f"{first.topic}/{first.partition}/{first.offset}",
            )
        self._router._share.count(self._router._clock(), len(batch), len(routed.rejected))

    def _watched(self, batch: Sequence[LogRecord]) -> None:
        """Process ``batch`` while a record that kills may be in it: see ``poison``."""
        together: list[LogRecord] = []
        alone: list[LogRecord] = []
        notes: dict[TopicPartition, Committed] = {}
        for record in batch:
            partition = TopicPartition(record.topic, record.partition)
            watch = self._watches.get(partition)
            if watch is not None and watch.left:
                alone.append(record)
                continue
            together.append(record)
            if watch is not None:
                notes[partition] = Committed(watch.start, poison.encode(watch.begins(self._router._name)))
                del self._watches[partition]
        if notes:
            self._note(notes)
        if together:
            self.process(together)
        for record in alone:
            self._process_alone(record)

    def _process_alone(self, record: LogRecord) -> None:
        partition = TopicPartition(record.topic, record.partition)
        watch = self._watches.get(partition)
        if watch is None:
            return self.process([record])
        if watch.kills(record.offset):
            log.error("poison", record=f"{source_name(partition)}/{record.offset}", processes_ended=watch.note.kills)
            self._write([record], poisoned(record, watch.note.kills))
            del self._watches[partition]
        else:
            self._note({partition: Committed(record.offset, poison.encode(watch.begins_alone(record.offset, self._router._name)))})
            self.process([record])
            watch.left -= 1
            if not watch.left:
                del self._watches[partition]
        self.finish()

    def _note(self, notes: dict[TopicPartition, Committed]) -> None:
        """A note that cannot be stored counts as none."""
        with suppress(UnavailableError):
            self._reader.commit(notes)

    def close(self) -> None:
        """Leave; what is not committed is written again by whoever comes next."""
        self._reader.close()
        self._writer.close()

    def _bounded(self, records: list[LogRecord]) -> list[list[LogRecord]]:
        """``records`` in batches of at most ``batch_bytes``, or of one record."""
        batches: list[list[LogRecord]] = []
        room = 0
        for record in records:
            size = len(record.value or b"")
            if not batches or size > room:
                batches.append([])
                room = self._router._limits.batch_bytes
            batches[-1].append(record)
            room -= size
        return batches

    def _tick(self) -> None:
        """Tell each partition of ops that heard nothing since the last tick how far the sources are."""
        try:
            for partition in self._clocks.quiet():
                asked_at = self._router._now()
                self._clocks.seen_end(partition, self._reader.watermarks(partition)[1], asked_at)
            self._router._trouble = None if self._joined else "waiting for partitions of events"
        except UnavailableError as error:
            self._router._trouble = str(error)
        telemetry.ROUTER_REJECTED_RATIO.set(self._router._share.share(self._router._clock()))
        reached = self._clocks.reached()
        if not reached:
            return
        value = wire.frame(self._ids[OPS], self._router._core.tick(reached))
        for target in range(self._router._ops_partitions):
            if target not in self._told:
                self._writer.write(OPS, value, partition=target)
        self._told.clear()

    def finish(self) -> None:
        """Effects 4 and 5. A refusal while others join or leave is tried again later."""
        self._commit_due = self._router._clock()
        if not self._dirty:
            return
        with telemetry.ROUTER_STAGE_SECONDS.labels("commit").time():
            self._writer.flush(FLUSH_SECONDS)
            crash_point("router.after_flush")
            try:
                self._reader.commit(self._dirty)
            except UnavailableError as error:
                log.info("commit_put_off", reason=str(error))
                return
        crash_point("router.after_commit")
        self._dirty.clear()
        self.committed = True

    def _assigned(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        starts = {}
        for partition, stored in self._reader.committed(partitions).items():
            start = stored.offset if stored.offset >= 0 else self._reader.watermarks(partition)[0]
            starts[partition] = start
            if kills_max := self._router._limits.poison_kills:
                self._watches[partition] = poison.Watch(start, poison.decode(stored.metadata, self._router._name), kills_max)
            if partition.topic == EVENTS:
                self._clocks.assigned(partition, start)
        self._joined = True
        self._router._trouble = None
        log.info("assigned", starts={source_name(partition): start for partition, start in sorted(starts.items())})
        return starts

    def _revoked(self, partitions: list[TopicPartition]) -> None:
        going = {partition: self._dirty.pop(partition) for partition in partitions if partition in self._dirty}
        for partition in partitions:
            self._clocks.revoked(partition)
            self._watches.pop(partition, None)
        log.info("revoked", partitions=[source_name(partition) for partition in partitions])
        if going:
            self._writer.flush(FLUSH_SECONDS)
            self._reader.commit(going)

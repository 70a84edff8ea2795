"""The log in memory: the fake beside ``kafka``, held to the same suite (tests/contracts/test_log.py).

``MemoryLog`` is the broker: topics, groups with cooperative rebalances, stored positions, and faults on request. Time is
its ``now``, moved by hand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from xxhash import xxh3_64_intdigest

from packtrace.adapters.log_limits import check_size
from packtrace.contracts import topics as declared_topics
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import Committed, LogRecord, TopicPartition


class MemoryLog:
    """A broker. ``away`` makes it answer nothing; ``fail_writes`` fails that many of the next writes at delivery, ``lose_acks``
    stores that many and never says so: to their writer both are the same."""

    def __init__(self, partitions: Mapping[str, int] | None = None, now: int = 1_700_000_000_000_000) -> None:
        self.now = now
        """Log time of the next record, microseconds; stored in whole milliseconds as Kafka does."""
        self.away = False
        self.fail_writes = 0
        self.lose_acks = 0
        rows = partitions or {name: row.partitions for name, row in declared_topics().items()}
        self.records: dict[TopicPartition, list[LogRecord]] = {
            TopicPartition(topic, number): [] for topic, count in rows.items() for number in range(count)
        }
        self.oldest: dict[TopicPartition, int] = dict.fromkeys(self.records, 0)
        self.groups: dict[str, MemoryGroup] = {}

    def append(
        self, partition: TopicPartition, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> LogRecord:
        """Store one record."""
        records = self.records[partition]
        record = LogRecord(*partition, len(records), key, value, self.now // 1000 * 1000, tuple(headers))
        records.append(record)
        return record

    def forget(self, partition: TopicPartition, oldest: int) -> None:
        """Retention: everything below ``oldest`` is gone."""
        self.oldest[partition] = oldest

    def partitions(self, topic: str) -> list[TopicPartition]:
        """Of one topic, in order."""
        return [partition for partition in self.records if partition.topic == topic]

    def topic(self, topic: str) -> list[LogRecord]:
        """Every record of a topic, partition by partition."""
        return [record for partition in self.partitions(topic) for record in self.records[partition]]

    def group(self, name: str) -> MemoryGroup:
        return self.groups.setdefault(name, MemoryGroup())

    def answer(self) -> None:
        """Raise if the broker is away."""
        if self.away:
            raise UnavailableError("memory log: away")


class MemoryGroup:
    """Who is in it, who holds what, and where it stands."""

    def __init__(self) -> None:
        self.members: list[MemoryReader] = []
        self.positions: dict[TopicPartition, Committed] = {}
        self.generation = 0
        """Moves when a member joins or leaves; who has not polled since may not commit."""

    def join(self, member: MemoryReader) -> None:
        self.members.append(member)
        self.generation += 1

    def leave(self, member: MemoryReader) -> None:
        self.members.remove(member)
        self.generation += 1

    def share(self, member: MemoryReader, log: MemoryLog) -> set[TopicPartition]:
        """What ``member`` ought to hold: each partition goes round among those who subscribed to its topic."""
        share = set()
        for number, partition in enumerate(sorted(log.records)):
            subscribed = [one for one in self.members if partition.topic in one.topics]
            if subscribed and subscribed[number % len(subscribed)] is member:
                share.add(partition)
        return share

    def holder(self, partition: TopicPartition) -> MemoryReader | None:
        return next((member for member in self.members if partition in member.places), None)


class MemoryReader:
    """A member of a group of a ``MemoryLog`` (port ``LogReader``)."""

    def __init__(self, log: MemoryLog, group: str) -> None:
        self._log = log
        self._group = log.group(group)
        self._paused: set[TopicPartition] = set()
        self._turn = 0
        self._generation = 0
        self._thrown_out = False
        self.topics: tuple[str, ...] = ()
        self.places: dict[TopicPartition, int] = {}

    def subscribe(
        self,
        topics: Sequence[str],
        on_assigned: Callable[[list[TopicPartition]], Mapping[TopicPartition, int] | None],
        on_revoked: Callable[[list[TopicPartition]], None],
    ) -> None:
        self.topics = tuple(topics)
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        if self not in self._group.members:
            self._group.join(self)

    def poll(self, records_max: int, timeout_seconds: float) -> list[LogRecord]:
        if self._log.away:
            return []
        if self._thrown_out:
            self._come_back()
        self._rebalance()
        records: list[LogRecord] = []
        order = sorted(self.places)
        self._turn += 1
        for partition in order[self._turn % len(order) :] + order[: self._turn % len(order)] if order else []:
            if partition in self._paused or len(records) >= records_max:
                continue
            place = self.places[partition]
            stored = self._log.records[partition]
            if not self._log.oldest[partition] <= place <= len(stored):
                raise RefusedError(
                    f"{partition.topic}/{partition.partition}: the position to read from is not in the log any more or not yet, "
                    f"it holds offsets {self._log.oldest[partition]} to {len(stored) - 1}. Nothing is skipped by itself"
                )
            taken = stored[place : place + records_max - len(records)]
            self.places[partition] = place + len(taken)
            records += taken
        return records

    def _come_back(self) -> None:
        if self.places:
            self._on_revoked(sorted(self.places))
        self.places.clear()
        self._paused.clear()
        self._thrown_out = False
        self._group.join(self)

    def _rebalance(self) -> None:
        self._generation = self._group.generation
        share = self._group.share(self, self._log)
        gone = sorted(set(self.places) - share)
        if gone:
            self._on_revoked(gone)
            for partition in gone:
                del self.places[partition]
                self._paused.discard(partition)
        new = sorted(partition for partition in share if self._group.holder(partition) is None)
        if new:
            starts = dict(self._on_assigned(new) or {})
            for partition in new:
                stored = self._group.positions.get(partition, Committed(-1)).offset
                self.places[partition] = starts.get(partition, stored if stored >= 0 else self._log.oldest[partition])

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition not in self.places:
            raise UnavailableError(f"memory log: {partition.topic}/{partition.partition} is not assigned")
        self.places[partition] = offset

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused.difference_update(partitions)

    def commit(self, positions: Mapping[TopicPartition, Committed]) -> None:
        self._log.answer()
        if self._thrown_out:
            raise UnavailableError("memory log: thrown out of the group")
        if any(partition not in self.places for partition in positions):
            raise UnavailableError("memory log: the position of a partition that is not ours")
        if self._generation != self._group.generation:
            raise UnavailableError("memory log: members join or leave; poll, then commit again")
        self._group.positions.update(positions)

    def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Committed]:
        self._log.answer()
        return {partition: self._group.positions.get(partition, Committed(-1)) for partition in partitions}

    def watermarks(self, partition: TopicPartition) -> tuple[int, int]:
        self._log.answer()
        return self._log.oldest[partition], len(self._log.records[partition])

    def known_end(self, partition: TopicPartition) -> int:
        return len(self._log.records[partition])

    def close(self) -> None:
        if self in self._group.members:
            with suppress(UnavailableError):
                if self.places:
                    self._on_revoked(sorted(self.places))
            self.kill()

    def kill(self) -> None:
        """Out of the group without a word to its owner: the process died."""
        if self in self._group.members:
            self._group.leave(self)
        self.places.clear()

    def throw_out(self) -> None:
        """Its session timed out while its process slept: others get its partitions, and it learns so at its next ``poll``."""
        if self in self._group.members:
            self._group.leave(self)
            self._thrown_out = True


_Queued = tuple[TopicPartition, bytes | None, bytes | None, Sequence[tuple[str, bytes]], Callable[[int, int], None] | None]


class MemoryScan:
    """Reads a ``MemoryLog`` outside of every group (port ``LogScan``)."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def ends(self, partition: TopicPartition) -> tuple[int, int]:
        self._log.answer()
        return self._log.oldest[partition], len(self._log.records[partition])

    def records(self, partition: TopicPartition, start: int, end: int) -> Iterable[LogRecord]:
        oldest, _ = self.ends(partition)
        if start < oldest:
            raise RefusedError(f"{partition.topic}/{partition.partition} begins at offset {oldest}, not at {start}: retention has passed")
        return self._log.records[partition][start:end]


class MemoryWriter:
    """Writes to a ``MemoryLog`` (port ``LogWriter``). Like Kafka, it stores at ``poll`` and ``flush``, not at ``write``.

    Args:
        slow: store at ``flush`` only, as a broker that takes its time: what a killed process had queued is gone.
    """

    def __init__(self, log: MemoryLog, queued_records_max: int = 1_000_000, *, slow: bool = False) -> None:
        self._slow = slow
        self._log = log
        self._queued_records_max = queued_records_max
        self._queue: deque[_Queued] = deque()
        self._failure = ""
        self._turn = 0

    def write(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        on_acknowledged: Callable[[int, int], None] | None = None,
    ) -> None:
        check_size(topic, key, value, headers)
        self._raise_failure()
        if len(self._queue) >= self._queued_records_max:
            self.poll()
            if len(self._queue) >= self._queued_records_max:
                raise UnavailableError(f"memory log: no room in the queue to {topic}")
        if partition is None:
            self._turn += 1
            partition = (xxh3_64_intdigest(key) if key is not None else self._turn) % len(self._log.partitions(topic))
        self._queue.append((TopicPartition(topic, partition), key, value, headers, on_acknowledged))

    def poll(self) -> None:
        if not self._slow:
            self._store()
        self._raise_failure()

    def _store(self) -> None:
        while self._queue and not self._log.away and not self._failure:
            partition, key, value, headers, on_acknowledged = self._queue.popleft()
            if self._log.fail_writes:
                self._log.fail_writes -= 1
                self._failure = f"memory log: a record to {partition.topic} was not stored"
                break
            record = self._log.append(partition, key, value, headers)
            if self._log.lose_acks:
                self._log.lose_acks -= 1
                self._failure = f"memory log: a record to {partition.topic} was not acknowledged"
                break
            if on_acknowledged is not None:
                on_acknowledged(partition.partition, record.offset)

    def flush(self, timeout_seconds: float) -> None:
        self._store()
        if self._queue and not self._failure:
            self._failure = f"memory log: {len(self._queue)} records not acknowledged within {timeout_seconds:g} s"
        self._raise_failure()

    def close(self) -> None:
        self._failure = self._failure or "memory log: this writer is closed"
        self._queue.clear()

    def die(self, stored_max: int) -> None:
        """Its process was killed: of what was queued to each partition the broker took the first ``stored_max`` at most."""
        taken: dict[TopicPartition, int] = {}
        if not self._log.away and not self._failure:
            for partition, key, value, headers, _ in self._queue:
                if taken.setdefault(partition, 0) < stored_max:
                    taken[partition] += 1
                    self._log.append(partition, key, value, headers)
        self.close()

    def _raise_failure(self) -> None:
        if self._failure:
            raise UnavailableError(self._failure)

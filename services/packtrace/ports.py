"""What the services need from outside, and no more. Each port has an in-memory fake beside its adapter; one suite runs on both.

An adapter translates every driver error at the call: ``UnavailableError`` (try again) or ``RefusedError`` (stop).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class LogRecord(NamedTuple):
    """One Kafka record. ``log_time`` is its timestamp in microseconds (LogAppendTime on our topics)."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    log_time: int
    headers: tuple[tuple[str, bytes], ...] = ()


class Committed(NamedTuple):
    """A consumer group's stored position: next offset to read, -1 where none, and free text of at most 4,000 characters."""

    offset: int
    metadata: str = ""


class LogReader(Protocol):
    """A member of a consumer group. Positions are the caller's: nothing is committed unless asked."""

    def subscribe(
        self,
        topics: Sequence[str],
        on_assigned: Callable[[list[TopicPartition]], Mapping[TopicPartition, int] | None],
        on_revoked: Callable[[list[TopicPartition]], None],
    ) -> None:
        """Join the group. ``on_assigned`` may answer the offset each partition starts at; else the committed one, else the oldest."""

    def poll(self, records_max: int, timeout_seconds: float) -> list[LogRecord]:
        """Up to ``records_max`` records; returns early with what there is. Callbacks run inside this call."""

    def seek(self, partition: TopicPartition, offset: int) -> None: ...

    def pause(self, partitions: Iterable[TopicPartition]) -> None: ...

    def resume(self, partitions: Iterable[TopicPartition]) -> None: ...

    def commit(self, positions: Mapping[TopicPartition, Committed]) -> None:
        """Store positions for the group, synchronously."""

    def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Committed]: ...

    def watermarks(self, partition: TopicPartition) -> tuple[int, int]:
        """(oldest offset, end offset) as the broker says now."""

    def known_end(self, partition: TopicPartition) -> int:
        """The end offset as the broker said when it last sent records of it; asks nobody. -1 where it said nothing yet."""

    def close(self) -> None: ...


class LogScan(Protocol):
    """Reads what a log holds, outside of every group: for proofs and rebuilds."""

    def ends(self, partition: TopicPartition) -> tuple[int, int]:
        """(oldest offset, end offset) as the broker says now."""

    def records(self, partition: TopicPartition, start: int, end: int) -> Iterable[LogRecord]:
        """Every record of [start, end), in order.

        Raises:
            RefusedError: the log begins above ``start``.
            UnavailableError: the broker is away.
        """


class LogWriter(Protocol):
    """Ordered, gapless, acknowledged writes: any delivery error is fatal to this writer."""

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
        """Queue one record. ``on_acknowledged(partition, offset)`` is called from ``flush`` or ``poll``.

        Raises:
            UnavailableError: an earlier write of this writer failed, or its queue stayed full.
        """

    def poll(self) -> None:
        """Serve acknowledgements without waiting."""

    def flush(self, timeout_seconds: float) -> None:
        """Return when everything queued is acknowledged.

        Raises:
            UnavailableError: not all of it was, in time; the writer must be thrown away.
        """

    def close(self) -> None: ...


class Schemas(Protocol):
    """Avro schemas by id, as the records' frames name them (registry)."""

    def schema(self, schema_id: int) -> str:
        """The text of a schema.

        Raises:
            RejectedError: unknown-schema, the registry has none of that id.
            UnavailableError: it does not answer, and this id was never read before.
        """

    def schema_id(self, topic: str) -> int:
        """The id of our own schema of a topic's values. Raises UnavailableError while it is not registered."""


class Position(NamedTuple):
    """Lineage within one source, (offset, n-th of that offset): what lies at or below it has been seen."""

    offset: int
    nth: int


class PartitionMeta(NamedTuple):
    """What ``acquire`` answers about one ops partition. ``offset`` is the next to read; 0 of a new one."""

    epoch: int
    offset: int
    digest: int
    watermarks: dict[str, Position]
    """source ("events/3") -> last lineage applied."""
    clocks: dict[str, int]
    """source -> log time it is known to have reached, microseconds."""


class Commit(NamedTuple):
    """Everything one step of a partition changes, as bytes built when the batch was computed."""

    partition: int
    epoch: int
    from_offset: int
    to_offset: int
    digest: int
    watermarks: Mapping[str, Position]
    clocks: Mapping[str, int]
    items: Mapping[str, bytes]
    """canonical key -> packed item."""
    content: Mapping[str, Mapping[bytes, bytes | None]]
    """container key -> entry name -> entry, None removes it."""
    deadlines: Mapping[str, int | None]
    """canonical key -> log time of the item's earliest deadline, None removes it."""
    reference: Mapping[str, str | None]
    """"entity|key" -> JSON, None removes it."""


class Fenced(Exception):
    """Another owner took the partition: drop it."""


class Gap(Exception):
    """The store stands elsewhere: drop the cache and go on from ``offset``."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__(f"the store stands at offset {offset}")


class StateStore(Protocol):
    """Live state, one writer per partition (Redis). All keys of partition p share the hash tag ``{p}``."""

    def acquire(self, partition: int, partitions: int) -> PartitionMeta:
        """Become the owner: a new epoch. Raises RefusedError when stored with another partition count or layout."""

    def load(self, partition: int, items: Sequence[str]) -> dict[str, tuple[bytes, dict[bytes, bytes]]]:
        """Packed item and content entries of those that exist, in one round trip."""

    def scan(self, partition: int) -> Iterable[tuple[str, bytes, dict[bytes, bytes]]]:
        """Every item of the partition, in no order."""

    def deadlines(self, partition: int, until: int | None = None) -> dict[str, int]:
        """The deadlines of the partition up to a log time, that included; None: every one."""

    def reference(self, partition: int) -> dict[str, str]:
        """The reference data the partition has applied: "entity|key" -> JSON."""

    def commit(self, commit: Commit) -> None:
        """All of it or nothing. Raises Fenced, Gap."""

    def meta(self, partition: int) -> PartitionMeta | None:
        """What is stored, without taking it; None where the partition was never owned. For readers."""


class StateLoader(Protocol):
    """Writes the whole state of partitions that have none, or none that counts (a rebuild). Nobody can ``acquire`` in between."""

    def begin(self, partition: int, partitions: int) -> None:
        """Forget what the partition holds; its owner is told GAP, and ``acquire`` raises UnavailableError until ``finish``."""

    def put(
        self, partition: int, items: Mapping[str, bytes], content: Mapping[str, Mapping[bytes, bytes]], deadlines: Mapping[str, int]
    ) -> None:
        """Add items, content entries and deadlines."""

    def finish(self, partition: int, meta: PartitionMeta, reference: Mapping[str, str]) -> None:
        """Where the partition stands; from now on it may be acquired. The epoch of ``meta`` is not looked at."""


class HistoryStore(Protocol):
    """The analytical store (ClickHouse), as the sink needs it."""

    def insert(self, table: str, columns: Sequence[tuple[str, str]], rows: int, native: bytes, token: str, *, derive: bool = True) -> None:
        """Insert one Native block exactly once per ``token``.

        Args:
            columns: (name, ClickHouse type).
            derive: whether a row of the block may belong into an index of the table; the same for the same block. An index need
                not look at the others, which is cheaper.

        Raises:
            UnavailableError: not known whether it was stored; the same call may be repeated.
        """

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[object, ...]]:
        """Rows of a SELECT with bound ``{name:Type}`` parameters."""

    def command(self, sql: str) -> None:
        """One DDL statement."""

    def positions(self, table: str, at_least: Mapping[str, Position] | None = None) -> dict[str, Position]:
        """The highest lineage per source ("events/3", "ops/7") that ``table`` holds; where ``at_least`` says what must be
        there already, only what lies at or above the lowest of it need be looked at."""

    def complete(self, table: str, above: Mapping[str, Position]) -> None:
        """Bring everything derived from ``table`` up to it, for rows above these positions. May be repeated at will."""

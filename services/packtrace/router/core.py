"""Records of ``events`` and ``reference`` -> records of ``ops`` and ``rejected``. Pure: the same records give the same answer.

What a line repeats from scan to scan stands behind the varying fields in the schema (``event_avro``). Those bytes are read
and checked once, and remembered with the context they make; a scan then costs its own identifiers and little more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final, NamedTuple

import xxhash

from packtrace.codec import event_avro, reference_record, wire
from packtrace.codec.event_check import check, check_varying, expiry_needs_time, shared
from packtrace.codec.ops import ReferenceRow
from packtrace.codec.ops_builder import RECORD_BYTES_MAX, EventRow, OpRow, OpsBuilder, PackedContext, pack_context, text_bytes
from packtrace.codec.raw_event import RawEvent
from packtrace.codec.rejected_record import RejectedRecord, rejected
from packtrace.domain.event import Event
from packtrace.domain.explode import children_mark, context_of, event_mark, message_mark, ops_of
from packtrace.domain.own_event import Context
from packtrace.domain.reference import ReferenceChange
from packtrace.domain.reference_file import read_change
from packtrace.domain.vocabulary import Reject, Role
from packtrace.errors import RejectedError
from packtrace.ports import LogRecord, TopicPartition

EVENTS: Final = "events"
REFERENCE: Final = "reference"

TAILS_MAX: Final = 8_192
"""Remembered tails, a few per line and lot."""
TAIL_BYTES_MAX: Final = 4_096
"""A longer tail is read each time, so that what is remembered stays below 32 MiB."""
CONTEXTS_MAX: Final = 65_536

_ITEM = int(Role.ITEM)

Writers = Mapping[int, str | RejectedError]
"""Schema id -> text of the schema, or why records of that id are rejected."""


class _Tail(NamedTuple):
    """What a tail says, read and checked: the event without its head, and the context it makes."""

    shared: Event
    context: PackedContext


@dataclass(slots=True)
class Routed:
    """What a batch becomes. ``log_times`` has the last log time of each partition seen."""

    ops: list[tuple[int, bytes]] = field(default_factory=list)
    """(ops partition, Avro body), in the order to write."""
    rejected: list[RejectedRecord] = field(default_factory=list)
    events: int = 0
    ops_count: int = 0
    reference: int = 0
    log_times: dict[TopicPartition, int] = field(default_factory=dict)


def schema_id_of(record: LogRecord) -> int | None:
    """The schema id a record names; None where it names none."""
    try:
        return wire.unframe(record.value)[0]
    except RejectedError:
        return None


class Core:
    """The function ``route`` with its memory of what lines repeat.

    Args:
        partitions: of ops.
        clock_sources: how many sources drive the clock, the partitions of events.
    """

    def __init__(self, partitions: int, clock_sources: int) -> None:
        self._partitions = partitions
        self._clock_sources = clock_sources
        self._builders: list[OpsBuilder] = []
        self._sources: dict[TopicPartition, int] = {}
        self._tails: dict[bytes, _Tail] = {}
        self._contexts: dict[Context, PackedContext] = {}
        self._numbers = count(1)

    def route(self, records: Sequence[LogRecord], writers: Writers, clocks: Mapping[str, int]) -> Routed:
        """Route a batch.

        Args:
            writers: every schema id the batch names.
            clocks: source -> log time reached before this batch. The last record to each partition carries them, moved on
                to the batch's own last log times; partitions without ops get none (see ``tick``).
        """
        routed = Routed()
        self._start(records)
        for record in records:
            routed.log_times[TopicPartition(record.topic, record.partition)] = record.log_time
            ids = _Ids()
            try:
                schema_id, body = wire.unframe(record.value)
                writer = writers[schema_id]
                if isinstance(writer, RejectedError):
                    raise writer
                if record.topic == EVENTS:
                    routed.ops_count += self._event(record, body, writer, ids)
                    routed.events += 1
                else:
                    self._reference(record, reference_record.decode(body, writer).change)
                    routed.reference += 1
            except RejectedError as error:
                if error.code == Reject.TOMBSTONE and record.topic == REFERENCE and self._removal(record):
                    routed.reference += 1
                    continue
                routed.rejected.append(
                    rejected(*record[:3], record.log_time, error, source=ids.source or _text(record.key), event_id=ids.event,
                             key=record.key, value=record.value)
                )  # fmt: skip
        reached = dict(clocks)
        for partition, log_time in routed.log_times.items():
            if partition.topic == EVENTS:
                source = source_name(partition)
                reached[source] = max(reached.get(source, 0), log_time)
        for number, builder in enumerate(self._builders):
            if not builder.untouched:
                routed.ops += [(number, body) for body in builder.take(reached)]
        return routed

    def _start(self, records: Sequence[LogRecord]) -> None:
        """Builders that number the sources of the batch alike, so that one row serves them all."""
        self._builders = [OpsBuilder(self._clock_sources) for _ in range(self._partitions)]
        partitions = sorted({TopicPartition(record.topic, record.partition) for record in records})
        self._sources = {partition: number for number, partition in enumerate(partitions)}
        for builder in self._builders:
            for partition in partitions:
                builder.source(source_name(partition))

    def tick(self, clocks: Mapping[str, int]) -> bytes:
        """An ops record that only says how far the sources are."""
        (body,) = OpsBuilder(self._clock_sources).take(clocks)
        return body

    def _event(self, record: LogRecord, body: bytes, writer: str, ids: _Ids) -> int:
        """Add the ops of one event; how many."""
        if not event_avro.BODY.is_ours(writer):
            return self._any_event(record, event_avro.decode(body, writer), ids)
        head = event_avro.read_head(body)
        tail = self._tails.get(head.tail)
        if tail is None:
            raw = event_avro.read_tail(head.tail)
            ids.event, ids.source = head.id, raw.line or raw.device or raw.party
            if expiry_needs_time(raw) or len(head.tail) > TAIL_BYTES_MAX:
                return self._any_event(record, event_avro.decode(body), ids)
            known = shared(raw)
            tail = _Tail(known, self._packed(context_of(known)))
            if len(self._tails) >= TAILS_MAX:
                self._tails.clear()
            self._tails[head.tail] = tail
        known = tail.shared
        try:
            event = check_varying(
                known, head.id, head.event_time, head.sequence, head.epcs, head.parent, head.children, log_time=record.log_time
            )
        except RejectedError:
            ids.event, ids.source = head.id, known.line or known.device or known.party
            raise
        if event.correction is None and event.lot == known.lot and event.expiry == known.expiry:
            return self._add(record, event, tail.context)
        return self._add(record, event, self._packed(context_of(event)))

    def _any_event(self, record: LogRecord, raw: RawEvent, ids: _Ids) -> int:
        """The plain way, for every schema and shape."""
        ids.event, ids.source = raw.id, raw.line or raw.device or raw.party
        event = check(raw, log_time=record.log_time)
        return self._add(record, event, self._packed(context_of(event)))

    def _packed(self, context: Context) -> PackedContext:
        packed = self._contexts.get(context)
        if packed is None:
            packed = pack_context(next(self._numbers), context)
            if len(self._contexts) >= CONTEXTS_MAX:
                self._contexts.clear()
            self._contexts[context] = packed
        return packed

    def _add(self, record: LogRecord, event: Event, context: PackedContext) -> int:
        children = event.children
        row = EventRow(
            self._sources[record[:2]],  # type: ignore[index]
            record.offset,
            record.log_time,
            event.event_time,
            event_mark(context.packed, event.event_time, event.parent, event.extensions),
            message_mark(event.line, event.boot, event.sequence),
            children_mark(children) if children else 0,
            len(children),
            event.id,
            event.parent,
            children[0] if children else "",
        )
        epcs, digest, partitions = event.epcs, xxhash.xxh3_64_intdigest, self._partitions
        if len(epcs) == 1 and not (event.parent or event.inputs or event.outputs):
            key = epcs[0]
            self._builders[digest(key.encode()) % partitions].add_event(row, context, ((0, _ITEM, key),))
            return 1
        ops = ops_of(event)
        groups: dict[int, list[OpRow]] = {}
        for index, (role, key) in enumerate(ops):
            partition = digest(key.encode()) % partitions
            group = groups.get(partition)
            if group is None:
                groups[partition] = [(index, role, key)]
            else:
                group.append((index, role, key))
        for partition, group in groups.items():
            self._builders[partition].add_event(row, context, group)
        return len(ops)

    def _reference(self, record: LogRecord, change: ReferenceChange) -> None:
        read_change(change)
        size = text_bytes(change.value_json or "")
        if size > RECORD_BYTES_MAX // 2:
            raise RejectedError(Reject.RECORD_TOO_LARGE, "value", f"at most {RECORD_BYTES_MAX // 2} bytes", str(size))
        row = ReferenceRow(self._sources[TopicPartition(record.topic, record.partition)], record.offset, record.log_time, *change)
        for builder in self._builders:
            builder.add_reference(row)

    def _removal(self, record: LogRecord) -> bool:
        """A tombstone of the compacted topic takes its entity away; False where its key names none."""
        entity, slash, key = _text(record.key).partition("/")
        if not slash or not key:
            return False
        try:
            self._reference(record, ReferenceChange(entity, key, None))
        except RejectedError:
            return False
        return True


@dataclass(slots=True)
class _Ids:
    """What could be read of an event before it was rejected."""

    event: str = ""
    source: str = ""


def source_name(partition: TopicPartition) -> str:
    """How lineage names a partition, e.g. ``"events/3"``."""
    return f"{partition.topic}/{partition.partition}"


def _text(key: bytes | None) -> str:
    return (key or b"").decode(errors="replace")

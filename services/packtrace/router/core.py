"""Records of ``events`` and ``reference`` -> records of ``ops`` and ``rejected``. Pure: the same records give the same answer.

What a line repeats from scan to scan stands behind the varying fields in the schema (``event_avro``). Those bytes are read
and checked once, and remembered with the context they make; a scan then costs its own identifiers and little more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final, NamedTuple

from xxhash import xxh3_64_intdigest

from packtrace.codec import event_avro, reference_record, wire
from packtrace.codec.event_check import AHEAD_MAX, check, check_varying, expiry_needs_time, shared
from packtrace.codec.event_shape import EPCS_MAX
from packtrace.codec.identifiers import plain_item
from packtrace.codec.ops import ReferenceRow
from packtrace.codec.ops_builder import RECORD_BYTES_MAX, OpsBuilder, PackedContext, pack_context, text_bytes
from packtrace.codec.raw_event import RawEvent
from packtrace.codec.rejected_record import RejectedRecord, rejected
from packtrace.codec.vocabulary_words import TEXT_CHARACTERS_MAX
from packtrace.domain.dates import TIME_MAX
from packtrace.domain.event import Event
from packtrace.domain.explode import children_mark, context_of, event_mark, message_mark, ops_of, recall_of_lots
from packtrace.domain.own_event import Context
from packtrace.domain.reference import ReferenceChange
from packtrace.domain.reference_file import read_change
from packtrace.domain.vocabulary import Entity, EventType, Reject, Role
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
    scans: bool
    """An event of it that names one EPC in a plain spelling needs no further check than that of its head."""


@dataclass(slots=True)
class Routed:
    """What a batch becomes. ``log_times`` has the last log time of each partition seen."""

    ops: list[tuple[int, bytes]] = field(default_factory=list)
    """(ops partition, Avro body), in the order to write."""
    rejected: list[RejectedRecord] = field(default_factory=list)
    events: int = 0
    ops_count: int = 0
    reference: int = 0
    log_times: dict[tuple[str, int], int] = field(default_factory=dict)


def schema_id_of(record: LogRecord) -> int | None:
    """The schema id a record names; None where it names none."""
    try:
        return wire.unframe(record.value)[0]
    except RejectedError:
        return None


def poisoned(record: LogRecord, kills: int) -> Routed:
    """A record at which the process ended again and again, rejected unread."""
    error = RejectedError(Reject.POISON, "", "a record that can be routed", f"one at which {kills} processes ended")
    routed = Routed(events=int(record.topic == EVENTS))
    routed.rejected.append(rejected(*record[:3], record.log_time, error, key=record.key, value=record.value))
    return routed


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
        ours = {wire.frame(id, b"") for id, text in writers.items() if isinstance(text, str) and event_avro.BODY.is_ours(text)}
        for record in records:
            topic, partition, _, _, value, log_time, _ = record
            routed.log_times[topic, partition] = log_time
            try:
                if topic == EVENTS:
                    own = value is not None and value[: wire.HEADER_BYTES] in ours
                    routed.ops_count += self._own_event(record, value or b"") if own else self._other_event(record, writers)
                    routed.events += 1
                else:
                    self._reference(record, writers)
                    routed.reference += 1
            except RejectedError as error:
                event_id, source = _named(record, ours)
                routed.rejected.append(
                    rejected(*record[:3], log_time, error, source=source, event_id=event_id, key=record.key, value=value)
                )
        reached = dict(clocks)
        for (topic, partition), log_time in routed.log_times.items():
            if topic == EVENTS:
                source = f"{topic}/{partition}"
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

    def _own_event(self, record: LogRecord, value: bytes) -> int:
        """Add the ops of an event written with our own schema; how many."""
        scan = event_avro.read_scan(value, wire.HEADER_BYTES)
        if scan is None:
            return self._own_head(record, event_avro.read_head(value[wire.HEADER_BYTES :]), value)
        id, event_time, sequence, epc, tail_at = scan
        tail_bytes = value[tail_at:]
        tail = self._tails.get(tail_bytes)
        if tail is not None and tail.scans and id and len(id) <= TEXT_CHARACTERS_MAX and id.isprintable():
            item = plain_item(epc)
            if item and event_time <= record.log_time + AHEAD_MAX and event_time <= TIME_MAX:
                shared, context, _ = tail
                mark = event_mark(context.packed, event_time, "", shared.extensions)
                message = message_mark(shared.line, shared.boot, sequence) if sequence is not None else 0
                source = self._sources[record[:2]]  # type: ignore[index]
                row = (source, record.offset, record.log_time, event_time, mark, message, 0, 0, id, "", "")
                self._builders[xxh3_64_intdigest(item.encode()) % self._partitions].add_one(row, context, _ITEM, item)
                return 1
        return self._own_head(record, event_avro.Head(id, event_time, sequence, [epc], "", [], tail_bytes), value)

    def _own_head(self, record: LogRecord, head: event_avro.Head, value: bytes) -> int:
        tail = self._tails.get(head.tail)
        if tail is None:
            raw = event_avro.read_tail(head.tail)
            if expiry_needs_time(raw) or raw.epcis or len(head.tail) > TAIL_BYTES_MAX:
                return self._any_event(record, event_avro.decode(value[wire.HEADER_BYTES :]))
            tail = self._remembered(head.tail, shared(raw))
        known = tail.shared
        event = check_varying(
            known, head.id, head.event_time, head.sequence, head.epcs, head.parent, head.children, log_time=record.log_time
        )
        if event.correction is None and event.lot == known.lot and event.expiry == known.expiry:
            return self._add(record, event, tail.context)
        return self._add(record, event, self._packed(context_of(event)))

    def _remembered(self, tail: bytes, known: Event) -> _Tail:
        scans = known.type is EventType.OBJECT and known.correction is None and len(known.lots) < EPCS_MAX
        read = _Tail(known, self._packed(context_of(known)), scans)
        if len(self._tails) >= TAILS_MAX:
            self._tails.clear()
        self._tails[tail] = read
        return read

    def _other_event(self, record: LogRecord, writers: Writers) -> int:
        """Add the ops of an event of any other schema; how many."""
        body, writer = _written(record, writers)
        return self._any_event(record, event_avro.decode(body, writer))

    def _any_event(self, record: LogRecord, raw: RawEvent) -> int:
        """The plain way, for every schema and shape."""
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
        """One op per item named, in the order of ``explode.ops_of``, to the partition of the item."""
        children, parent = event.children, event.parent
        row = (
            self._sources[record[:2]],  # type: ignore[index]
            record.offset,
            record.log_time,
            event.event_time,
            event_mark(context.packed, event.event_time, parent, event.extensions),
            message_mark(event.line, event.boot, event.sequence),
            children_mark(children) if children else 0,
            len(children),
            event.id,
            parent,
            children[0] if children else "",
        )
        if event.lots:
            self._recall(record, event)
        ops = ops_of(event)
        groups: dict[int, tuple[list[int], bytearray, list[str]]] = {}
        partitions = self._partitions
        for index, (role, item) in enumerate(ops):
            partition = xxh3_64_intdigest(item.encode()) % partitions
            group = groups.get(partition)
            if group is None:
                groups[partition] = [index], bytearray((role,)), [item]
            else:
                indices, roles, items = group
                indices.append(index)
                roles.append(role)
                items.append(item)
        for partition, (indices, roles, items) in groups.items():
            self._builders[partition].add_ops(row, context, indices, roles, items)
        return len(ops)

    def _recall(self, record: LogRecord, event: Event) -> None:
        """An event that names lots is a change of those lots, for every partition (rules.md 6).

        Its position is one of its own: the ops of the same event have theirs.
        """
        change = recall_of_lots(event)
        if change is None:
            return
        for builder in self._builders:
            builder.add_reference(ReferenceRow(builder.source(f"lots/{record.partition}"), record.offset, record.log_time, *change))

    def _reference(self, record: LogRecord, writers: Writers) -> None:
        if record.value is None:
            change = _removal(record.key)
        else:
            body, writer = _written(record, writers)
            change = reference_record.decode(body, writer).change
        read_change(change)
        size = text_bytes(change.value_json or "")
        if size > RECORD_BYTES_MAX // 2:
            raise RejectedError(Reject.RECORD_TOO_LARGE, "value", f"at most {RECORD_BYTES_MAX // 2} bytes", str(size))
        row = ReferenceRow(self._sources[record[:2]], record.offset, record.log_time, *change)  # type: ignore[index]
        for builder in self._builders:
            builder.add_reference(row)


def _written(record: LogRecord, writers: Writers) -> tuple[bytes, str]:
    """(Avro body, text of its schema)."""
    schema_id, body = wire.unframe(record.value)
    writer = writers[schema_id]
    if isinstance(writer, RejectedError):
        raise writer
    return body, writer


def _removal(key: bytes | None) -> ReferenceChange:
    """A tombstone of the compacted topic takes the entity away that its key names."""
    entity, slash, identifier = _text(key).partition("/")
    if not slash or not identifier or entity not in set(Entity):
        raise RejectedError(Reject.TOMBSTONE, "key", "entity/identifier, e.g. product/09506000134352", _text(key))
    return ReferenceChange(entity, identifier, None)


def _named(record: LogRecord, ours: Collection[bytes]) -> tuple[str, str]:
    """(event id, source) of a rejected event, as far as they can be read; else the record's key is its source."""
    event_id = source = ""
    if record.topic == EVENTS and record.value is not None and record.value[: wire.HEADER_BYTES] in ours:
        with suppress(RejectedError):
            head = event_avro.read_head(record.value[wire.HEADER_BYTES :])
            event_id = head.id
            raw = event_avro.read_tail(head.tail)
            source = raw.line or raw.device or raw.party
    return event_id, source or _text(record.key)


def source_name(partition: TopicPartition) -> str:
    """How lineage names a partition, e.g. ``"events/3"``."""
    return f"{partition.topic}/{partition.partition}"


def _text(key: bytes | None) -> str:
    return (key or b"").decode(errors="replace")

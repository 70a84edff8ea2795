"""Fills records for one partition of ``ops``, each bounded in bytes before it is encoded.

The router and the tracker use one builder per target partition and round. The same calls give the same records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from packtrace.codec.ops import OpsBatch, ReferenceRow, encode_packed
from packtrace.domain.fact import Fact
from packtrace.domain.own_event import Context
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

RECORD_BYTES_MAX = 512 * 1024
"""Half of what the topic takes (topics.yaml), so that an estimate that is a little low costs nothing."""

CONTEXT_BYTES_MAX = 384 * 1024
"""What one event may say that is not an item; a record must hold it and still have room for ops."""

_FRAME_BYTES = 1024
"""Fixed part of a record: sources, clock, field headers."""
_EVENT_BYTES = 58 + 3
_OP_BYTES = 9 + 1

_encoder = msgspec.msgpack.Encoder()


class EventRow(NamedTuple):
    """The columns of one event, less its context. ``source`` is a number of ``OpsBuilder.source``."""

    source: int
    offset: int
    log_time: int
    event_time: int
    mark: int
    message_mark: int
    children_mark: int
    children_count: int
    id: str
    parent: str
    first_child: str


EventColumns = tuple[int, int, int, int, int, int, int, int, str, str, str]
"""``EventRow`` as a plain tuple, which the hot path makes: a third of the cost."""

OpRow = tuple[int, int, str]
"""(index within the event, role, canonical key)."""


class OpsBuilder:
    """One per target partition. ``take`` answers the encoded records and leaves the builder empty."""

    __slots__ = (
        "_bytes",
        "_clock_sources",
        "_context_bytes",
        "_context_numbers",
        "_contexts",
        "_event_contexts",
        "_events",
        "_facts",
        "_op_events",
        "_op_indices",
        "_op_items",
        "_op_roles",
        "_records",
        "_reference",
        "_source_numbers",
        "_sources",
    )

    def __init__(self, clock_sources: int = 0) -> None:
        self._clock_sources = clock_sources
        self._sources: list[str] = []
        self._source_numbers: dict[str, int] = {}
        self._records: list[bytes] = []
        self._start()

    def _start(self) -> None:
        self._bytes = _FRAME_BYTES
        self._contexts: list[bytes] = []
        self._context_numbers: dict[int, int] = {}
        self._context_bytes: dict[bytes, int] = {}
        self._events: list[EventColumns] = []
        self._event_contexts: list[int] = []
        self._op_events: list[int] = []
        self._op_indices: list[int] = []
        self._op_roles = bytearray()
        self._op_items: list[str] = []
        self._facts: list[bytes] = []
        self._reference: list[ReferenceRow] = []

    def source(self, name: str) -> int:
        """The number of a source ("events/3"), the same for the life of the builder."""
        number = self._source_numbers.get(name)
        if number is None:
            number = self._source_numbers[name] = len(self._sources)
            self._sources.append(name)
        return number

    def add_event(self, row: EventColumns, context: PackedContext, ops: Sequence[OpRow]) -> None:
        """Add an event with those of its ops that belong to this partition."""
        self.add_ops(row, context, [op[0] for op in ops], bytes(op[1] for op in ops), [op[2] for op in ops])

    def add_one(self, row: EventColumns, context: PackedContext, role: int, item: str) -> None:
        """``add_ops`` for an event of one op, index 0: the scan of a line, a third of the cost."""
        number = self._context_numbers.get(context.number)
        size = _EVENT_BYTES + _OP_BYTES + len(item) + 4 * len(row[8])
        if number is None or row[9] or row[10] or self._bytes + size > RECORD_BYTES_MAX:
            self.add_ops(row, context, (0,), bytes((role,)), (item,))
            return
        self._bytes += size
        self._op_events.append(len(self._events))
        self._events.append(row)
        self._event_contexts.append(number)
        self._op_indices.append(0)
        self._op_roles.append(role)
        self._op_items.append(item)

    def add_ops(
        self, row: EventColumns, context: PackedContext, indices: Sequence[int], roles: bytes | bytearray, items: Sequence[str]
    ) -> None:
        """Add an event with those of its ops that belong to this partition; several records where they do not fit one.

        Args:
            indices: of the ops within the event; ``roles`` and ``items`` go with them.
        """
        event_bytes = _EVENT_BYTES + text_bytes(row[8]) + len(row[9]) + len(row[10])
        place = 0
        while place < len(items):
            room = RECORD_BYTES_MAX - self._bytes - event_bytes - context.bytes_new(self._context_numbers)
            count, size = _fitting(items, place, room)
            if not count and not self.empty:
                self._seal({})
                continue
            end = place + (count or 1)
            number = self._context_numbers.get(context.number)
            if number is None:
                number = self._intern(context)
            self._op_events += [len(self._events)] * (end - place)
            self._events.append(row)
            self._event_contexts.append(number)
            self._op_indices += indices[place:end]
            self._op_roles += roles[place:end]
            self._op_items += items[place:end]
            self._bytes += event_bytes + size
            place = end

    def add_fact(self, source: int, offset: int, nth: int, fact: Fact) -> None:
        """Add a fact; ``nth`` counts the facts of that source's offset, in every target together."""
        packed = _encoder.encode((source, offset, nth, fact))
        self._make_room(len(packed))
        self._facts.append(packed)

    def add_reference(self, row: ReferenceRow) -> None:
        """Add a change of reference data. Readers apply it before the ops of the same record."""
        self._make_room(len(row.entity) + text_bytes(row.key) + text_bytes(row.json or "") + 32)
        self._reference.append(row)

    def take(self, clock: Mapping[str, int] | None = None) -> list[bytes]:
        """The records since the last ``take``; the last of them carries ``clock`` (source -> log time), alone as a tick if need be.

        Earlier ones say nothing of the clock: what it covers may be in a later record.
        """
        for source in clock or ():
            self.source(source)
        if clock or not self.empty:
            self._seal(clock or {})
        records, self._records = self._records, []
        return records

    @property
    def empty(self) -> bool:
        """Nothing waits in the open record."""
        return not (self._events or self._facts or self._reference)

    @property
    def untouched(self) -> bool:
        """Nothing waits at all."""
        return self.empty and not self._records

    def _intern(self, context: PackedContext) -> int:
        number = self._context_bytes.get(context.packed)
        if number is None:
            number = self._context_bytes[context.packed] = len(self._contexts)
            self._contexts.append(context.packed)
            self._bytes += len(context.packed)
        self._context_numbers[context.number] = number
        return number

    def _make_room(self, size: int) -> None:
        if self._bytes + size > RECORD_BYTES_MAX and not self.empty:
            self._seal({})
        self._bytes += size

    def _seal(self, clock: Mapping[str, int]) -> None:
        events = list(zip(*self._events, strict=True)) or [()] * len(EventRow._fields)
        batch = OpsBatch(
            sources=self._sources,
            clock=[clock.get(source, 0) for source in self._sources],
            clock_sources=self._clock_sources,
            event_source=events[0],
            event_offset=events[1],
            event_log_time=events[2],
            event_time=events[3],
            event_context=self._event_contexts,
            event_mark=events[4],
            event_message_mark=events[5],
            event_children_mark=events[6],
            event_children_count=events[7],
            event_ids=events[8],
            event_parents=events[9],
            event_first_children=events[10],
            op_event=self._op_events,
            op_index=self._op_indices,
            op_role=self._op_roles,
            op_items=self._op_items,
            reference=self._reference,
        )
        self._records.append(encode_packed(batch, contexts=_array(self._contexts), facts=_array(self._facts)))
        self._start()


class PackedContext(NamedTuple):
    """A context with its bytes, made once and shared by all builders. ``number`` is never reused within a process."""

    number: int
    context: Context
    packed: bytes

    def bytes_new(self, known: Mapping[int, int]) -> int:
        """What interning it would add to a record that knows ``known``."""
        return 0 if self.number in known else len(self.packed)


def pack_context(number: int, context: Context) -> PackedContext:
    """Encode ``context``.

    Raises:
        RejectedError: larger than ``CONTEXT_BYTES_MAX``.
    """
    packed = _encoder.encode(context)
    if len(packed) > CONTEXT_BYTES_MAX:
        raise RejectedError(
            Reject.RECORD_TOO_LARGE,
            "transactions" if context.transactions else "correction" if context.corrects else "",
            f"at most {CONTEXT_BYTES_MAX} bytes beside the items",
            f"{len(packed)} bytes",
        )
    return PackedContext(number, context, packed)


def _fitting(items: Sequence[str], place: int, room: int) -> tuple[int, int]:
    """How many items from ``place`` on fit into ``room`` bytes, and the bytes they take. Keys are ASCII."""
    size = sum(map(len, items)) + _OP_BYTES * len(items)
    if not place and size <= room:
        return len(items), size
    size = 0
    for count in range(len(items) - place):
        more = _OP_BYTES + len(items[place + count])
        if size + more > room:
            return count, size
        size += more
    return len(items) - place, size


def text_bytes(text: str) -> int:
    """Length in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def _array(parts: list[bytes]) -> bytes:
    """A msgpack array of parts that are msgpack already."""
    return b"\xdd" + len(parts).to_bytes(4, "big") + b"".join(parts) if parts else b""

"""What a tracker would see of the records a router wrote, and records for a router to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from packtrace.adapters.registry_memory import MemoryRegistry
from packtrace.codec import event_avro, ops, reference_record, wire
from packtrace.codec.raw_event import RawEvent
from packtrace.codec.reference_record import ReferenceRecord
from packtrace.domain.identifiers import check_digit
from packtrace.domain.own_event import Context
from packtrace.domain.reference import ReferenceChange
from packtrace.ports import LogRecord

LOG_TIME = 1_763_805_600_000_000
"""2025-11-22T10:00:00Z"""
GTIN = "09506000134352"
PLACE = "9506000100005"
REGISTRY = MemoryRegistry()
EVENTS_ID = REGISTRY.schema_id("events")
REFERENCE_ID = REGISTRY.schema_id("reference")


class Op(NamedTuple):
    """One op with its lineage and everything of its event."""

    source: str
    offset: int
    nth: int
    role: int
    item: str
    log_time: int
    time: int
    context: Context
    mark: int
    message_mark: int
    children_mark: int
    children_count: int
    id: str
    parent: str
    first_child: str


class Reference(NamedTuple):
    source: str
    offset: int
    log_time: int
    entity: str
    key: str
    json: str | None


decoded = lru_cache(maxsize=4_096)(ops.decode)
"""For looking only: several questions are asked of each record."""


def ops_of(bodies: Iterable[bytes]) -> list[Op]:
    """The ops of a partition's records, in order."""
    return [op for body in bodies for op in _ops(decoded(body))]


def _ops(batch: ops.OpsBatch) -> list[Op]:
    return [
        Op(
            batch.sources[batch.event_source[event]],
            batch.event_offset[event],
            index,
            role,
            item,
            batch.event_log_time[event],
            batch.event_time[event],
            batch.contexts[batch.event_context[event]],
            batch.event_mark[event],
            batch.event_message_mark[event],
            batch.event_children_mark[event],
            batch.event_children_count[event],
            batch.event_ids[event],
            batch.event_parents[event],
            batch.event_first_children[event],
        )
        for event, index, role, item in zip(batch.op_event, batch.op_index, batch.op_role, batch.op_items, strict=True)
    ]


def reference_of(bodies: Iterable[bytes]) -> list[Reference]:
    """The reference changes of a partition's records, in order."""
    return [
        Reference(batch.sources[row.source], *row[1:])
        for batch in map(decoded, bodies)
        for row in batch.reference
    ]  # fmt: skip


def clocks_of(body: bytes) -> dict[str, int]:
    """What a record says of the clock."""
    batch = ops.decode(body)
    return {source: clock for source, clock in zip(batch.sources, batch.clock, strict=True) if clock}


def by_source(seen: Sequence[Op]) -> dict[str, list[Op]]:
    """Ops of one partition, in order, per source."""
    found: dict[str, list[Op]] = {}
    for op in seen:
        found.setdefault(op.source, []).append(op)
    return found


def record(raw: RawEvent, offset: int = 0, partition: int = 0, log_time: int = LOG_TIME) -> LogRecord:
    """An event as it lies in the log."""
    return LogRecord("events", partition, offset, b"line-1", wire.frame(EVENTS_ID, event_avro.encode(raw)), log_time)


def raw_record(value: bytes | None, offset: int = 0, partition: int = 0) -> LogRecord:
    """Any bytes as they lie in the log."""
    return LogRecord("events", partition, offset, b"line-1", value, LOG_TIME)


def reference(change: ReferenceChange, offset: int = 0) -> LogRecord:
    """A change of reference data as it lies in the log."""
    value = wire.frame(REFERENCE_ID, reference_record.encode(ReferenceRecord(change, LOG_TIME)))
    return LogRecord("reference", 0, offset, reference_record.record_key(change), value, LOG_TIME)


def unit(serial: object) -> str:
    """A unit as a line spells it."""
    return f"https://id.gs1.org/01/{GTIN}/21/{serial}"


def pallet(number: int) -> str:
    """An SSCC as a line spells it."""
    digits = f"1950600{number:010d}"
    return f"https://id.gs1.org/00/{digits}{check_digit(digits)}"


def scan(
    serial: object, *, id: str = "", lot: str = "L7", sequence: int | None = None, event_time: int = LOG_TIME, line: str = "line-1"
) -> RawEvent:
    """A commissioning of one unit."""
    return RawEvent(
        id=id or f"scan-{serial}",
        type="object",
        action="ADD",
        event_time=event_time,
        biz_step="commissioning",
        disposition="active",
        epcs=(unit(serial),),
        lot=lot,
        expiry="2028-05-31",
        place=PLACE,
        line=line,
        boot=7,
        sequence=sequence,
    )


def packing(number: int, serials: Iterable[object], *, id: str = "", action: str = "ADD") -> RawEvent:
    """A packing of units into a pallet."""
    return RawEvent(
        id=id or f"pack-{number}",
        type="aggregation",
        action=action,
        event_time=LOG_TIME,
        biz_step="packing",
        parent=pallet(number),
        children=tuple(map(unit, serials)),
        place=PLACE,
        line="line-1",
    )

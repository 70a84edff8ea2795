"""The row of an event: what the router accepts, as columns and as canonical JSON.

Two ways, held equal by a property test. ``plain`` reads, checks and writes the whole event. ``read`` remembers what a line
repeats from scan to scan, beside the bytes it came in: the checked part, its encoded columns, its pieces of JSON; a scan
then costs its own identifiers (8 us against 30).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from packtrace.codec import event_avro, native, wire
from packtrace.codec.event_check import check, check_varying, expiry_needs_time, shared
from packtrace.codec.event_json import raw_of, to_json
from packtrace.codec.identifiers import digital_link
from packtrace.codec.raw_event import RawEvent
from packtrace.domain.dates import date_text, time_text
from packtrace.domain.event import Event
from packtrace.domain.explode import ops_of
from packtrace.errors import RejectedError
from packtrace.ports import LogRecord, Position, Schemas
from packtrace.sink.blocks import Piece
from packtrace.sink.row import Columns, encoder

TAILS_MAX = 8_192
"""What lines repeat: some hundred per line and product."""

# fmt: off
COLUMNS: Columns = (
    ("partition",         "UInt16"),
    ("offset",            "Int64"),
    ("log_time",          "DateTime64(6, 'UTC')"),
    ("event_time",        "DateTime64(6, 'UTC')"),
    ("id",                "String"),
    ("type",              "LowCardinality(String)"),
    ("action",            "LowCardinality(String)"),
    ("biz_step",          "LowCardinality(String)"),
    ("disposition",       "LowCardinality(String)"),
    ("place",             "LowCardinality(String)"),
    ("read_point",        "LowCardinality(String)"),
    ("party",             "LowCardinality(String)"),
    ("source_party",      "LowCardinality(String)"),
    ("destination_party", "LowCardinality(String)"),
    ("line",              "LowCardinality(String)"),
    ("device",            "LowCardinality(String)"),
    ("operator",          "LowCardinality(String)"),
    ("lot",               "LowCardinality(String)"),
    ("expiry",            "UInt32"),
    ("parent",            "String"),
    ("items",             "UInt32"),
    ("event",             "String"),
)
# fmt: on

_encode_row = encoder(COLUMNS)
_json = msgspec.json.encode
_u16, _i64, _u32 = struct.Struct("<H").pack, struct.Struct("<q").pack, struct.Struct("<I").pack

_BEFORE_TIME: Final = ("type", "action")
_AFTER_TIME: Final = ("time_zone", "biz_step", "disposition")
_APART: Final = frozenset({"id", "event_time", "sequence", "epcs", "parent", "children", "lot", "expiry", *_BEFORE_TIME, *_AFTER_TIME})
"""Fields that vary, or that stand before those that do."""


class _Tail(NamedTuple):
    """What a line repeats, read, encoded and written once."""

    checked: Event
    cells: list[bytes]
    before_time: bytes
    after_time: bytes
    rest: bytes
    """With the lot and expiry of ``checked`` before it."""
    other_rest: bytes
    """Without them: a code of the event may state its own."""


class EventRows:
    """The table ``events`` (``blocks.Table``): what cannot be read is skipped, for the router puts it into ``rejected``."""

    name = "events"
    columns = COLUMNS
    layout = 1

    def __init__(self, schemas: Schemas, latency_seconds: float, spacing_seconds: float) -> None:
        self._schemas = schemas
        self.latency_seconds = latency_seconds
        self.spacing_seconds = spacing_seconds
        self._ours: dict[int, bool] = {}
        self._tails: dict[bytes, _Tail] = {}

    def owns(self, partition: int, source: str) -> bool:
        return source == f"events/{partition}"

    def read(self, record: LogRecord) -> Piece | None:
        try:
            schema_id, body = wire.unframe(record.value)
            ours = self._ours.get(schema_id)
            if ours is None:
                ours = self._ours[schema_id] = event_avro.BODY.is_ours(self._schemas.schema(schema_id))
            cells = self._fast(record, body) if ours else None
            if cells is None:
                raw = event_avro.decode(body, None if ours else self._schemas.schema(schema_id))
                cells = plain(record, check(raw, log_time=record.log_time))
        except RejectedError:
            return None
        at = Position(record.offset, 0)
        return Piece(f"events/{record.partition}", at, at, 1, cells, lambda: (at,))

    def _fast(self, record: LogRecord, body: bytes) -> list[bytes] | None:
        """None where the event must take the plain way."""
        head = event_avro.read_head(body)
        tail = self._tails.get(head.tail)
        if tail is None:
            raw = event_avro.read_tail(head.tail)
            if raw.inputs or raw.outputs or raw.lots or raw.correction is not None or raw.epcis or expiry_needs_time(raw):
                return None
            tail = self._remember(head.tail, raw)
        event = check_varying(
            tail.checked, head.id, head.event_time, head.sequence, head.epcs, head.parent, head.children, log_time=record.log_time
        )
        cells = tail.cells.copy()
        cells[0] = _u16(record.partition)
        cells[1] = _i64(record.offset)
        cells[2] = _i64(record.log_time)
        cells[3] = _i64(event.event_time)
        cells[4] = native.text(event.id)
        cells[17] = native.text(event.lot)
        cells[18] = _u32(event.expiry)
        cells[19] = native.text(event.parent)
        cells[20] = _u32(len(event.epcs) + len(event.children) + (1 if event.parent else 0))
        cells[21] = native.text(_written(event, tail))
        return cells

    def _remember(self, key: bytes, raw: RawEvent) -> _Tail:
        checked = shared(raw)
        cells = plain(LogRecord("events", 0, 0, None, None, 0), checked)
        fields = msgspec.to_builtins(raw_of(checked))
        if checked.extensions:
            fields["extensions"] = msgspec.Raw(checked.extensions.encode())
        other = [name for name in fields if name not in _APART]
        parts = (_part(fields, names) for names in (_BEFORE_TIME, _AFTER_TIME, ("lot", "expiry", *other), other))
        tail = _Tail(checked, cells, *parts)
        if len(self._tails) >= TAILS_MAX:
            self._tails.clear()
        self._tails[key] = tail
        return tail


def plain(record: LogRecord, event: Event) -> list[bytes]:
    """The cells of ``event``, each encoded by itself."""
    return _encode_row(
        (
            record.partition, record.offset, record.log_time, event.event_time, event.id, event.type, event.action or "",
            event.biz_step, event.disposition, event.place, event.read_point, event.party, event.source_party,
            event.destination_party, event.line, event.device, event.operator, event.lot, event.expiry, event.parent,
            len(ops_of(event)), to_json(event),
        )
    )  # fmt: skip


def _written(event: Event, tail: _Tail) -> bytes:
    """The canonical JSON of ``event``, the pieces that repeat taken from ``tail``; equal to ``to_json``."""
    parts = [b'"id":' + _json(event.id), tail.before_time, b'"event_time":"%b"' % time_text(event.event_time).encode(), tail.after_time]
    if event.epcs:
        parts.append(b'"epcs":' + _links(event.epcs))
    if event.parent:
        parts.append(b'"parent":' + _json(digital_link(event.parent)))
    if event.children:
        parts.append(b'"children":' + _links(event.children))
    if event.sequence is not None:
        parts.append(b'"sequence":%d' % event.sequence)
    if event.lot == tail.checked.lot and event.expiry == tail.checked.expiry:
        parts.append(tail.rest)
    else:
        if event.lot:
            parts.append(b'"lot":' + _json(event.lot))
        if event.expiry:
            parts.append(b'"expiry":"%b"' % date_text(event.expiry).encode())
        parts.append(tail.other_rest)
    return b"{" + b",".join([part for part in parts if part]) + b"}"


def _part(fields: Mapping[str, object], names: Sequence[str]) -> bytes:
    """The members ``names`` of an object, without its braces."""
    return _json({name: fields[name] for name in names if name in fields})[1:-1]


def _links(keys: Sequence[str]) -> bytes:
    return _json([digital_link(key) for key in keys])

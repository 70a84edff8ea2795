"""The row of an event: what the router accepts, as columns and as canonical JSON.

Ways held equal by a property test: ``plain`` reads, checks and writes the whole event; ``_fast`` remembers what a line repeats
from scan to scan, beside the bytes it came in: the checked part, its encoded columns, its pieces of JSON; ``_scan`` is for an event
that names one item in a plain spelling, which is most of what lines write, and costs little more than its own identifiers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from packtrace.codec import event_avro, native, wire
from packtrace.codec.event_check import AHEAD_MAX, check, check_varying, expiry_needs_time, shared
from packtrace.codec.event_json import raw_of, to_json
from packtrace.codec.identifiers import digital_link, plain_item
from packtrace.codec.raw_event import RawEvent
from packtrace.codec.vocabulary_words import TEXT_CHARACTERS_MAX
from packtrace.domain.dates import SECOND, TIME_MAX, date_text, time_text
from packtrace.domain.event import Event
from packtrace.domain.explode import ops_of
from packtrace.domain.vocabulary import EventType
from packtrace.errors import RejectedError
from packtrace.ports import LogRecord, Position, Schemas
from packtrace.sink.blocks import Piece
from packtrace.sink.row import Columns, encoder

TAILS_MAX = 8_192
"""What lines repeat: some hundred per line and product."""
SECONDS_MAX = 4_096
"""Remembered, of event times."""

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

_ITEMS: Final = [name for name, _ in COLUMNS].index("items")
_EVENT: Final = [name for name, _ in COLUMNS].index("event")
_encode_row = encoder(COLUMNS)
_new = tuple.__new__
"""A third of the cost of making a NamedTuple by its name."""
STATED: Final = (
    b'"epcis":{', b'"transactions":[', b'"lots":[', b'"correction":{', b'"source_party":', b'"source_place":', b'"destination_party":',
    b'"destination_place":',
)  # fmt: skip
"""What an event must say to have a part in ``event_terms``: the condition of its materialized view, which a test compares."""

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
    derive: bool
    scans: bool
    """An event of it that names one item in a plain spelling needs no further check than that of its head."""
    to_time: bytes
    """Of a scan: what stands between its id and its time, between that and its item, and behind that."""
    to_item: bytes
    to_end: bytes


class _Sources(dict[int, str]):
    """Partition of ``events`` -> its name in lineage, made once."""

    def __missing__(self, partition: int) -> str:
        name = self[partition] = f"events/{partition}"
        return name


class EventRows:
    """The table ``events`` (``blocks.Table``): what cannot be read is skipped, for the router puts it into ``rejected``."""

    name = "events"
    columns = COLUMNS
    layout = 1

    def __init__(self, schemas: Schemas, latency_seconds: float, spacing_seconds: float) -> None:
        self._schemas = schemas
        self.latency_seconds = latency_seconds
        self.spacing_seconds = spacing_seconds
        self._ours: dict[bytes, bool] = {}
        self._tails: dict[bytes, _Tail] = {}
        self._seconds: dict[int, bytes] = {}
        self._sources = _Sources()

    def owns(self, partition: int, source: str) -> bool:
        return source == f"events/{partition}"

    def read(self, record: LogRecord) -> Piece | None:
        value = record.value or b""
        derive = True
        try:
            ours = self._ours.get(value[: wire.HEADER_BYTES])
            if ours is None:
                schema_id = wire.unframe(record.value)[0]
                ours = self._ours[value[: wire.HEADER_BYTES]] = event_avro.BODY.is_ours(self._schemas.schema(schema_id))
            cells, derive = (self._scan(record, value) or self._fast(record, value)) if ours else (None, True)
            if cells is None:
                schema_id, body = wire.unframe(value)
                raw = event_avro.decode(body, None if ours else self._schemas.schema(schema_id))
                cells = plain(record, check(raw, log_time=record.log_time))
        except RejectedError:
            return None
        at = _new(Position, (record.offset, 0))
        return _new(Piece, (self._sources[record.partition], at, at, 1, cells, lambda: (at,), derive))

    def _scan(self, record: LogRecord, value: bytes) -> tuple[list[bytes] | None, bool] | None:
        """None where the event is no scan of a line that is known."""
        scan = event_avro.read_scan(value, wire.HEADER_BYTES)
        if scan is None:
            return None
        id, event_time, sequence, epc, tail_at = scan
        tail = self._tails.get(value[tail_at:])
        if tail is None or not tail.scans or not id or len(id) > TEXT_CHARACTERS_MAX or not id.isprintable():
            return None
        _, partition, offset, _, _, log_time, _ = record
        item = plain_item(epc)
        if not item or event_time > log_time + AHEAD_MAX or event_time > TIME_MAX:
            return None
        link = epc if epc[0] == "h" else digital_link(item)  # what plain_item takes that begins so is the canonical one
        number = b"" if sequence is None else b',"sequence":%d' % sequence
        event = b'{"id":%b%b%b%b%b"]%b%b' % (
            _json(id), tail.to_time, self._time_text(event_time), tail.to_item, link.encode(), number, tail.to_end,
        )  # fmt: skip
        cells = tail.cells.copy()
        cells[:5] = _u16(partition), _i64(offset), _i64(log_time), _i64(event_time), native.text(id)
        cells[_EVENT] = native.text(event)
        return cells, tail.derive

    def _time_text(self, micros: int) -> bytes:
        """``time_text``, less what the instants of a second share: lines scan many a second."""
        second, rest = divmod(micros, SECOND)
        text = self._seconds.get(second)
        if text is None:
            if len(self._seconds) >= SECONDS_MAX:
                self._seconds.clear()
            text = self._seconds[second] = time_text(second * SECOND)[:-1].encode()
        if not rest:
            return text + b"Z"
        return b"%b.%06dZ" % (text, rest) if rest % 1_000 else b"%b.%03dZ" % (text, rest // 1_000)

    def _fast(self, record: LogRecord, value: bytes) -> tuple[list[bytes] | None, bool]:
        """No cells where the event must take the plain way."""
        head = event_avro.read_head(value[wire.HEADER_BYTES :])
        tail = self._tails.get(head.tail)
        if tail is None:
            raw = event_avro.read_tail(head.tail)
            if raw.inputs or raw.outputs or raw.lots or raw.correction is not None or raw.epcis or expiry_needs_time(raw):
                return None, True
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
        cells[_EVENT] = native.text(_written(event, tail))
        return cells, tail.derive

    def _remember(self, key: bytes, raw: RawEvent) -> _Tail:
        checked = shared(raw)
        cells = plain(LogRecord("events", 0, 0, None, None, 0), checked)
        cells[_ITEMS] = _u32(1)
        fields = msgspec.to_builtins(raw_of(checked))
        if checked.extensions:
            fields["extensions"] = msgspec.Raw(checked.extensions.encode())
        other = [name for name in fields if name not in _APART]
        before, after, rest, other_rest = (_part(fields, names) for names in (_BEFORE_TIME, _AFTER_TIME, ("lot", "expiry", *other), other))
        tail = _Tail(
            checked, cells, before, after, rest, other_rest,
            derive=any(word in other_rest for word in STATED),
            scans=checked.type is EventType.OBJECT,
            to_time=b"".join([b"," + part for part in (before,) if part]) + b',"event_time":"',
            to_item=b'",' + after + b',"epcs":["' if after else b'","epcs":["',
            to_end=b"," + rest + b"}" if rest else b"}",
        )  # fmt: skip
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

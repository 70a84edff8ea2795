"""Records of the topic ``history``: what a tracker applied, as column bodies in ClickHouse's own layout.

The tracker fills rows, the sink joins bodies: no row is touched in between. ``COLUMNS`` is the order and type of both
the record and the table (schemas/clickhouse/0001_history.sql); a test compares them.
"""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import repeat
from operator import itemgetter
from typing import Any, Final, NamedTuple

import fastavro
import msgspec

from packtrace.codec import native
from packtrace.contracts import schema_text
from packtrace.errors import RefusedError

VERSION: Final = 1
"""Of the layout; a reader refuses a newer one instead of misreading it."""

RECORD_BYTES_MAX: Final = 512 * 1024
"""Half of what the topic takes (topics.yaml)."""

_ROW_BYTES: Final = 288
"""Numbers, length prefixes and words of a row at their longest: two GLNs with extension, a lot, vocabulary."""


def _long(number: int) -> bytes:
    """A number from 0 as Avro writes it."""
    return native.varint(2 * number)


# fmt: off
COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    ("item",            "String"),
    ("row_type",        "LowCardinality(String)"),
    ("event_time",      "DateTime64(6, 'UTC')"),
    ("log_time",        "DateTime64(6, 'UTC')"),
    ("event_id",        "String"),
    ("event_partition", "Int32"),
    ("event_offset",    "Int64"),
    ("kind",            "LowCardinality(String)"),
    ("role",            "LowCardinality(String)"),
    ("outcome",         "LowCardinality(String)"),
    ("life",            "LowCardinality(String)"),
    ("reason",          "LowCardinality(String)"),
    ("parent",          "String"),
    ("custody",         "LowCardinality(String)"),
    ("place",           "LowCardinality(String)"),
    ("destination",     "LowCardinality(String)"),
    ("lot",             "LowCardinality(String)"),
    ("expiry",          "UInt32"),
    ("other",           "String"),
    ("fact_type",       "LowCardinality(String)"),
    ("fact_version",    "UInt32"),
    ("fact_retracted",  "UInt8"),
    ("fact",            "String"),
    ("state",           "String"),
    ("partition",       "UInt16"),
    ("offset",          "Int64"),
    ("position",        "UInt32"),
)
# fmt: on
_NAMES: Final = tuple(name for name, _ in COLUMNS)
_AVRO_NAMES: Final = tuple(_long(len(name)) + name.encode() for name in _NAMES)
_OFFSET: Final = _NAMES.index("offset")
_POSITION: Final = _NAMES.index("position")

_OWN: Final = (
    "item", "event_time", "log_time", "event_id", "event_partition", "event_offset", "other", "state", "offset", "position", "fact",
)  # fmt: skip
"""Columns that every row has its own of, in the order of ``HistoryBuilder.add_like``."""
_SHARED: Final = tuple(name for name in _NAMES if name not in (*_OWN, "partition"))
_SHARED_PARENT: Final = _SHARED.index("parent")


def _own_encoder(name: str) -> Callable[[Sequence[Any]], bytes]:
    """Of a whole column."""
    if name in ("fact", "state"):
        return native.blobs
    type_ = dict(COLUMNS)[name]
    return native.strings if native.number_code(type_) is None else partial(native.numbers, type_)


def _shared_encoder(name: str) -> Callable[[Any], bytes]:
    """Of one value."""
    code = native.number_code(dict(COLUMNS)[name])
    return native.text if code is None else native.number_encoder(code)


_OWN_ENCODERS: Final = tuple((name, _own_encoder(name)) for name in _OWN)
_SHARED_ENCODERS: Final = tuple(_shared_encoder(name) for name in _SHARED)

ROW_OP: Final = "op"
ROW_FACT: Final = "fact"
ROW_REFERENCE: Final = "reference"
ROW_CLOCK: Final = "clock"
ROW_CONTENT: Final = "content"
"""An entry of an item's content as a record left it: ``fact`` names it, ``state`` is a piece of it."""
ROW_ENTITY: Final = "entity"
"""Reference data that the partition applied: ``other`` names it, ``state`` is its JSON; ``fact_retracted`` where it was removed."""
ROW_CHECKPOINT: Final = "checkpoint"
"""Where the partition stood: ``state`` is a ``codec.checkpoint``."""
STEPS: Final = (ROW_OP, ROW_FACT, ROW_REFERENCE, ROW_CLOCK)
"""Rows whose ``state`` is the packed item."""

ENTRY_PIECE_BYTES: Final = 256 * 1024
"""Of one row of a long content entry; half a record."""


class Row(NamedTuple):
    """One row, the fields of ``COLUMNS`` in order; the partition is the builder's."""

    item: str
    row_type: str
    event_time: int
    log_time: int
    event_id: str
    event_partition: int
    event_offset: int
    kind: str
    role: str
    outcome: str
    life: str
    reason: str
    parent: str
    custody: str
    place: str
    destination: str
    lot: str
    expiry: int
    other: str
    fact_type: str
    fact_version: int
    fact_retracted: int
    fact: bytes
    state: bytes
    offset: int
    position: int


_shared: Final = itemgetter(*(Row._fields.index(name) for name in _SHARED))
_own: Final = itemgetter(*(Row._fields.index(name) for name in _OWN))


class HistoryRecord(NamedTuple):
    """One record, decoded as far as the sink needs: ``bodies`` in the order of ``COLUMNS``."""

    partition: int
    rows: int
    bodies: Sequence[bytes]

    def lineage(self) -> list[tuple[int, int]]:
        """(offset, position) of every row, rising."""
        return list(zip(_numbers("q", self.bodies[_OFFSET]), _numbers("I", self.bodies[_POSITION]), strict=True))

    def ends(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """``lineage`` of the first and of the last row."""
        offsets, positions = self.bodies[_OFFSET], self.bodies[_POSITION]
        first = (_numbers("q", offsets[:8])[0], _numbers("I", positions[:4])[0])
        last = (_numbers("q", offsets[-8:])[0], _numbers("I", positions[-4:])[0])
        return first, last


class Like:
    """What many rows share, encoded once: ``cells`` are the values of ``_SHARED``, each the body of a column of one row.

    ``fact`` is of the rows that bring none of their own.
    """

    __slots__ = ("bytes", "cells", "fact")

    def __init__(self, shared: Sequence[Any], fact: bytes) -> None:
        self.cells = tuple(encode(value) for encode, value in zip(_SHARED_ENCODERS, shared, strict=True))
        self.fact = fact
        self.bytes = _ROW_BYTES + len(shared[_SHARED_PARENT])
        """What a row takes beside its own texts and its fact."""

    def inside(self, parent: str) -> Like:
        """The same in another parent; of one whose parent is empty."""
        other = Like.__new__(Like)
        cells = self.cells
        other.cells = (*cells[:_SHARED_PARENT], _SHARED_ENCODERS[_SHARED_PARENT](parent), *cells[_SHARED_PARENT + 1 :])
        other.fact = self.fact
        other.bytes = self.bytes + len(parent)
        return other


def like(
    *,
    row_type: str,
    kind: str = "",
    role: str = "",
    outcome: str = "",
    life: str = "",
    reason: str = "",
    parent: str = "",
    custody: str = "",
    place: str = "",
    destination: str = "",
    lot: str = "",
    expiry: int = 0,
    fact_type: str = "",
    fact_version: int = 0,
    fact_retracted: int = 0,
    fact: bytes = b"",
) -> Like:
    """The columns that rows of ``HistoryBuilder.add_like`` share."""
    first = (row_type, kind, role, outcome, life, reason, parent, custody, place, destination, lot, expiry)
    return Like((*first, fact_type, fact_version, fact_retracted), fact)


class HistoryBuilder:
    """Fills records of one ops partition, each bounded in bytes. The same rows make the same bytes, whichever way they are added."""

    __slots__ = ("_bytes", "_likes", "_partition", "_records", "_rows")

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._records: list[bytes] = []
        self._rows: list[tuple[Any, ...]] = []
        """(like, then the columns of ``_OWN``)."""
        self._likes: dict[tuple[Any, ...], Like] = {}
        self._bytes = 0

    def add(self, row: Row) -> None:
        shared = _shared(row)
        like = self._likes.get(shared)
        if like is None:
            like = self._likes[shared] = Like(shared, b"")
        self.add_like(like, *_own(row))

    def add_like(
        self,
        like: Like,
        item: str,
        event_time: int,
        log_time: int,
        event_id: str,
        event_partition: int,
        event_offset: int,
        other: str,
        state: bytes,
        offset: int,
        position: int,
        fact: bytes | None = None,
    ) -> None:
        """Add a row of which all else is ``like``; its fact too, where it has none of its own."""
        if fact is None:
            fact = like.fact
        size = like.bytes + len(item) + len(event_id) + len(other) + len(state) + len(fact)
        if self._bytes + size > RECORD_BYTES_MAX and self._rows:
            self._seal()
        self._rows.append((like, item, event_time, log_time, event_id, event_partition, event_offset, other, state, offset, position, fact))
        self._bytes += size

    def add_many(
        self,
        like: Like,
        item: str,
        event_time: int,
        log_time: int,
        event_id: str,
        event_partition: int,
        event_offset: int,
        others: Sequence[str],
        state: bytes,
        offset: int,
        position: int,
        facts: Sequence[bytes],
    ) -> None:
        """Add a row for each of ``others`` with its fact, of which all else is one; ``position`` is that of the first."""
        count = len(others)
        size = (like.bytes + len(item) + len(event_id) + len(state)) * count + sum(map(len, others)) + sum(map(len, facts))
        same = (item, event_time, log_time, event_id, event_partition, event_offset)
        positions = range(position, position + count)
        if self._bytes + size > RECORD_BYTES_MAX:
            for other, place, fact in zip(others, positions, facts, strict=True):
                self.add_like(like, *same, other, state, offset, place, fact)
            return
        each = map(repeat, (like, *same))
        self._rows += zip(*each, others, repeat(state), repeat(offset), positions, facts, strict=False)
        self._bytes += size

    def take(self) -> list[bytes]:
        """The Avro bodies of the rows since the last ``take``."""
        if self._rows:
            self._seal()
        records, self._records = self._records, []
        return records

    def _seal(self) -> None:
        count = len(self._rows)
        likes, *own = zip(*self._rows, strict=True)
        bodies = {name: encode(values) for (name, encode), values in zip(_OWN_ENCODERS, own, strict=True)}
        cells = [like.cells for like in likes]
        different = zip(*(like.cells for like in set(likes)), strict=True)
        for n, (name, values) in enumerate(zip(_SHARED, different, strict=True)):
            bodies[name] = values[0] * count if len(set(values)) == 1 else b"".join(map(itemgetter(n), cells))
        bodies["partition"] = native.numbers("UInt16", (self._partition,)) * count
        self._records.append(encode(HistoryRecord(self._partition, count, [bodies[name] for name in _NAMES])))
        self._rows = []
        self._bytes = 0


def encode(record: HistoryRecord) -> bytes:
    """The Avro body: the numbers, then one block of a map of bytes. Joined once; a writer would copy each column twice more."""
    parts = [_long(VERSION), _long(record.partition), _long(record.rows), _long(len(_NAMES))]
    for name, body in zip(_AVRO_NAMES, record.bodies, strict=True):
        parts += (name, _long(len(body)), body)
    parts.append(_long(0))
    return b"".join(parts)


def decode(body: bytes) -> HistoryRecord:
    """Read the Avro body.

    Raises:
        RefusedError: written by a newer packtrace.
    """
    value: Any = fastavro.schemaless_reader(io.BytesIO(body), _schema(), None)
    if value["version"] > VERSION:
        raise RefusedError(f"history: expected layout {VERSION} or older, found {value['version']}; upgrade this process first")
    columns = value["columns"]
    return HistoryRecord(value["partition"], value["rows"], [columns[name] for name in _NAMES])


def rows_of(record: HistoryRecord) -> list[dict[str, object]]:
    """Every row by column name: the plain way, for tests and questions. Text columns as ``str`` but for ``fact`` and ``state``."""
    block = native.block(COLUMNS, record.rows, record.bodies)
    names, rows = native.read(block)
    return [
        {
            name: value.decode() if isinstance(value, bytes) and name not in ("fact", "state") else value
            for (name, _), value in zip(names, row, strict=True)
        }
        for row in rows
    ]


def texts_of(record: HistoryRecord, name: str) -> list[bytes]:
    """The values of one text column."""
    return list(native.split_texts(record.bodies[_NAMES.index(name)]))


@cache
def _schema() -> Any:
    return fastavro.parse_schema(msgspec.json.decode(schema_text("history.avsc")))


def _numbers(code: str, packed: bytes) -> array[int]:
    numbers: array[int] = array(code)
    numbers.frombytes(packed)
    return numbers

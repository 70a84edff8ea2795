"""What a record of each topic becomes, but for ``events`` (see ``event_rows``). The columns of ``history`` come encoded from
the tracker; every other record is one row, and its columns are encoded here. Pure, given the functions that decode records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from packtrace.codec import history
from packtrace.codec.avro_body import MALFORMED, malformed
from packtrace.errors import RefusedError, RejectedError
from packtrace.ports import LogRecord, Position
from packtrace.sink.blocks import Piece
from packtrace.sink.row import Columns, encoder

Decode = Callable[[bytes], Mapping[str, Any]]
"""Confluent frame and Avro body -> fields. Raises RejectedError, UnavailableError (registry)."""

_T = TypeVar("_T")

ALERTS_SPACING_SECONDS = 0.25
HISTORY_SPACING_SECONDS = 1.0
EVENTS_SPACING_SECONDS = 2.0
"""Eight partitions, and nobody waits for them: what became of an event is in the history."""
SPACING_SECONDS = 0.5

# fmt: off
ALERTS: Columns = (
    ("id",                "String"),
    ("version",           "UInt32"),
    ("rule",              "LowCardinality(String)"),
    ("rule_version",      "UInt16"),
    ("status",            "LowCardinality(String)"),
    ("severity",          "LowCardinality(String)"),
    ("item",              "String"),
    ("cause",             "String"),
    ("event_time",        "DateTime64(6, 'UTC')"),
    ("raised_at",         "DateTime64(6, 'UTC')"),
    ("changed_at",        "DateTime64(6, 'UTC')"),
    ("events",            "Array(String)"),
    ("expected",          "String"),
    ("found",             "String"),
    ("explained_by",      "String"),
    ("detail",            "String"),
    ("place",             "LowCardinality(String)"),
    ("device",            "LowCardinality(String)"),
    ("gtin",              "LowCardinality(String)"),
    ("lot",               "LowCardinality(String)"),
    ("tenant",            "LowCardinality(String)"),
    ("partition",         "UInt16"),
    ("offset",            "Int64"),
    ("position",          "UInt32"),
)
REJECTED: Columns = (
    ("topic",             "LowCardinality(String)"),
    ("partition",         "Int32"),
    ("offset",            "Int64"),
    ("log_time",          "DateTime64(6, 'UTC')"),
    ("reason",            "LowCardinality(String)"),
    ("place",             "String"),
    ("text",              "String"),
    ("source",            "String"),
    ("event_id",          "String"),
    ("has_key",           "UInt8"),
    ("key",               "String"),
    ("has_value",         "UInt8"),
    ("value",             "String"),
    ("log_partition",     "UInt16"),
    ("log_offset",        "Int64"),
)
INCIDENTS: Columns = (
    ("id",                "String"),
    ("version",           "UInt32"),
    ("cause",             "LowCardinality(String)"),
    ("subject",           "String"),
    ("status",            "LowCardinality(String)"),
    ("severity",          "LowCardinality(String)"),
    ("alerts",            "UInt32"),
    ("alerts_ever",       "UInt32"),
    ("opened_at",         "DateTime64(6, 'UTC')"),
    ("changed_at",        "DateTime64(6, 'UTC')"),
    ("sample",            "Array(String)"),
    ("log_partition",     "UInt16"),
    ("log_offset",        "Int64"),
)
# fmt: on


class OneRow:
    """A table whose records become one row each, or none; its lineage is the record's own place in the log."""

    layout = 1

    def __init__(
        self,
        name: str,
        columns: Columns,
        values: Callable[[LogRecord], Sequence[object] | None],
        latency_seconds: float,
        spacing_seconds: float,
    ) -> None:
        self.name = name
        self.columns = columns
        self.latency_seconds = latency_seconds
        self.spacing_seconds = spacing_seconds
        self._values = values
        self._encode = encoder(columns)

    def owns(self, partition: int, source: str) -> bool:
        return source == f"{self.name}/{partition}"

    def read(self, record: LogRecord) -> Piece | None:
        values = self._values(record)
        if values is None:
            return None
        at = Position(record.offset, 0)
        return Piece(f"{record.topic}/{record.partition}", at, at, 1, self._encode(values), lambda: (at,))


def rejected(decode: Decode, latency_seconds: float) -> OneRow:
    """``rejected``: the key is where the input came from, so that a repeat replaces itself."""

    def values(record: LogRecord) -> Sequence[object]:
        one = _own(record, decode)
        return (
            one["topic"], one["partition"], one["offset"], one["log_time"], one["reason"], one["place"], one["text"],
            one["source"], one["event_id"], one["key"] is not None, one["key"] or b"", one["value"] is not None,
            one["value"] or b"", record.partition, record.offset,
        )  # fmt: skip

    return OneRow("rejected", REJECTED, values, latency_seconds, SPACING_SECONDS)


def incidents(decode: Decode, latency_seconds: float) -> OneRow:
    """``incidents``."""

    def values(record: LogRecord) -> Sequence[object]:
        one = _own(record, decode)
        return (*(one[name] for name, _ in INCIDENTS[:-2]), record.partition, record.offset)

    return OneRow("incidents", INCIDENTS, values, latency_seconds, SPACING_SECONDS)


class History:
    """``history``: bodies as the tracker encoded them, nothing touched.

    Args:
        body_of: record value -> its Avro body. Raises RejectedError, UnavailableError.
        partitions: of the topic, over which the ops partitions are spread by remainder.
    """

    name = "history"
    columns: Columns = history.COLUMNS
    layout = history.VERSION
    spacing_seconds = HISTORY_SPACING_SECONDS

    def __init__(self, body_of: Callable[[bytes], bytes], partitions: int, latency_seconds: float) -> None:
        self.latency_seconds = latency_seconds
        self._body_of = body_of
        self._partitions = partitions

    def owns(self, partition: int, source: str) -> bool:
        return int(source.removeprefix("ops/")) % self._partitions == partition

    def read(self, record: LogRecord) -> Piece | None:
        found = _own(record, self._decode)
        if not found.rows:
            return None
        first, last = found.ends()
        return Piece(
            f"ops/{found.partition}", Position(*first), Position(*last), found.rows, found.bodies,
            lambda: [Position(*one) for one in found.lineage()],
        )  # fmt: skip

    def _decode(self, value: bytes) -> history.HistoryRecord:
        body = self._body_of(value)
        try:
            return history.decode(body)
        except MALFORMED as e:
            raise malformed(0, e) from e


class Alerts:
    """``alerts``: one row per change, with the lineage of the ops record that made it."""

    name = "alerts"
    columns = ALERTS
    layout = 1
    spacing_seconds = ALERTS_SPACING_SECONDS

    def __init__(self, decode: Decode, latency_seconds: float) -> None:
        self.latency_seconds = latency_seconds
        self._decode = decode
        self._encode = encoder(ALERTS)

    def owns(self, partition: int, source: str) -> bool:
        return True

    def read(self, record: LogRecord) -> Piece | None:
        one = dict(_own(record, self._decode))
        one["detail"] = msgspec.json.encode(one["detail"], order="sorted")
        one["position"] = one["index"]
        at = Position(one["offset"], one["index"])
        return Piece(f"ops/{one['partition']}", at, at, 1, self._encode([one[name] for name, _ in ALERTS]), lambda: (at,))


def _own(record: LogRecord, decode: Callable[[bytes], _T]) -> _T:
    """The fields of a record that only we write: one that cannot be read is a fault of ours, and stops the sink."""
    where = f"{record.topic}/{record.partition} offset {record.offset}"
    if record.value is None:
        raise RefusedError(f"{where}: expected a record, found a tombstone")
    try:
        return decode(record.value)
    except RejectedError as error:
        raise RefusedError(f"{where}: {error}") from error

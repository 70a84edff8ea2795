"""The event as Avro (schemas/event.avsc): bytes -> raw event, and back.

Two ways lead in. ``decode`` reads any registered schema that is compatible with ours. ``read_head`` and ``read_tail`` are
for bodies written with exactly ours: what varies from scan to scan stands first, so a reader decodes that head and looks the
remaining bytes up; fastavro on the whole record costs three times as much.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import fastavro
import msgspec

from packtrace.codec.avro_body import MALFORMED, AvroBody, malformed, trailing
from packtrace.codec.raw_event import RawEvent
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

HEAD_FIELDS = ("id", "event_time", "sequence", "epcs", "parent", "children")

BODY = AvroBody("event.avsc")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Head(NamedTuple):
    """The varying fields, raw, and the bytes of all others."""

    id: str
    event_time: int
    sequence: int | None
    epcs: list[str]
    parent: str
    children: list[str]
    tail: bytes


def _part(name: str, fields: list[dict[str, Any]]) -> Any:
    return fastavro.parse_schema({"type": "record", "name": name, "namespace": "packtrace", "fields": fields})


_head = _part("EventHead", BODY.fields[: len(HEAD_FIELDS)])
_tail = _part("EventTail", BODY.fields[len(HEAD_FIELDS) :])
if tuple(field["name"] for field in BODY.fields[: len(HEAD_FIELDS)]) != HEAD_FIELDS:
    raise AssertionError(f"event.avsc: the first fields must be {', '.join(HEAD_FIELDS)}")


def encode(raw: RawEvent) -> bytes:
    """The Avro body, without the Confluent frame (``wire``)."""
    return BODY.write({"event_time": raw.event_time, "type": raw.type} | msgspec.to_builtins(raw))


def decode(body: bytes, writer: str | None = None) -> RawEvent:
    """The raw event in ``body``.

    Args:
        writer: text of the schema it was written with; None: ours.

    Raises:
        RejectedError: unknown-schema or malformed-avro.
    """
    record = BODY.read(body, writer)
    try:
        record["event_time"] = _microseconds(record["event_time"])
        if isinstance(record["id"], UUID):
            record["id"] = str(record["id"])
        return msgspec.convert(record, RawEvent)
    except (msgspec.ValidationError, OverflowError) as e:
        # A logical type of the writer that made a text or number something else.
        raise RejectedError(Reject.UNKNOWN_SCHEMA, "", "texts and numbers where event.avsc has them", str(e)) from e


def read_head(body: bytes) -> Head:
    """The head of a body written with our schema; the tail is not read.

    Raises:
        RejectedError: malformed-avro.
    """
    stream = io.BytesIO(body)
    try:
        head: Any = fastavro.schemaless_reader(stream, _head, None)
    except MALFORMED as e:
        raise malformed(stream.tell(), e) from e
    return Head(head["id"], head["event_time"], head["sequence"], head["epcs"], head["parent"], head["children"], stream.read())


def read_tail(tail: bytes) -> RawEvent:
    """The raw event of a tail, its head fields at their defaults.

    Raises:
        RejectedError: malformed-avro.
    """
    stream = io.BytesIO(tail)
    try:
        record: Any = fastavro.schemaless_reader(stream, _tail, None)
    except MALFORMED as e:
        raise malformed(stream.tell(), e) from e
    if stream.tell() != len(tail):
        raise trailing(len(tail) - stream.tell())
    return msgspec.convert(record, RawEvent)


def _microseconds(stated: object) -> object:
    """A writer may have declared the time a timestamp; what fastavro made of it goes back to a number."""
    if isinstance(stated, datetime) and stated.tzinfo is not None:
        return (stated - _EPOCH) // timedelta(microseconds=1)
    return stated

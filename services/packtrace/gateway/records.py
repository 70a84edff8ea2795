"""Values of records as Avro in the Confluent wire format, for what is written one record at a time."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import fastavro
import msgspec

from packtrace.codec import wire
from packtrace.codec.raw_event import RawEvent
from packtrace.contracts import schema_text, topics


def record_encoder(topic: str, schema_id: int) -> Callable[[Mapping[str, Any]], bytes]:
    """How a record of ``topic`` is written under that schema id; fields left out take their defaults."""
    schema = fastavro.parse_schema(json.loads(schema_text(topics()[topic].value)))

    def encode(record: Mapping[str, Any]) -> bytes:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, schema, record)
        return wire.frame(schema_id, buffer.getvalue())

    return encode


def event_encoder(schema_id: int) -> Callable[[RawEvent], bytes]:
    """How a raw event is written to ``events``: its identifiers as they came."""
    encode = record_encoder("events", schema_id)
    return lambda raw: encode(msgspec.to_builtins(raw))

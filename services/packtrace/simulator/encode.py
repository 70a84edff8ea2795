"""An event as Avro bytes, in 1-2 microseconds: its template's fields are encoded once, only the head is written anew.

``schemas/event.avsc`` puts the varying fields first for exactly this. A test holds the bytes equal to fastavro's.
"""

from __future__ import annotations

import io

import fastavro
import msgspec

from packtrace import contracts
from packtrace.simulator.messages import Message, Template, raw_event

HEAD = ("id", "event_time", "sequence", "epcs", "parent", "children")
_SHORT = [bytes([2 * n]) for n in range(64)]
_EMPTY = b"\x00"


class Encoder:
    """Writes events in the Confluent wire format under one schema id."""

    def __init__(self, schema_id: int) -> None:
        schema = msgspec.json.decode(contracts.schema_text("event.avsc"))
        names = tuple(field["name"] for field in schema["fields"])
        if names[: len(HEAD)] != HEAD:
            raise AssertionError(f"event.avsc: expected the fields to begin with {HEAD}, found {names[: len(HEAD)]}")
        self._tail = fastavro.parse_schema({**schema, "name": "Tail", "fields": schema["fields"][len(HEAD) :]})
        self._frame = b"\x00" + schema_id.to_bytes(4, "big")

    def encode(self, message: Message) -> bytes:
        """The framed record value of ``message``."""
        template = message.template
        tail = template.encoded or self._encode_tail(template)
        sequence = message.sequence
        return b"".join((
            self._frame,
            _text(message.id),
            _long(message.time),
            _EMPTY if sequence is None else b"\x02" + _long(sequence),
            _texts(message.epcs),
            _text(message.parent),
            _texts(message.children),
            tail,
        ))  # fmt: skip

    def _encode_tail(self, template: Template) -> bytes:
        buffer = io.BytesIO()
        event = raw_event(Message(0, 0, template, "", None, (), "", ()))
        fastavro.schemaless_writer(buffer, self._tail, msgspec.to_builtins(event))
        template.encoded = buffer.getvalue()
        return template.encoded


def _text(text: str) -> bytes:
    data = text.encode()
    return (_SHORT[len(data)] if len(data) < 64 else _long(len(data))) + data


def _texts(texts: tuple[str, ...]) -> bytes:
    if not texts:
        return _EMPTY
    return b"".join((_long(len(texts)), *map(_text, texts), _EMPTY))


def _long(value: int) -> bytes:
    """Avro's zigzag variable-length long; ours are never negative."""
    value <<= 1
    if value < 128:
        return bytes((value,))
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)

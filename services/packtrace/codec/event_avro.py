"""The event as Avro (schemas/event.avsc): bytes -> raw event, and back.

Two ways lead in. ``decode`` reads any registered schema that is compatible with ours. ``read_head`` and ``read_tail`` are
for bodies written with exactly ours: what varies from scan to scan stands first, so a reader decodes that head and looks the
remaining bytes up; fastavro on the whole record costs three times as much.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
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
    """The Avro body, without the Confluent frame (``wire``); what sources repeat is written once (9 us against 40)."""
    if raw.inputs or raw.outputs or raw.lots or raw.correction is not None:
        return plain_encode(raw)
    middle = middle_of(raw)
    head = {
        "id": raw.id, "event_time": raw.event_time, "sequence": raw.sequence, "epcs": raw.epcs, "parent": raw.parent, "children": raw.children,
    }  # fmt: skip
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, _head, head)
    if raw.epcis is None:
        return stream.getvalue() + middle + b"\0"
    text = raw.epcis.encode()
    return b"%b%b\2%b%b" % (stream.getvalue(), middle, _length(len(text)), text)


def encode_scan(
    id: bytes, event_time: int, epcs: Sequence[str], parent: str, children: Sequence[str], middle: bytes, epcis: bytes
) -> bytes:
    """As ``encode``, of an event without a sequence number whose ``middle_of`` is known already."""
    epcs_text, children_text = _texts(epcs), _texts(children)
    carrier = parent.encode()
    return b"".join(
        (
            _length(len(id)),
            id,
            _time(event_time),
            b"\0",
            epcs_text,
            _length(len(carrier)),
            carrier,
            children_text,
            middle,
            b"\2",
            _length(len(epcis)),
            epcis,
        )
    )


def _time(micros: int) -> bytes:
    """A number of microseconds as Avro writes it; eight bytes of seven bits for nearly all there are."""
    x = micros << 1
    if not 1 << 49 <= x < 1 << 56:
        return _written_length(micros)
    x = (x & 0x000000000FFFFFFF) | (x & 0x00FFFFFFF0000000) << 4
    x = (x & 0x00003FFF00003FFF) | (x & 0x0FFFC0000FFFC000) << 2
    x = (x & 0x007F007F007F007F) | (x & 0x3F803F803F803F80) << 1
    return (x | _SEVEN_GO_ON).to_bytes(8, "little")


def _texts(texts: Sequence[str]) -> bytes:
    """A list of texts as Avro writes it: one block, and its end."""
    if not texts:
        return b"\0"
    if len(texts) == 1:
        text = texts[0].encode()
        return b"\2%b%b\0" % (_length(len(text)), text)
    out = [_length(len(texts))]
    for one in texts:
        text = one.encode()
        out += (_length(len(text)), text)
    out.append(b"\0")
    return b"".join(out)


def middle_of(raw: RawEvent) -> bytes:
    """The fields after the head but for the last, ``epcis``; of an event without inputs, outputs, lots and correction."""
    key = (
        raw.type, raw.action, raw.time_zone, raw.biz_step, raw.disposition, raw.lot, raw.expiry, raw.place, raw.read_point, raw.party,
        raw.source_party, raw.source_place, raw.destination_party, raw.destination_place, raw.line, raw.boot, raw.device, raw.operator,
        raw.reason, raw.partial, raw.transactions, raw.extensions,
    )  # fmt: skip
    middle = _middles.get(key)
    if middle is None:
        stream = io.BytesIO()
        stated = msgspec.to_builtins(msgspec.structs.replace(raw, epcis=None))
        fastavro.schemaless_writer(stream, _tail, {"type": raw.type} | stated)
        middle = stream.getvalue()[:-1]  # without the null of the last field
        if len(_middles) >= _MIDDLES_MAX:
            _middles.clear()
        _middles[key] = middle
    return middle


_MIDDLES_MAX = 8_192
_middles: dict[tuple[object, ...], bytes] = {}
"""What a source repeats -> its bytes: every field after the head but the last, ``epcis``."""


def plain_encode(raw: RawEvent) -> bytes:
    """As ``encode``, all of it by the schema."""
    return BODY.write({"event_time": raw.event_time, "type": raw.type} | msgspec.to_builtins(raw))


def _length(number: int) -> bytes:
    """A length as Avro writes it: zigzag, seven bits a byte."""
    if number < _LENGTHS_KNOWN:
        return _LENGTHS[number]
    return _written_length(number)


def _written_length(number: int) -> bytes:
    number <<= 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_LENGTHS_KNOWN = 2_048
_LENGTHS = tuple(map(_written_length, range(_LENGTHS_KNOWN)))


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


class Scan(NamedTuple):
    """The head of an event that names one item and nothing else, raw, and where its tail begins."""

    id: str
    event_time: int
    sequence: int | None
    epc: str
    tail_at: int


def read_scan(value: bytes, at: int) -> Scan | None:
    """The head of a body written with our schema, if it is that of a scan in its usual form; None: ask ``read_head``.

    Usual: one EPC of up to 8,191 bytes, no parent, no children, an id of up to 63 bytes, a time between 1979 and 3111.
    By hand, since a scan is most of what lines write: 1.3 us against 3.

    Args:
        at: where in ``value`` the body begins.
    """
    try:
        size = value[at]
        at += 1 + (size >> 1)
        time = int.from_bytes(value[at : at + 8], "little")
        if size & 0x81 or time & _EIGHT_BYTES != _SEVEN_GO_ON:
            return None
        id = value[at - (size >> 1) : at].decode()
        time &= 0x7F7F7F7F7F7F7F7F
        time = (time & 0x007F007F007F007F) | (time & 0x7F007F007F007F00) >> 1
        time = (time & 0x00003FFF00003FFF) | (time & 0x3FFF00003FFF0000) >> 2
        time = (time & 0x000000000FFFFFFF) | (time & 0x0FFFFFFF00000000) >> 4
        at += 8
        sequence: int | None = None
        if value[at]:
            if value[at] != 2:
                return None
            shift, sequence = 0, 0
            while value[at := at + 1] & 0x80:
                sequence |= (value[at] & 0x7F) << shift
                shift += 7
                if shift > 56:
                    return None
            sequence |= value[at] << shift
            if sequence & 1:
                return None
            sequence >>= 1
        if value[at + 1] != 2:
            return None
        size = value[at + 2]
        at += 3
        if size & 0x80:
            size = size & 0x7F | value[at] << 7
            at += 1
        end = at + (size >> 1)
        if time & 1 or size & 1 or size > 16383 or value[end : end + 3] != b"\0\0\0":
            return None
        return _new(Scan, (id, time >> 1, sequence, value[at:end].decode(), end + 3))
    except (IndexError, UnicodeDecodeError):
        return None


_new = tuple.__new__
"""A third of the cost of making a NamedTuple by its name."""
_EIGHT_BYTES = 0x8080808080808080
_SEVEN_GO_ON = 0x0080808080808080
"""An eight-byte varint, read as a little-endian number: seven bytes that go on and one that ends it."""


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

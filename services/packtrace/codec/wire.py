"""The Confluent wire format: byte 0, the schema id in four bytes (big-endian), the Avro body.

Source: Confluent Schema Registry documentation, "Wire format". Beside it a header of our own: records of ops written together name
their wave, the writer's time in microseconds.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

MAGIC = 0
HEADER_BYTES = 5
WAVE = "wave"

_header = struct.Struct(">BI")


def frame(schema_id: int, body: bytes) -> bytes:
    """The record value of a body written with that schema.

    >>> frame(7, b"x")
    b'\\x00\\x00\\x00\\x00\\x07x'
    """
    return _header.pack(MAGIC, schema_id) + body


def unframe(value: bytes | None) -> tuple[int, bytes]:
    """(schema id, Avro body) of a record value.

    Raises:
        RejectedError: tombstone (no value at all), or no-record (shorter than a header, or another first byte).
    """
    if value is None:
        raise RejectedError(Reject.TOMBSTONE, expected="a record", found="no value")
    if len(value) < HEADER_BYTES:
        raise RejectedError(Reject.NO_RECORD, expected="byte 0 and a schema id of 4 bytes", found=f"{len(value)} bytes")
    magic, schema_id = _header.unpack_from(value)
    if magic != MAGIC:
        raise RejectedError(Reject.NO_RECORD, expected="first byte 0", found=f"first byte {magic}")
    return schema_id, value[HEADER_BYTES:]


def wave_header(wave: int) -> tuple[tuple[str, bytes], ...]:
    """The headers of a record of this wave, microseconds since 1970.

    >>> wave_of(wave_header(1_700_000_000_000_000))
    1700000000000000
    """
    return ((WAVE, wave.to_bytes(8)),)


def wave_of(headers: Sequence[tuple[str, bytes]]) -> int | None:
    """The wave that a record's headers name; None where they name none."""
    return next((int.from_bytes(value) for name, value in headers if name == WAVE and len(value) == 8), None)

"""The Confluent wire format: byte 0, the schema id in four bytes (big-endian), the Avro body.

Source: Confluent Schema Registry documentation, "Wire format".
"""

from __future__ import annotations

import struct

from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

MAGIC = 0
HEADER_BYTES = 5

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

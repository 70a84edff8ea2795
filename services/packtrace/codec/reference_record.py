"""Records of the topic ``reference``: one entity of the reference data (schemas/reference.avsc)."""

from __future__ import annotations

from typing import NamedTuple

from packtrace.codec.avro_body import AvroBody
from packtrace.domain.reference import ReferenceChange
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

BODY = AvroBody("reference.avsc")


class ReferenceRecord(NamedTuple):
    """``version`` is when it was loaded, microseconds since 1970 UTC."""

    change: ReferenceChange
    version: int


def record_key(change: ReferenceChange) -> bytes:
    """The key of the compacted topic."""
    return f"{change.entity}/{change.key}".encode()


def encode(record: ReferenceRecord) -> bytes:
    """The Avro body."""
    change, version = record
    return BODY.write({"entity": change.entity, "key": change.key, "value": change.value_json or "", "version": version})


def decode(body: bytes, writer: str | None = None) -> ReferenceRecord:
    """Read the Avro body.

    Args:
        writer: text of the schema it was written with; None: ours.

    Raises:
        RejectedError: unknown-schema, malformed-avro, or bad-reference where a logical type made it no text.
    """
    record = BODY.read(body, writer)
    entity, key, value, version = (record[name] for name in ("entity", "key", "value", "version"))
    if not (isinstance(entity, str) and isinstance(key, str) and isinstance(value, str) and isinstance(version, int)):
        raise RejectedError(Reject.BAD_REFERENCE, "", "three texts and a number", "a logical type")
    return ReferenceRecord(ReferenceChange(entity, key, value or None), version)

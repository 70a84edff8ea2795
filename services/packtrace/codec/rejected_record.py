"""Records of the topic ``rejected``: the original bytes and why they could not be read (schemas/rejected.avsc)."""

from __future__ import annotations

from typing import NamedTuple

from packtrace.codec.avro_body import AvroBody
from packtrace.errors import RejectedError

BODY = AvroBody("rejected.avsc")


class RejectedRecord(NamedTuple):
    """``offset`` and ``log_time`` (microseconds) are those of the original; ``topic`` is ``http`` for the gateway."""

    topic: str
    partition: int
    offset: int
    log_time: int
    reason: str
    place: str
    text: str
    source: str = ""
    event_id: str = ""
    key: bytes | None = None
    value: bytes | None = None


def rejected(
    topic: str,
    partition: int,
    offset: int,
    log_time: int,
    error: RejectedError,
    *,
    source: str = "",
    event_id: str = "",
    key: bytes | None = None,
    value: bytes | None = None,
) -> RejectedRecord:
    """The record of an error."""
    shown = error.text.encode(errors="replace").decode()
    return RejectedRecord(topic, partition, offset, log_time, str(error.code), error.where, shown, source, event_id, key, value)


def encode(record: RejectedRecord) -> bytes:
    """The Avro body."""
    return BODY.write(record._asdict())


def decode(body: bytes, writer: str | None = None) -> RejectedRecord:
    """Read the Avro body; raises RejectedError."""
    return RejectedRecord(**BODY.read(body, writer))

"""Each event of a body is admitted, as a record for ``events``, or rejected, as a record for ``rejected``. Pure.

Identifiers leave as they came: the router reads them again, so that an event over HTTP and one from a line take one path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import xxhash

from packtrace.adapters.log_limits import check_size
from packtrace.codec.event_check import check
from packtrace.codec.event_json import raw_from_json
from packtrace.codec.raw_event import RawEvent
from packtrace.domain.event import Event
from packtrace.errors import RejectedError
from packtrace.gateway.document import EventText

EVENTS = "events"
REJECTED = "rejected"
ORIGIN = "http"
"""``topic`` of a rejected record that came over HTTP."""


class Admitted(NamedTuple):
    """An event that may be published. ``id`` is the stated one, else the hash of its content."""

    id: str
    key: bytes
    value: bytes


class Refused(NamedTuple):
    """An event that may not. ``raw`` is None where it could not even be read."""

    error: RejectedError
    body: bytes
    raw: RawEvent | None


def admit(event: EventText, encode: Callable[[RawEvent], bytes], now: int) -> Admitted | Refused:
    """Judge one event by itself.

    Args:
        encode: raw event -> the value of a record of ``events``.
        now: microseconds since 1970 UTC, what "24 h ahead" is measured from.
    """
    raw: RawEvent | None = None
    try:
        if event.error is not None:
            raise event.error
        raw = raw_from_json(event.text)
        checked = check(raw, log_time=now)
        key, value = source_of(raw).encode(), encode(raw)
        check_size(EVENTS, key, value, ())
    except RejectedError as error:
        return Refused(error, event.text, raw)
    return Admitted(checked.id, key, value)


def source_of(raw: RawEvent | Event) -> str:
    """Who counts as the source of an event, and so keeps its order: line, else device, else party, else place."""
    return raw.line or raw.device or raw.party or raw.source_party or raw.place or raw.read_point


def lineage(capture: str, index: int) -> int:
    """A number for (capture, event) that stands where a record from Kafka has its offset: the same again, so stored once.

    53 bits, which every reader of JSON keeps.
    """
    return xxhash.xxh3_64_intdigest(f"{capture}/{index}".encode()) >> 11

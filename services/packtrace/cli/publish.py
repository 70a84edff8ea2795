"""``packtrace publish``: events straight to Kafka as Avro, as a line does.

Identifiers are sent unread, so that the router judges them as it judges a line's. What cannot even be written as a record
(no JSON, an unknown field, a time that is none) is told with its file and line, and the rest is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from packtrace.cli.files import Located
from packtrace.codec.event_json import raw_from_json
from packtrace.codec.raw_event import RawEvent
from packtrace.errors import RejectedError
from packtrace.gateway.admission import EVENTS, source_of
from packtrace.ports import LogWriter

POLL_EVERY = 500
FLUSH_TIMEOUT_SECONDS = 60.0


class Unsent(NamedTuple):
    """An event that could not be written as a record."""

    place: str
    error: RejectedError


class Published(NamedTuple):
    """``sent`` were acknowledged by the broker."""

    sent: int
    unsent: int
    seconds: float


def publish(
    events: Iterable[Located],
    writer: LogWriter,
    encode: Callable[[RawEvent], bytes],
    on_unsent: Callable[[Unsent], None],
    on_progress: Callable[[int], None],
) -> Published:
    """Send each event; return when the broker has acknowledged all of them.

    Raises:
        UnavailableError: it did not; how many are in the log is not known.
    """
    began = time.monotonic()
    sent = unsent = 0
    for event in events:
        try:
            if event.error is not None:
                raise event.error
            raw = raw_from_json(event.text)
            writer.write(EVENTS, encode(raw), key=source_of(raw).encode())
        except RejectedError as error:
            unsent += 1
            on_unsent(Unsent(event.place, error))
            continue
        sent += 1
        if sent % POLL_EVERY == 0:
            writer.poll()
            on_progress(sent)
    writer.flush(FLUSH_TIMEOUT_SECONDS)
    on_progress(sent)
    return Published(sent, unsent, time.monotonic() - began)

"""``packtrace capture``: a file through the gateway, whole where it fits one body, else in several bodies of events."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from packtrace.cli.client import Client
from packtrace.cli.files import STDIN, Located, events_of, open_file
from packtrace.errors import RefusedError, RejectedError

BODY_BYTES_MAX = 8 * 1024 * 1024
BODY_EVENTS_MAX = 10_000
JSON_TYPE = "application/vnd.packtrace+json"
ANSWERED = frozenset({202, 400, 422})
"""Statuses whose body says what became of each event."""


class Refusal(NamedTuple):
    """A rejected event: its place in the file, and the gateway's verdict."""

    place: str
    verdict: dict[str, Any]


class Captured(NamedTuple):
    """The gateway's answer to one body; ``problem`` is its sentence where it did not look at the events."""

    file: str
    receipt: dict[str, Any]
    refusals: list[Refusal]
    problem: str = ""


def capture_file(
    client: Client, name: str, body_bytes_max: int = BODY_BYTES_MAX, body_events_max: int = BODY_EVENTS_MAX
) -> Iterator[Captured]:
    """Post ``name``, one body after the other, and answer what became of each.

    Raises:
        UnavailableError: the gateway or the broker is away.
        RefusedError: the file cannot be read.
    """
    with open_file(name) as stream:
        text = stream.read()
    shown = "standard input" if name == STDIN else name
    try:
        located = list(events_of(name, io.BytesIO(text)))
    except (RejectedError, RefusedError):
        located = []  # no JSON, or an EPCIS document: the gateway says so and keeps it
    if len(text) <= body_bytes_max and len(located) <= body_events_max:
        yield _post(client, shown, text, located)
        return
    for batch in _batches(located or [Located(shown, text)], body_bytes_max, body_events_max):
        yield _post(client, shown, b"\n".join(event.text.replace(b"\n", b" ") for event in batch), batch)


def _batches(located: Sequence[Located], bytes_max: int, events_max: int) -> Iterator[list[Located]]:
    """The events in order, as many at a time as a body may hold."""
    batch: list[Located] = []
    size = 0
    for event in located:
        if batch and (size + len(event.text) > bytes_max or len(batch) >= events_max):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event.text) + 1
    yield batch


def _post(client: Client, shown: str, body: bytes, located: Sequence[Located]) -> Captured:
    media_type = "application/xml" if body.lstrip().startswith(b"<") else JSON_TYPE
    answer = client.post("/capture", body, media_type)
    if answer.status not in ANSWERED or not isinstance(answer.body, dict) or "events" not in answer.body:
        return Captured(shown, {}, [], answer.detail)
    verdicts = answer.body["events"]
    same = len(verdicts) == len(located)
    refusals = [
        Refusal(located[verdict["index"]].place if same else shown, verdict) for verdict in verdicts if verdict["status"] == "rejected"
    ]
    return Captured(shown, {name: value for name, value in answer.body.items() if name in RECEIPT}, refusals)


RECEIPT = ("capture", "captured_at", "accepted", "rejected", "events")

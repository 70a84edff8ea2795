"""``packtrace capture``: a file through the gateway, EPCIS or events of packtrace, whole where it fits one body, else in several."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from packtrace.cli.client import Answer, Client
from packtrace.cli.files import STDIN, Located, events_of, open_file
from packtrace.errors import RefusedError, RejectedError
from packtrace.gateway.document import BOM
from packtrace.gateway.form import HEAD_BYTES, is_epcis

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
    client: Client, name: str, body_bytes_max: int = BODY_BYTES_MAX, body_events_max: int = BODY_EVENTS_MAX, behaviour: str = ""
) -> Iterator[Captured]:
    """Post ``name``, one body after the other, and answer what became of each.

    Raises:
        UnavailableError: the gateway or the broker is away.
        RefusedError: the file cannot be read.
    """
    with open_file(name) as stream:
        text = stream.read()
    shown = "standard input" if name == STDIN else name
    if is_epcis("application/xml" if _is_xml(text) else "application/json", text[:HEAD_BYTES]):
        yield from _capture_document(client, shown, text, body_bytes_max, body_events_max, behaviour)
        return
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
    answer = client.post("/capture", body, JSON_TYPE)
    if answer.status not in ANSWERED or not isinstance(answer.body, dict) or "events" not in answer.body:
        return Captured(shown, {}, [], answer.detail)
    verdicts = answer.body["events"]
    same = len(verdicts) == len(located)
    refusals = [
        Refusal(located[verdict["index"]].place if same else shown, verdict) for verdict in verdicts if verdict["status"] == "rejected"
    ]
    return Captured(shown, {name: value for name, value in answer.body.items() if name in RECEIPT}, refusals)


RECEIPT = ("capture", "captured_at", "accepted", "rejected", "events", "count", "master_data", "warnings")


def _is_xml(text: bytes) -> bool:
    return text.removeprefix(BOM).lstrip()[:1] == b"<" or text[:2] in (b"\xff\xfe", b"\xfe\xff")


def _capture_document(client: Client, shown: str, text: bytes, bytes_max: int, events_max: int, behaviour: str) -> Iterator[Captured]:
    """An EPCIS document: whole where the gateway takes it, else in parts with the same header."""
    from packtrace.cli.epcis_files import Part, parts, place_in_file
    from packtrace.codec.epcis.source import of_bytes

    headers = {"GS1-Capture-Error-Behaviour": behaviour} if behaviour else {}
    answer = client.post("/capture", text, "application/xml" if _is_xml(text) else "application/ld+json", headers)
    if answer.status != 413 or behaviour == "rollback":
        yield _document_answer(shown, answer, lambda verdict: f"{shown}, event {verdict['index']}")
        return
    for part in parts(of_bytes(text), bytes_max, events_max):
        if not isinstance(part, Part):
            found, error = part
            verdict = {"index": found.number, "status": "rejected", "code": str(error.code), "where": found.place(error.where)}
            verdict |= {"expected": error.expected, "found": error.found}
            receipt = {"capture": "", "accepted": 0, "rejected": 1, "events": [verdict]}
            yield Captured(shown, receipt, [Refusal(f"{shown}, event {found.number}", verdict)])
            continue
        answer = client.post("/capture", part.body, "application/ld+json")
        if isinstance(answer.body, dict):
            for verdict in answer.body.get("events", ()):
                found = part.founds[verdict["index"]]
                verdict["index"] = found.number
                if verdict["status"] == "rejected":
                    verdict["where"] = place_in_file(found, verdict.get("where", ""))
            for warning in answer.body.get("warnings", ()):
                if warning["index"] >= 0:
                    warning["index"] = part.founds[warning["index"]].number
        yield _document_answer(shown, answer, lambda verdict: f"{shown}, event {verdict['index']}")


def _document_answer(shown: str, answer: Answer, place: Callable[[dict[str, Any]], str]) -> Captured:
    if answer.status not in ANSWERED or not isinstance(answer.body, dict) or "events" not in answer.body:
        return Captured(shown, {}, [], answer.detail)
    refusals = [Refusal(place(verdict), verdict) for verdict in answer.body["events"] if verdict["status"] == "rejected"]
    return Captured(shown, {name: value for name, value in answer.body.items() if name in RECEIPT}, refusals)

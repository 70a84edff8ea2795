"""``packtrace rejected replay``: the original bytes go to where they came from, byte for byte."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from packtrace.cli.client import Client
from packtrace.errors import RefusedError
from packtrace.ports import LogWriter

HTTP = "http"
JSON_TYPE = "application/vnd.packtrace+json"
FLUSH_TIMEOUT_SECONDS = 60.0


class Replayed(NamedTuple):
    """What became of one rejected input. ``why`` is a sentence where it was not sent or refused again."""

    origin: str
    status: Literal["sent", "would be sent", "skipped", "refused"]
    size: int
    why: str = ""


def path_of(origin: str) -> str:
    """The address of ``topic/partition/offset`` at the query service.

    Raises:
        RefusedError: not of that form.
    """
    parts = origin.split("/")
    if len(parts) != 3 or not parts[0] or not all(part.isascii() and part.isdigit() for part in parts[1:]):
        raise RefusedError(f"expected topic/partition/offset such as events/3/1042, found {origin!r}")
    return f"/rejected/{quote(parts[0], safe='')}/{parts[1]}/{parts[2]}"


def replay(
    query: Client, origins: Sequence[str], open_writer: Callable[[], LogWriter], gateway: Callable[[], Client], dry_run: bool
) -> list[Replayed]:
    """Send each again: what came over HTTP to the gateway, the rest to its topic.

    Of inputs with the same key and bytes one is sent: what is rejected again must not double with every replay.

    Raises:
        UnavailableError: a service or the broker is away; what was sent before stays sent.
    """
    done: list[Replayed] = []
    first: dict[tuple[str, str | None, str], str] = {}
    writer: LogWriter | None = None
    try:
        for origin in origins:
            answer = query.get(path_of(origin))
            if answer.status != 200:
                done.append(Replayed(origin, "refused", 0, answer.detail))
                continue
            row = answer.body
            if row["value"] is None:
                done.append(Replayed(origin, "skipped", 0, "it had no value (a tombstone): there is nothing to send"))
                continue
            value = base64.b64decode(row["value"])
            sent_as = first.setdefault((row["topic"], None if row["topic"] == HTTP else row["key"], row["value"]), origin)
            if sent_as != origin:
                done.append(Replayed(origin, "skipped", len(value), f"the same bytes as {sent_as}"))
            elif dry_run:
                done.append(Replayed(origin, "would be sent", len(value)))
            elif row["topic"] == HTTP:
                done.append(_post(gateway(), origin, value))
            else:
                writer = writer or open_writer()
                writer.write(row["topic"], value, key=None if row["key"] is None else base64.b64decode(row["key"]))
                done.append(Replayed(origin, "sent", len(value)))
        if writer is not None:
            writer.flush(FLUSH_TIMEOUT_SECONDS)
    finally:
        if writer is not None:
            writer.close()
    return done


def _post(gateway: Client, origin: str, value: bytes) -> Replayed:
    answer = gateway.post("/events", value, JSON_TYPE)
    if answer.status == 202:
        return Replayed(origin, "sent", len(value))
    verdicts: list[dict[str, Any]] = answer.body.get("events", []) if isinstance(answer.body, dict) else []
    return Replayed(origin, "refused", len(value), f"rejected again: {verdicts[0]['code'] if verdicts else answer.detail}")

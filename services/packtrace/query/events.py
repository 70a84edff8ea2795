"""The events that named an item, with what became of each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from packtrace.query import render
from packtrace.query.archive_items import EventRow
from packtrace.query.items import Json
from packtrace.query.parameters import cursor_text


def events_answer(key: str, rows: Sequence[EventRow], raw: Mapping[tuple[int, int], tuple[int, str]], more: bool, as_of: int) -> Json:
    """``GET /items/{epc}/events``.

    Args:
        raw: place of a raw event -> log time and JSON.
        more: whether events follow the last of ``rows``.
    """
    last = rows[-1] if rows and more else None
    return {
        "epc": render.epc(key),
        "events": [event_answer(row, raw.get((row.event_partition, row.event_offset))) for row in rows],
        "next": None if last is None else cursor_text(last.event_time, last.rank, last.event_id, last.offset, last.position),
        "as_of": render.time(as_of),
    }


def event_answer(row: EventRow, raw: tuple[int, str] | None) -> Json:
    """One event of an item, and the item once it was applied."""
    return {
        "event_id": row.event_id,
        "event_time": render.time(row.event_time),
        "log_time": render.time(row.log_time),
        "kind": row.kind,
        "role": row.role,
        "outcome": row.outcome,
        "parent": render.epc(row.parent),
        "life": row.life,
        "life_reason": row.reason if row.life == "INACTIVE" else None,
        "custody": row.custody,
        "location": render.gln(row.place) if row.custody == "at" else None,
        "event": None if raw is None else msgspec.Raw(raw[1].encode()),
    }

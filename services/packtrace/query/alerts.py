"""Alerts and rejected inputs as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from packtrace.domain.rules import BY_CODE
from packtrace.query import render
from packtrace.query.archive import AlertRow, RejectedRow
from packtrace.query.archive_items import EventRow
from packtrace.query.events import event_answer
from packtrace.query.items import Json

RawEvents = Mapping[tuple[int, int], tuple[int, str]]

MERGED = frozenset({"repeat", "resent", "double_scan", "conflict"})
"""Outcomes of a report that counts for nothing beside another."""
STANDING = ("provisional", "confirmed")
STATUSES = ("provisional", "confirmed", "withdrawn", "standing")


def statuses(word: str) -> Sequence[str]:
    """The statuses a question means; none: every one."""
    return STANDING if word == "standing" else (word,) if word else ()


def alert_answer(row: AlertRow) -> Json:
    """An alert (design.md 9)."""
    detail: dict[str, Any] = {"expected": row.expected, "found": row.found, "device": row.device, "gtin": row.gtin, "lot": row.lot}
    detail["place"] = render.gln(row.place) or ""
    detail["tenant"] = row.tenant
    stated = msgspec.json.decode(row.detail) if row.detail else {}
    return {
        "id": row.id,
        "rule": row.rule,
        "rule_version": row.rule_version,
        "status": row.status,
        "severity": row.severity,
        "epc": render.epc(row.item),
        "cause": render.cause(row.cause),
        "event_time": render.time(row.event_time),
        "raised_at": render.time(row.raised_at),
        "changed_at": render.time(row.changed_at),
        "events": list(row.events),
        "detail": {name: value for name, value in detail.items() if value} | stated,
        "explained_by": render.text(row.explained_by),
    }


def versions_answer(rows: Sequence[AlertRow], events: Sequence[EventRow], raw: RawEvents, as_of: int) -> Json:
    """``GET /alerts/{id}``: as it stands, every change, the oldest first, and the events that conflict.

    Args:
        rows: its versions.
        events: those of the item's events that it names.
        raw: place of a raw event -> log time and JSON.
    """
    last = rows[-1]
    rule = BY_CODE.get(last.rule)
    return alert_answer(last) | {
        "source": None if rule is None else rule.source,
        "evidence": [_evidence(row, raw) for row in first_reports(events, last.events)],
        "versions": [{"version": row.version} | alert_answer(row) for row in rows],
        "as_of": render.time(as_of),
    }


def first_reports(events: Sequence[EventRow], ids: Sequence[str]) -> list[EventRow]:
    """Of each id, in the order of ``ids``, the report that counted: a repeat only where nothing else is known."""
    found: dict[str, EventRow] = {}
    for row in events:
        known = found.get(row.event_id)
        if known is None or (known.outcome in MERGED and row.outcome not in MERGED):
            found[row.event_id] = row
    return [found[id] for id in ids if id in found]


def _evidence(row: EventRow, raw: RawEvents) -> Json:
    return event_answer(row, raw.get((row.event_partition, row.event_offset)))


def rejected_answer(row: RejectedRow) -> Json:
    """One rejected input, without its bytes."""
    return row._asdict() | {"log_time": render.time(row.log_time)}

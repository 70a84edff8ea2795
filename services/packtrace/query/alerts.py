"""Alerts and rejected inputs as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from packtrace.query import render
from packtrace.query.archive import AlertRow, RejectedRow
from packtrace.query.items import Json

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


def versions_answer(rows: Sequence[AlertRow], as_of: int) -> Json:
    """``GET /alerts/{id}``: as it stands, and every change, the oldest first."""
    versions = [{"version": row.version} | alert_answer(row) for row in rows]
    return alert_answer(rows[-1]) | {"versions": versions, "as_of": render.time(as_of)}


def rejected_answer(row: RejectedRow) -> Json:
    """One rejected input, without its bytes."""
    return row._asdict() | {"log_time": render.time(row.log_time)}

"""The versions of one entity of the reference data as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from packtrace.query import render
from packtrace.query.archive import ReferenceRow
from packtrace.query.items import Json


def reference_answer(entity: str, key: str, rows: Sequence[ReferenceRow], as_of: int) -> Json:
    """``GET /reference/{entity}/{key}``: the oldest first; one whose value is null removed it."""
    return {
        "entity": entity,
        "key": key,
        "versions": [
            {"version": number, "logged_at": render.time(row.log_time), "value": None if row.removed else msgspec.json.decode(row.value)}
            for number, row in enumerate(rows, 1)
        ],
        "as_of": render.time(as_of),
    }

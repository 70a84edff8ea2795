"""How facts look in JSON (design.md 9): Digital Links, ISO 8601 with Z, null where there is nothing."""

from __future__ import annotations

from packtrace.codec.identifiers import digital_link, gln_link
from packtrace.domain.dates import date_text, time_text

CUSTODY = ("unknown", "at", "in_transit")
"""By number of ``vocabulary.Custody``."""


def epc(key: str) -> str | None:
    """An item that may be none."""
    return digital_link(key) if key else None


def gln(key: str) -> str | None:
    return gln_link(key) if key else None


def text(value: str) -> str | None:
    return value or None


def date(value: int) -> str | None:
    return date_text(value) or None


def time(micros: int) -> str:
    return time_text(micros)


def cause(stated: str) -> str | dict[str, object]:
    """``item``, or kind, event time and place of ``kind@event time@premises``."""
    if stated == "item":
        return stated
    kind, at, place = stated.split("@", 2)
    return {"kind": kind, "event_time": time(int(at)), "place": gln(place)}

"""Alerts (rules.md 8): what a fold concludes, how it is known, and the record of each change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
import xxhash

from packtrace.domain.vocabulary import Severity, Status

ITEM_CAUSE: Final = "item"
EVENTS_MAX: Final = 16
"""Event ids an alert carries: a hundred scans of one unknown pack are told by a count."""


class AlertChange(msgspec.Struct, frozen=True):
    """One record of topic ``alerts`` less its lineage; the fields of ``schemas/alert.avsc`` in order. Times in microseconds."""

    id: str
    version: int
    rule: str
    rule_version: int
    status: Status
    severity: Severity
    item: str
    cause: str
    event_time: int
    raised_at: int
    changed_at: int
    events: tuple[str, ...]
    expected: str = ""
    found: str = ""
    explained_by: str = ""
    detail: Mapping[str, str] = {}
    place: str = ""
    device: str = ""
    gtin: str = ""
    lot: str = ""
    tenant: str = ""


class AlertState(msgspec.Struct, frozen=True, array_like=True):
    """What an item remembers of an alert it has told of. ``due``: log time its grace ends."""

    id: str
    rule: str
    cause: str
    status: Status
    severity: Severity
    version: int
    event_time: int
    raised_at: int
    due: int


class Conclusion(msgspec.Struct, frozen=True, array_like=True):
    """A rule broken, as the fold sees it now: a function of the events, not of their arrival."""

    id: str
    rule: str
    cause: str
    severity: Severity
    event_time: int
    due: int
    events: tuple[str, ...]
    expected: str = ""
    found: str = ""
    explained_by: str = ""
    detail: tuple[tuple[str, str], ...] = ()
    place: str = ""
    device: str = ""
    lot: str = ""
    breaches: int = 1


class Evidence(NamedTuple):
    """What a rule answers when it is broken. ``events``: ids of those that made the state it breaks."""

    expected: str
    found: str
    events: tuple[str, ...] = ()
    detail: tuple[tuple[str, str], ...] = ()
    severity: Severity | None = None
    """Where the rule's own does not fit this breach."""


def alert_id(rule: str, item: str, cause: str) -> str:
    """32 hex digits; the same on every machine and in every replay."""
    return xxhash.xxh3_128_hexdigest(f"{rule}\0{item}\0{cause}".encode())


def event_cause(kind_word: str, time: int, premises: str) -> str:
    """The cause of an alert of one event: it depends neither on arrival nor on the ids of resends.

    >>> event_cause("pack", 1795341600125000, "9506000100005")
    'pack@1795341600125000@9506000100005'
    """
    return f"{kind_word}@{time}@{premises}"

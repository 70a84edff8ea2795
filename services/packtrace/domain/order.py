"""The base order of events (rules.md 4.1): time, then kind, then id; and which neighbours have no order of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from packtrace.domain.dates import SECOND
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference
from packtrace.domain.vocabulary import Kind, Role

Key = tuple[int, int, str]
"""(time, rank of the kind, event id): sorts as the events do."""

_FIRST = (Kind.COMMISSION, Kind.RELEASE, Kind.REACTIVATE, Kind.UNPACK, Kind.RECEIVE, Kind.PACK, Kind.SHIP)
_THEN = (Kind.CORRECT, Kind.VOID_SHIP, Kind.DESTROY, Kind.DISPENSE, Kind.DECOMMISSION, Kind.VERIFY, Kind.RECALL, Kind.HOLD, Kind.OBSERVE)
_ORDERED = (*_FIRST, *_THEN)

KINDS: Final = _ORDERED
"""Rank -> kind."""

RANK: Final = tuple(_ORDERED.index(Kind(n)) if n in Kind.__members__.values() else 99 for n in range(max(Kind) + 1))
"""Kind -> rank; a tuple, for it is read once per event."""


def key_of(event: OwnEvent) -> Key:
    """Where ``event`` sorts."""
    kind = event.context.kind
    if event.role is Role.INPUT:
        kind = event.kind
    return event.time, RANK[kind], event.id


def key_after(key: Key, latest: Key | None) -> Key:
    """Where an event sorts for other items: of neighbours that changed places the second after the first."""
    if latest is None or latest < key:
        return key
    return latest[0], latest[1], f"{latest[2]}~{key[2]}"


def moved_id(key: Key) -> str:
    """The id of the event that sorts ``key_after`` another; empty where it sorts at its own key."""
    before, _, id = key[2].rpartition("~")
    return id if before else ""


def is_named(key: Key, window: Iterable[OwnEvent]) -> bool:
    """Whether the event that sorts at ``key`` for another item names this one too, ``key_after`` another or not."""
    moved = moved_id(key)
    return any(event.id == moved or key_of(event) == key for event in window)


def window_key(event: OwnEvent) -> tuple[Key, tuple[int, int], int]:
    """Where ``event`` stands in a window: of several contents under one id the one that stands first."""
    return key_of(event), event.content_order, event.message_mark


def tolerance_of(one: OwnEvent, other: OwnEvent, reference: Reference) -> int:
    """How far the clocks of two devices may be apart, microseconds: as policy says for the one logged later."""
    return reference.policy_at(max(one.log_time, other.log_time)).order_tolerance_seconds * SECOND


def unordered(one: OwnEvent, other: OwnEvent, tolerance: int) -> bool:
    """Whether two events have no order of their own.

    Args:
        tolerance: microseconds that clocks of different devices may be apart.
    """
    apart = other.time - one.time
    if apart == 0:
        return True
    if apart > tolerance or -apart > tolerance:
        return False
    mine, theirs = one.context.device, other.context.device
    return bool(mine and theirs and mine != theirs)

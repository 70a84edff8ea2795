"""The only way an item changes: an event, a fact, the clock or reference data is applied, and what follows is answered."""

from __future__ import annotations

from typing import NamedTuple

from packtrace.domain.alert import AlertChange
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference
from packtrace.domain.vocabulary import Outcome


class Judged(NamedTuple):
    """What follows from one step. ``content``: entries of the item's content record, None where one is gone."""

    outcome: Outcome
    alerts: list[AlertChange]
    facts: list[Fact]
    content: dict[bytes, bytes | None]


def apply_event(item: Item, event: OwnEvent, reference: Reference, clock: int) -> Judged:
    """Put ``event`` in its place among the item's events and conclude anew."""
    return Judged(Outcome.APPLIED, [], [], {})


def apply_fact(item: Item, fact: Fact, reference: Reference, clock: int) -> Judged:
    """Take in what another item concluded, or took back."""
    return Judged(Outcome.APPLIED, [], [], {})


def apply_clock(item: Item, reference: Reference, clock: int) -> Judged:
    """Confirm what has outlived its grace, settle what is old. Idempotent."""
    return Judged(Outcome.APPLIED, [], [], {})


def apply_reference(item: Item, before: Reference, after: Reference, clock: int) -> Judged:
    """Judge what is open again after a change of reference data."""
    return Judged(Outcome.APPLIED, [], [], {})

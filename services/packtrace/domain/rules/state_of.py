"""What several rules ask of an item, and of what is in it: expired, recalled, unreleased; and which goods are on their way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from packtrace.domain.dates import expired, surely_before
from packtrace.domain.inside import Entry
from packtrace.domain.kinds import RECALLED
from packtrace.domain.place import Side, parties_of, party_of, zone_of
from packtrace.domain.state import NEVER, State
from packtrace.domain.step import Step, expiry_counting
from packtrace.domain.vocabulary import Custody, Kind

RETURNED: Final = frozenset(
    {"returned", "recalled", "expired", "damaged", "needs_replacement", "non_sellable_other", "disposed", "destroyed"}
)
"""Dispositions of goods on their way back (rules.md 5)."""
RETURNING_ROLES: Final = frozenset({"returns", "destruction", "quarantine"})
RETURN_TRANSACTION: Final = "rma"


class Thing(NamedTuple):
    """An item, or one kind of thing inside it."""

    what: str
    entry: Entry


def itself(state: State, step: Step) -> Entry:
    """What the item is just before the event, of its first commission, and of a foreign item that has none, with what the event says."""
    lot, expiry = state.lot, state.expiry
    if step.subject.foreign:
        lot, expiry = lot or step.lot, expiry or step.expiry
    elif step.kind is Kind.COMMISSION and state.commissioned == NEVER:
        lot, expiry = step.lot, step.expiry
    return Entry(step.subject.gtin, lot, expiry, state.holds)


def itself_and_inside(state: State, step: Step) -> Iterator[Thing]:
    """The item, then what is in it."""
    yield Thing("", itself(state, step))
    if step.inside is not None:
        for entry in sorted(set(step.inside.any_entry())):
            yield Thing(f"inside: GTIN {entry.gtin}, lot {entry.lot}: " if entry.lot else f"inside: GTIN {entry.gtin}: ", entry)


def is_expired_entry(entry: Entry, step: Step) -> bool:
    """Whether the day of its expiry is over where and when the event happened."""
    expiry = expiry_counting(step.reference, entry.gtin, entry.lot, entry.expiry)
    if not expiry or step.event.time < surely_before(expiry):
        return False
    return expired(expiry, step.event.time, zone_of(step.side, step.context.zone_minutes, step.reference, step.event.time))


def is_expired(state: State, step: Step) -> bool:
    return is_expired_entry(itself(state, step), step)


def recall_of_entry(entry: Entry, step: Step) -> str | None:
    """Why it counts as recalled at the event; None where it does not."""
    if RECALLED in entry.holds:
        return "recalled"
    since = step.reference.recalled_from(entry.gtin, entry.lot) if entry.lot else None
    return f"of lot {entry.lot}, recalled" if since is not None and step.event.time >= since else None


def recall_of(state: State, step: Step) -> str | None:
    return recall_of_entry(itself(state, step), step)


def other_holds(entry: Entry) -> tuple[str, ...]:
    """Holds but RECALLED."""
    return tuple(hold for hold in entry.holds if hold != RECALLED)


def goes_back(state: State, step: Step) -> bool:
    """Returned, quarantined and destroyed goods (rules.md 5, below Precedence)."""
    context = step.context
    if context.disposition in RETURNED or any(type == RETURN_TRANSACTION for type, _ in context.transactions):
        return True
    reference = step.reference
    if step.kind is Kind.SHIP:
        to = party_of(Side(context.destination_place, context.destination_party), reference)
        there, shipper = frozenset({to} if to else ()), step.side
    else:
        there = parties_of(step.side, reference)
        shipper = state.side if state.custody is Custody.IN_TRANSIT else Side()
    if not there:
        return False
    if not there.isdisjoint(parties_of(shipper, reference)):
        return True
    return any((known := reference.party(party)) is not None and not known.roles.isdisjoint(RETURNING_ROLES) for party in there)

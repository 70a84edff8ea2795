"""What an item leaves behind for later rules: where it was seen, shipped, received and named, and how an SSCC is used."""

from __future__ import annotations

from typing import Final

from packtrace.domain.dates import DAY, HOUR
from packtrace.domain.place import Side
from packtrace.domain.reference import Reference
from packtrace.domain.state import DESTROYED, NEVER, Moment, State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Kind, Level, Life, Role

SEEN_WITHIN: Final = 30 * DAY
VERIFIED_WITHIN: Final = 24 * HOUR
VERIFIED_MAX: Final = 16
"""Verifies kept: more than the rule counts to."""
EMPTY_FOR: Final = DAY
"""How long a received SSCC must be empty for its use to have ended."""
SEEN_MAX: Final = 16
"""Places kept, the latest."""

SIGHTINGS: Final = frozenset(
    {
        Kind.COMMISSION, Kind.PACK, Kind.UNPACK, Kind.SHIP, Kind.RECEIVE, Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY, Kind.VERIFY,
        Kind.OBSERVE,
    }
)  # fmt: skip
"""Kinds that say where an item was (rules.md 5, impossible-travel)."""
_SAYS_PARTIAL: Final = frozenset({Kind.COMMISSION, Kind.PACK, Kind.SHIP})


def leave_trail(state: State, step: Step) -> None:
    """Remember one event."""
    kind, side, time = step.kind, step.side, step.event.time
    if side.place:
        if kind in SIGHTINGS and coordinates(side, step.reference) is not None:
            state.sighted = (time, side.place, step.context.device)
            state.sighted_id = step.event.id
        if step.subject.level is not Level.UNIT:
            state.naming = (time, *side)
    elif state.life is Life.NONE and state.naming is None and step.subject.level is not Level.UNIT:
        state.naming = (time, "", "")  # named, though nobody says where
    if kind is Kind.SHIP:
        state.shipped = (time, *side)
        state.received = None
        state.seen = ()
    elif kind is Kind.RECEIVE:
        received(state, step)
        state.seen = ()
    elif kind is Kind.DISPENSE or kind is Kind.VERIFY:
        _seen(state, step)
    if step.context.partial and kind in _SAYS_PARTIAL and step.role is not Role.CHILD:
        state.partial = True
    if not step.subject.gtin:
        _use(state, step)


def received(state: State, step: Step) -> None:
    """Received, by an event of its own or by one that shows it."""
    time = step.event.time
    state.received = (time, *step.side)
    if state.use is not None and state.use[0] == NEVER:
        state.use = (time, state.use[1])


def _seen(state: State, step: Step) -> None:
    time = step.event.time
    if step.side.place:
        state.seen = (*seen_until(state, time), (time, *step.side))[-SEEN_MAX:]
    if step.kind is Kind.VERIFY:
        state.verified = (*verified_until(state, time), time)[-VERIFIED_MAX:]


def seen_until(state: State, time: int) -> tuple[Moment, ...]:
    """Where it was dispensed or verified in the 30 days before."""
    return tuple(moment for moment in state.seen if time - moment[0] <= SEEN_WITHIN)


def verified_until(state: State, time: int) -> tuple[int, ...]:
    """When it was verified in the 24 hours before."""
    return tuple(when for when in state.verified if time - when <= VERIFIED_WITHIN)


def coordinates(side: Side, reference: Reference) -> tuple[float, float] | None:
    """Latitude and longitude of a place, degrees."""
    return reference.coordinates(side.place) if side.place else None


def _use(state: State, step: Step) -> None:
    """An SSCC is used from its first pack until it was received and is empty (rules.md 5, sscc-reused)."""
    kind = step.kind
    begins = kind is Kind.PACK and step.role is Role.PARENT
    if begins and (state.use is None or use_ended(state, step.event.time) is not None):
        state.use = (NEVER, NEVER)


def begins_anew(state: State, step: Step) -> bool:
    """Whether an SSCC whose use has ended is used again: its number is its issuer's, and where the old label was counts no more."""
    kind = step.kind
    if state.use is None or not (kind is Kind.COMMISSION or (kind is Kind.PACK and step.role is Role.PARENT)):
        return False
    return use_ended(state, step.event.time) is not None


def note_content(state: State, time: int, was_empty: bool, is_empty: bool) -> None:
    """What is in an SSCC in use came or went."""
    use = state.use
    if use is None or use[0] == DESTROYED:
        return
    if is_empty and not was_empty:
        state.use = (use[0], time)
    elif not is_empty and use[1] != NEVER:
        state.use = (use[0], NEVER)


def use_ended(state: State, time: int) -> int | None:
    """When the last use of an SSCC ended, as of ``time``; None while it is in use, or never was."""
    if state.use is None or NEVER in state.use:
        return None
    if state.use[0] == DESTROYED:
        return state.use[1]
    end = max(state.use)
    return end if time - end > EMPTY_FOR else None

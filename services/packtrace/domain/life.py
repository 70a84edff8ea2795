"""The axis life: NONE -> ACTIVE -> INACTIVE(reason), with lot and expiry (rules.md 3.1, 3.2). Nothing else moves it.

=============  ==========================  ============================================================
before         event                       after
=============  ==========================  ============================================================
NONE           commission                  ACTIVE; own items take lot and expiry
NONE, foreign  any                         ACTIVE; lot and expiry from the first that carries them
INACTIVE       commission                  INACTIVE: it gives lot and expiry and does not revive
any            dispense, decommission,     INACTIVE(reason); the first reason stays unless the new one
               destroy                     is terminal
INACTIVE       reactivate                  ACTIVE, unless one of the undo rules refuses it
=============  ==========================  ============================================================
"""

from __future__ import annotations

from typing import Final

from packtrace.domain.kinds import RECALLED
from packtrace.domain.place import NOWHERE, Side, another_party, zone_of
from packtrace.domain.state import DESTROYED, NEVER, State
from packtrace.domain.step import Step
from packtrace.domain.trail import use_ended
from packtrace.domain.vocabulary import TERMINAL, Kind, Life, Reason, Role

_REASONS: Final = {reason.name: reason for reason in Reason if reason is not Reason.NONE}


def live(state: State, step: Step) -> None:
    """Move the axis by one event."""
    kind = step.kind
    if step.subject.foreign:
        if state.life is Life.NONE and step.subject.is_active_by_any_event(step.event.log_time):
            state.life = Life.ACTIVE
        if step.lot and not state.lot:
            state.lot = step.lot
        if step.expiry and not state.expiry:
            state.expiry = step.expiry
    if kind is Kind.COMMISSION:
        begin(state, step)
    elif kind is Kind.DISPENSE or kind is Kind.DECOMMISSION or kind is Kind.DESTROY:
        deactivate(state, step)
    elif kind is Kind.REACTIVATE:
        if state.life is Life.INACTIVE:
            reactivate(state)
    elif kind is Kind.SHIP and state.reason is Reason.DISPENSED and another_party(state.inactive_side, step.side, step.reference) is False:
        state.sold_to = Side(step.context.destination_place, step.context.destination_party)


def begin(state: State, step: Step) -> None:
    """A commission: the first counts, of an SSCC the first of each use."""
    begins_anew = not step.subject.gtin and use_ended(state, step.event.time) is not None
    if state.commissioned == NEVER:
        commission(state, step)
    elif begins_anew:
        state.commissioned = step.event.time
        state.commissioned_id = step.event.id
    if begins_anew:
        state.use = None


def commission(state: State, step: Step) -> None:
    """The first commission."""
    state.commissioned = step.event.time
    state.commissioned_id = step.event.id
    if state.life is Life.NONE:
        state.life = Life.ACTIVE
    if not step.subject.foreign:
        state.lot = step.lot
        state.expiry = step.expiry


def deactivate(state: State, step: Step) -> None:
    """INACTIVE with the event's reason."""
    reason = reason_of(step)
    if reason is Reason.DESTROYED and not step.subject.gtin and use_ended(state, step.event.time) is None:
        state.use = (DESTROYED, step.event.time)
    if state.life is Life.INACTIVE:
        if reason in TERMINAL:
            state.reason = reason
            state.inactive_id = step.event.id
        return
    state.life = Life.INACTIVE
    state.reason = reason
    state.inactive = step.event.time
    state.inactive_side = Side(step.side.place, step.side.party)
    state.inactive_zone = zone_of(step.side, step.context.zone_minutes, step.reference, step.event.time)
    state.inactive_recalled = RECALLED in state.holds
    state.inactive_id = step.event.id
    state.sold_to = Side()


def reactivate(state: State) -> None:
    """ACTIVE again, as if it never had been inactive."""
    state.life = Life.ACTIVE
    state.reason = Reason.NONE
    state.inactive = NEVER
    state.inactive_side = NOWHERE
    state.inactive_zone = 0
    state.inactive_recalled = False
    state.inactive_id = ""
    state.sold_to = NOWHERE


def reason_of(step: Step) -> Reason:
    """Why this event makes an item INACTIVE."""
    if step.kind is Kind.DISPENSE:
        return Reason.DISPENSED
    if step.kind is Kind.DESTROY:
        return Reason.DESTROYED
    if step.role is Role.INPUT:
        return Reason.REPACKED
    return _REASONS.get(step.context.reason, Reason.OTHER)

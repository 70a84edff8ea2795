"""The axis custody: AT(place), IN_TRANSIT(from, to, since), UNKNOWN (rules.md 3.4). Kept on the root.

==========================  ==========================================================================
event of a root             effect
==========================  ==========================================================================
ship                        IN_TRANSIT from its place, else from where it was
receive                     AT its place
void_ship                   of a root in transit: AT the ship's origin
any other with a place      only while UNKNOWN: AT that place
pack without a place        a container of UNKNOWN custody takes that of its first listed child
pack, unpack, ship          of a root in transit, at a place of the destination's party: first received there
==========================  ==========================================================================
"""

from __future__ import annotations

from packtrace.domain import fact_payload
from packtrace.domain.content import Content, Told
from packtrace.domain.order import RANK
from packtrace.domain.place import NOWHERE, Side, another_party, parties_of
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Custody, Kind, Role

_RECEIVE_FIRST = frozenset({Kind.PACK, Kind.UNPACK, Kind.SHIP})


def receive_unreported(state: State, step: Step) -> None:
    """Receipts nobody reported: what is packed, unpacked or shipped on at the destination has been received there."""
    if state.custody is Custody.IN_TRANSIT and not state.parent and step.kind in _RECEIVE_FIRST and arrived(state, step):
        _at(state, step)


def arrived(state: State, step: Step) -> bool:
    """Whether the event is at a place of the destination's party; of an unknown destination, of any party but the origin's."""
    if not step.side.place:
        return False
    to = state.to
    if not (to.place or to.party):
        return another_party(state.side, step.side, step.reference) is True
    if to.place[:13] == step.side.place[:13]:
        return True
    return not parties_of(to, step.reference).isdisjoint(parties_of(step.side, step.reference))


def keep(state: State, step: Step, content: Content | None) -> None:
    """Move the axis by one event; called when containment has moved, so that a child that left is a root."""
    if state.parent:
        return
    kind = step.kind
    if kind is Kind.SHIP:
        _ship(state, step)
    elif kind is Kind.RECEIVE:
        if step.side.place:
            _at(state, step)
    elif kind is Kind.VOID_SHIP:
        if state.custody is Custody.IN_TRANSIT:
            state.custody = Custody.AT if state.side.place else Custody.UNKNOWN
            state.to = NOWHERE
            state.since = step.event.time
            state.shipped_log = 0
    elif state.custody is Custody.UNKNOWN:
        if step.side.place:
            _at(state, step)
        elif kind is Kind.PACK and step.role is Role.PARENT and content is not None:
            _from_first_child(state, step, content)


def _ship(state: State, step: Step) -> None:
    if step.side.place:
        state.side = step.side
    elif state.custody is not Custody.AT:
        state.side = NOWHERE
    state.custody = Custody.IN_TRANSIT
    state.to = Side(step.context.destination_place, step.context.destination_party)
    state.since = step.event.time
    state.shipped_log = step.event.log_time


def _at(state: State, step: Step) -> None:
    state.custody = Custody.AT
    state.side = step.side
    state.to = NOWHERE
    state.since = step.event.time
    state.shipped_log = 0


def _from_first_child(state: State, step: Step, content: Content) -> None:
    first = step.event.other
    rows = content.open.get((step.event.time, RANK[step.kind], step.event.id), {})
    row = rows.get((first, first, True))
    if row is not None and row.told is Told.JOINED:
        custody = fact_payload.joined(row.payload).custody
        if custody is not None:
            state.take_custody(custody)

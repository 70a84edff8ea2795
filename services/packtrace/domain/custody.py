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

from packtrace.domain import fact_payload, trail
from packtrace.domain.content import CLASS, Content, Told
from packtrace.domain.order import RANK, moved_id
from packtrace.domain.place import NOWHERE, Side, another_party, parties_of
from packtrace.domain.state import CustodyValue, State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Custody, Kind, Role


def receive_unreported(state: State, step: Step) -> None:
    """Receipts nobody reported: what is packed, unpacked or shipped on at the destination has been received there."""
    if state.custody is Custody.IN_TRANSIT and arrived(state.side, state.to, step):
        _at(state, step)
        trail.received(state, step)


def arrived(origin: Side, to: Side, step: Step) -> bool:
    """Whether the event is at a place of the destination's party; of an unknown destination, of any party but the origin's."""
    if not step.side.place:
        return False
    if not (to.place or to.party):
        return another_party(origin, step.side, step.reference) is True
    if to.place[:13] == step.side.place[:13]:
        return True
    return not parties_of(to, step.reference).isdisjoint(parties_of(step.side, step.reference))


def keep(state: State, step: Step) -> None:
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
            state.shipped_id = ""
    elif state.custody is Custody.UNKNOWN:
        if step.side.place:
            _at(state, step)
        elif step.brought is not None:
            state.take_custody(step.brought)


def _ship(state: State, step: Step) -> None:
    if step.side.place:
        state.side = step.side
    elif state.custody is not Custody.AT:
        state.side = NOWHERE
    state.custody = Custody.IN_TRANSIT
    state.to = Side(step.context.destination_place, step.context.destination_party)
    state.since = step.event.time
    state.shipped_log = step.event.log_time
    state.shipped_id = step.event.id


def _at(state: State, step: Step) -> None:
    state.custody = Custody.AT
    state.side = step.side
    state.to = NOWHERE
    state.since = step.event.time
    state.shipped_log = 0
    state.shipped_id = ""


def brought(content: Content | None, step: Step) -> CustodyValue | None:
    """Where the first listed child of a pack without a place was before it.

    A child may have judged the pack after another event of its own: its fact sorts with that one (``order.key_after``).
    """
    if content is None or step.kind is not Kind.PACK or step.role is not Role.PARENT or step.side.place:
        return None
    name = (step.event.other, step.event.other, CLASS[Told.BROUGHT])
    key = (step.event.time, RANK[step.kind], step.event.id)
    row = content.open.get(key, {}).get(name)
    if row is None:
        later = [at for at, rows in content.open.items() if name in rows and moved_id(at) == step.event.id]
        row = content.open[later[0]][name] if later else None
    return None if row is None else fact_payload.custody(row.payload)

"""What one event does to the state of an item (rules.md 3)."""

from __future__ import annotations

from typing import Final

from packtrace.domain.vocabulary import TERMINAL, Custody, Kind, Life, Reason, Role
from tests.domain.plain.land import Land, Side
from tests.domain.plain.repeats import Key
from tests.domain.plain.scene import Scene, is_received_unreported, received, there
from tests.domain.plain.state import Ended, Held, Seen, State
from tests.domain.plain.view import View

ENDING: Final = {Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY}
REFUSED_PACK: Final = {"level-inversion", "hierarchy-loop"}
UNDO: Final = {"undo-not-allowed", "undo-elsewhere", "undo-too-late", "undo-mismatch"}
SIGHTINGS: Final = {
    Kind.COMMISSION, Kind.PACK, Kind.UNPACK, Kind.SHIP, Kind.RECEIVE, Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY, Kind.VERIFY,
    Kind.OBSERVE,
}  # fmt: skip


def applied(scene: Scene, broken: set[str]) -> State:
    """The state after the event. ``broken``: every rule that holds for it, silenced or not."""
    state = scene.state.copy()
    _note(scene, state)
    if not _is_refused_undo(scene, broken):
        state.lot, state.expiry = scene.carried
    if scene.kind is Kind.COMMISSION:
        if state.life is Life.NONE:
            state.life = Life.ACTIVE
        state.commissioned = True
    elif scene.kind in ENDING:
        _end(scene, state)
    elif scene.kind is Kind.REACTIVATE and state.life is Life.INACTIVE and not _is_refused_undo(scene, broken):
        state.life, state.reason, state.ended, state.dispensed_to = Life.ACTIVE, Reason.NONE, None, None
    elif scene.kind in (Kind.HOLD, Kind.RECALL):
        state.holds |= {scene.own.reason}
    elif scene.kind is Kind.RELEASE:
        state.holds -= scene.lifted
    _move(scene, state, broken)
    _custody(scene, state, broken)
    _count(scene, state)
    return state


def _note(scene: Scene, state: State) -> None:
    state.named = True
    if scene.side.place:
        state.namings += ((scene.time, scene.side.premises),)
    if scene.kind in (Kind.COMMISSION, Kind.SHIP) or (scene.kind is Kind.PACK and scene.role is Role.PARENT):
        state.partial = state.partial or scene.event.partial
    if scene.kind is Kind.PACK and scene.role is Role.PARENT and state.first_pack is None:
        state.first_pack = scene.time


def _end(scene: Scene, state: State) -> None:
    reason = Reason[scene.own.reason]
    if state.life is not Life.INACTIVE:
        state.life, state.reason = Life.INACTIVE, reason
        state.ended = Ended(scene.side, scene.time, scene.day, "RECALLED" in state.holds)
    elif reason in TERMINAL:
        state.reason = reason
    if reason is Reason.DESTROYED and state.destroyed is None:
        state.destroyed = scene.time


def _move(scene: Scene, state: State, broken: set[str]) -> None:
    """Containment, and the custody that a leaving child takes over."""
    if scene.kind is Kind.PACK and scene.role is Role.CHILD:
        if not broken & REFUSED_PACK:
            if state.parent and state.parent != scene.event.parent:
                leave(state, scene.custody)
            state.parent = scene.event.parent
    elif scene.kind is Kind.UNPACK and scene.role is Role.CHILD:
        if state.parent and state.parent == scene.event.parent:
            leave(state, custody_on_leaving(scene.view, scene.land, scene.chain, scene.side, scene.key))
    elif state.parent and (scene.kind in ENDING or scene.shipped_alone):
        state.left += ((state.parent, scene.time),)
        leave(state, scene.custody)


def leave(state: State, custody: Held) -> None:
    state.parent = ""
    state.held = custody
    state.visits = ()


def custody_on_leaving(view: View, land: Land, chain: list[str], side: Side, key: Key) -> Held:
    """The root's custody at an unpack, which may first receive the root there."""
    custody = view.before(chain[-1], key).held
    if len(chain) == 1 and key in view.orders.get(chain[-1], {}) and is_received_unreported(land, custody, side):
        return there(side, key[0])
    return custody


def _custody(scene: Scene, state: State, broken: set[str]) -> None:
    if scene.excepted:
        return
    if scene.kind is Kind.SHIP:
        # a ship that names no place starts where the item is
        start = state.held.side if state.held.at and not scene.side.place else scene.side
        state.held = Held(Custody.IN_TRANSIT, start, scene.to, scene.time, scene.own)
        state.shipped, state.received = scene.time, None
    elif scene.kind is Kind.RECEIVE:
        received(state, scene.side, scene.time)
    elif scene.kind is Kind.VOID_SHIP:
        if not state.parent and state.held.in_transit:
            state.held = there(state.held.side, scene.time)
    elif not state.parent and state.held.kind is Custody.UNKNOWN and not _not_applied(scene, broken):
        if scene.side.place:
            state.held = there(scene.side, scene.time)
        elif scene.kind is Kind.PACK and scene.role is Role.PARENT:
            first = scene.event.children[0]
            before = scene.view.before(first, scene.key)
            was_inside = scene.item in scene.view.chain(first, before.parent, scene.key)
            if scene.view.after(first, scene.key, scene.item).parent == scene.item and not was_inside:
                state.held = scene.view.custody(first, before, scene.key)


def _not_applied(scene: Scene, broken: set[str]) -> bool:
    if _is_refused_undo(scene, broken):
        return True
    return scene.kind is Kind.PACK and scene.role is Role.CHILD and bool(broken & REFUSED_PACK)


def _is_refused_undo(scene: Scene, broken: set[str]) -> bool:
    return scene.kind is Kind.REACTIVATE and bool(broken & UNDO)


def _count(scene: Scene, state: State) -> None:
    """What later events are compared with."""
    coordinates = scene.land.coordinates(scene.side)
    if scene.judged_kind in SIGHTINGS and coordinates is not None:
        state.sighting = Seen(scene.time, coordinates, scene.event.device)
    if scene.kind in (Kind.SHIP, Kind.RECEIVE):
        state.visits = ()
        if scene.kind is Kind.SHIP and state.reason is Reason.DISPENSED and state.ended and scene.land.same(scene.side, state.ended.side):
            state.dispensed_to = scene.to
    if scene.kind in (Kind.DISPENSE, Kind.VERIFY) and scene.side.place:
        state.visits += ((scene.time, scene.side),)
    if scene.kind is Kind.VERIFY:
        state.verifies += (scene.time,)

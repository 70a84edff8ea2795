"""Rules of life (rules.md 5)."""

from __future__ import annotations

from typing import Final

from packtrace.domain.dates import HOUR
from packtrace.domain.vocabulary import Kind, Life, Reason, Role
from tests.domain.plain.scene import Scene

USES: Final = {
    Kind.PACK, Kind.SHIP, Kind.RECEIVE, Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY, Kind.VERIFY, Kind.OBSERVE,
}  # fmt: skip
MAY_MOVE_ON: Final = {Reason.EXPORTED, Reason.SAMPLE, Reason.FREE_SAMPLE, Reason.LOCKED, Reason.REPACKED, Reason.OTHER}
MOVES_ON: Final = {Kind.SHIP, Kind.RECEIVE, Kind.OBSERVE, Kind.VERIFY, Kind.DESTROY}


def _used_again(scene: Scene) -> bool:
    state, kind, ended = scene.state, scene.judged_kind, scene.state.ended
    if state.life is not Life.INACTIVE or state.terminal or kind not in USES or ended is None:
        return False
    lot, own_expiry = scene.carried
    expiry = scene.land.expiry(scene.gtin, lot, own_expiry)
    if (expiry and ended.day > expiry) or ended.recalled or scene.land.recalled(scene.gtin, lot, ended.time):
        return False
    same = scene.land.same(scene.side, ended.side)
    if kind in (Kind.VERIFY, Kind.OBSERVE) and same:
        return False
    if state.reason in MAY_MOVE_ON and (kind in MOVES_ON or (kind is Kind.PACK and scene.role is Role.CHILD)):
        return False
    if state.reason is Reason.DISPENSED:
        if kind is Kind.SHIP and same:
            return False
        if kind in (Kind.RECEIVE, Kind.OBSERVE, Kind.VERIFY) and state.dispensed_to is not None:
            return not scene.land.is_destination(scene.side, state.dispensed_to)
    return True


def inactive_elsewhere(scene: Scene) -> bool:
    ended = scene.state.ended
    return _used_again(scene) and ended is not None and scene.land.another(scene.side, ended.side)


def inactive_again(scene: Scene) -> bool:
    ended = scene.state.ended
    return _used_again(scene) and ended is not None and not scene.land.another(scene.side, ended.side)


def terminal_item(scene: Scene) -> bool:
    if scene.kind is Kind.UNPACK and scene.role is Role.CHILD:
        return False
    return scene.state.terminal and scene.judged_kind not in (Kind.RECALL, Kind.HOLD, Kind.RELEASE)


def expired_item(scene: Scene) -> bool:
    if scene.kind not in (Kind.COMMISSION, Kind.SHIP, Kind.DISPENSE) or scene.excepted or scene.is_return:
        return False
    return scene.is_expired or (scene.kind is Kind.SHIP and scene.has_expired_content)


def recalled_item(scene: Scene) -> bool:
    if scene.kind not in (Kind.SHIP, Kind.RECEIVE, Kind.DISPENSE) or scene.excepted or scene.is_return:
        return False
    return scene.is_recalled or (scene.kind in (Kind.SHIP, Kind.RECEIVE) and scene.has_recalled_content)


def _undoes(scene: Scene) -> bool:
    return scene.kind is Kind.REACTIVATE and scene.state.life is Life.INACTIVE


def undo_not_allowed(scene: Scene) -> bool:
    return _undoes(scene) and (scene.is_expired or scene.is_recalled or scene.state.terminal)


def undo_elsewhere(scene: Scene) -> bool:
    ended = scene.state.ended
    if not _undoes(scene) or ended is None or not ended.side.place or not scene.side.place:
        return False
    return ended.side.premises != scene.side.premises


def undo_too_late(scene: Scene) -> bool:
    ended = scene.state.ended
    return _undoes(scene) and ended is not None and scene.time - ended.time > 240 * HOUR


def undo_mismatch(scene: Scene) -> bool:
    return _undoes(scene) and scene.own.reason not in ("", scene.state.reason.name)


def held_used(scene: Scene) -> bool:
    return scene.kind is Kind.DISPENSE and bool(scene.state.holds - {"RECALLED"})

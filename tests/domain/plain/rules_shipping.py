"""Rules of shipping (rules.md 5), for the items an event names."""

from __future__ import annotations

from packtrace.domain.vocabulary import Kind, Role
from tests.domain.plain.land import Side
from tests.domain.plain.scene import Scene


def _ships(scene: Scene) -> bool:
    return scene.kind is Kind.SHIP and scene.role is Role.ITEM and not scene.excepted


def held_shipped(scene: Scene) -> bool:
    if not _ships(scene) or scene.is_return:
        return False
    return bool((scene.state.holds | {hold for one in scene.inside for hold in one.holds}) - {"RECALLED"})


def unreleased_lot(scene: Scene) -> bool:
    if not _ships(scene) or scene.is_return:
        return False
    lots = [scene.land.lot(scene.gtin, scene.carried[0]), *(scene.land.lot(one.gtin, one.lot) for one in scene.inside)]
    return any(lot is not None and not lot.released for lot in lots)


def not_in_custody(scene: Scene) -> bool:
    if not _ships(scene) and not (scene.kind is Kind.PACK and scene.role in (Role.PARENT, Role.CHILD)):
        return False
    return scene.custody.at and scene.land.another(scene.side, scene.custody.side)


def unauthorised_partner(scene: Scene) -> bool:
    if not _ships(scene):
        return False
    name = scene.to.party or scene.land.party_of(scene.to.place)
    if not name:
        return False
    party = scene.land.reference.party(name)
    if party is None or (party.authorised_from and scene.day < party.authorised_from):
        return True
    return bool(party.authorised_to and scene.day > party.authorised_to)


def child_shipped_alone(scene: Scene) -> bool:
    return scene.shipped_alone


def shipped_twice(scene: Scene) -> bool:
    return _ships(scene) and scene.custody.in_transit


def product_no_data(scene: Scene) -> bool:
    if scene.kind is not Kind.RECEIVE or scene.role is not Role.ITEM or scene.excepted:
        return False
    if not scene.is_own:
        return scene.never_named
    custody = scene.custody
    if not scene.side.place or custody.in_transit or (custody.at and not custody.side.place):
        return False
    return not (custody.at and scene.land.same(scene.side, custody.side))


def wrong_destination(scene: Scene) -> bool:
    if scene.kind is not Kind.RECEIVE or scene.role is not Role.ITEM or scene.excepted:
        return False
    custody, side, land = scene.custody, scene.side, scene.land
    if not custody.in_transit or not side.place or not custody.to.known:
        return False
    at_destination = bool(custody.to.place) and Side(custody.to.place).premises == side.premises
    return not at_destination and land.destination_party(custody.to) not in land.parties(side) and not land.same(side, custody.side)


def void_unknown(scene: Scene) -> bool:
    return scene.kind is Kind.VOID_SHIP and not scene.state.parent and not scene.state.held.in_transit

"""Rules of aggregation (rules.md 5)."""

from __future__ import annotations

from packtrace.domain.dates import HOUR
from packtrace.domain.identifiers import gtin_of
from packtrace.domain.vocabulary import Custody, Kind, Level, Role
from tests.domain.plain.scene import Scene, is_received_unreported
from tests.domain.plain.view import HOPS_MAX


def _packed(scene: Scene) -> bool:
    return scene.kind is Kind.PACK and scene.role is Role.CHILD


def _packed_into(scene: Scene) -> bool:
    return scene.kind is Kind.PACK and scene.role is Role.PARENT


def two_parents(scene: Scene) -> bool:
    return _packed(scene) and scene.state.parent not in ("", scene.event.parent)


def wrong_unpack(scene: Scene) -> bool:
    if scene.kind is not Kind.UNPACK or scene.role is not Role.CHILD or scene.state.parent == scene.event.parent:
        return False
    return not any(container == scene.event.parent and scene.time - when <= 24 * HOUR for container, when in scene.state.left)


def child_not_commissioned(scene: Scene) -> bool:
    level = scene.land.level(scene.item)
    return _packed(scene) and scene.is_own and level in (Level.UNIT, Level.CASE) and not scene.state.commissioned


def _capacity(scene: Scene) -> int:
    product = scene.land.product(scene.item)
    return product.contains_count if product else 0


def overfull_container(scene: Scene) -> bool:
    count = _capacity(scene)
    return _packed_into(scene) and count > 0 and len(scene.view.children(scene.item, scene.key)) > count


def partial_container(scene: Scene) -> bool:
    if scene.kind is not Kind.SHIP or scene.role is not Role.ITEM or scene.land.level(scene.item) is not Level.CASE:
        return False
    said = scene.state.partial or scene.event.partial
    return not said and len(scene.view.children(scene.item, scene.key)) < _capacity(scene)


def mixed_content(scene: Scene) -> bool:
    if not _packed_into(scene) or scene.land.level(scene.item) not in (Level.BUNDLE, Level.CASE):
        return False
    children = scene.view.children(scene.item, scene.key)
    return len({(gtin_of(item), state.lot) for item, state in children if gtin_of(item) and state.lot}) > 1


def hierarchy_loop(scene: Scene) -> bool:
    if not _packed(scene):
        return False
    above = scene.view.before(scene.event.parent, scene.key).parent
    return scene.item in scene.view.chain(scene.event.parent, above, scene.key)


def _nests_too_deep(scene: Scene) -> bool:
    """Whether something would be more than so many containers below its root (rules.md 7)."""
    above = scene.view.chain(scene.event.parent, scene.view.before(scene.event.parent, scene.key).parent, scene.key)
    return 1 + len(above) + scene.view.height(scene.item, scene.key) > HOPS_MAX


def level_inversion(scene: Scene) -> bool:
    if not _packed(scene):
        return False
    child, parent = scene.land.level(scene.item), scene.land.level(scene.event.parent)
    if _nests_too_deep(scene):
        return True
    if Level.UNKNOWN in (child, parent) or (child is Level.LOGISTIC and parent is Level.LOGISTIC):
        return False
    return child >= parent


def closed_container(scene: Scene) -> bool:
    if scene.kind not in (Kind.PACK, Kind.UNPACK) or scene.role is not Role.PARENT:
        return False
    return scene.custody.in_transit and not is_received_unreported(scene.land, scene.custody, scene.side)


def _seen_apart(scene: Scene) -> bool:
    """Seen while packed, at a place that is not the root's own."""
    if scene.judged_kind not in (Kind.OBSERVE, Kind.VERIFY, Kind.DISPENSE) or not scene.chain or scene.ancestor_named:
        return False
    custody = scene.custody
    if not scene.side.place or custody.kind is Custody.UNKNOWN:
        return False
    return custody.in_transit or bool(custody.side.place and custody.side.premises != scene.side.premises)


def away_from_parent(scene: Scene) -> bool:
    custody, root = scene.custody, scene.root
    if not _seen_apart(scene) or not scene.land.another(scene.side, custody.side):
        return False
    if custody.at:
        when, place = root.namings[-1] if root.namings else (0, "")
        named_there = place == custody.side.premises and scene.time - when <= 72 * HOUR
        return root.shipped is None or named_there
    return custody.to.known and scene.time - custody.since <= 24 * HOUR and not scene.land.is_destination(scene.side, custody.to)


def missing_unpack(scene: Scene) -> bool:
    return _seen_apart(scene) and not away_from_parent(scene)

"""An item as JSON (design.md 9): its own axes, and what it inherits from what it is in. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from packtrace.domain.dates import last_day, local_date
from packtrace.domain.identifiers import gtin_of, is_sscc
from packtrace.domain.item import Item
from packtrace.domain.place import Side, zone_of
from packtrace.domain.reference import Lot, Reference
from packtrace.domain.vocabulary import Custody, Level, Life, Status
from packtrace.query import render

OVERDUE_RULE = "data-no-product"

Json = dict[str, object]


def lot_in_reference(item: Item, reference: Reference) -> Lot | None:
    return reference.lot(gtin_of(item.key), item.lot) if item.lot else None


def expiry_that_counts(item: Item, reference: Reference) -> int:
    """The reference's for the lot, else the item's (rules.md 3.2); YYYYMMDD, 0 where neither is known."""
    lot = lot_in_reference(item, reference)
    return lot.expiry if lot is not None and lot.expiry else item.expiry


def is_container(item: Item, reference: Reference) -> bool:
    """An SSCC, or an SGTIN of level bundle or case; of an unknown product, what was packed into."""
    level = reference.level(item.key)
    if is_sscc(item.key) or level in (Level.BUNDLE, Level.CASE):
        return True
    return level is Level.UNKNOWN and item.children_count > 0


def standing_alerts(item: Item) -> list[str]:
    """Ids of its alerts that are not withdrawn."""
    return sorted(alert.id for alert in item.alerts.values() if alert.status is not Status.WITHDRAWN)


def expired(item: Item, root: Item, reference: Reference, at: int) -> bool:
    """Whether its last day was over, where it is, at log or event time ``at``."""
    expiry = expiry_that_counts(item, reference)
    if not expiry:
        return False
    return local_date(at, zone_of(Side(root.place), None, reference, at)) > last_day(expiry)


def recalled(item: Item, reference: Reference, at: int) -> bool:
    """Whether its lot was recalled at ``at``."""
    since = reference.recalled_from(gtin_of(item.key), item.lot) if item.lot else None
    return since is not None and at >= since


def flags(item: Item, root: Item, reference: Reference, at: int) -> list[str]:
    """What follows from state, reference data and time (rules.md 3.6)."""
    lot = lot_in_reference(item, reference)
    overdue = any(alert.rule == OVERDUE_RULE and alert.status is not Status.WITHDRAWN for alert in root.alerts.values())
    found = {
        "EXPIRED": expired(item, root, reference, at),
        "LOT_RECALLED": recalled(item, reference, at),
        "LOT_UNRELEASED": lot is not None and not lot.released,
        "OVERDUE": overdue,
    }
    return [name for name, holds in found.items() if holds]


def axes(item: Item, root: Item, reference: Reference) -> Json:
    """What every answer about an item says of it."""
    return {
        "epc": render.epc(item.key),
        "kind": "container" if is_container(item, reference) else "unit",
        "life": item.life.name,
        "life_reason": item.reason.name if item.life is Life.INACTIVE else None,
        "lot": render.text(item.lot),
        "expiry": render.date(expiry_that_counts(item, reference)),
        "location": render.gln(root.place) if root.custody is Custody.AT else None,
        "custody": render.CUSTODY[root.custody],
        "holds": list(item.holds),
        "alerts": standing_alerts(item),
        "children_count": item.children_count,
    }


def item_answer(item: Item, ancestors: Sequence[Item], reference: Reference, as_of: int) -> Json:
    """``GET /items/{epc}``.

    Args:
        ancestors: what it is in, upwards to the root.
        as_of: microseconds; also what "now" means for the flags.
    """
    root = ancestors[-1] if ancestors else item
    said = axes(item, root, reference)
    more: Json = {
        "parent": render.epc(item.parent),
        "parents": [render.epc(one.key) for one in ancestors],
        "flags": flags(item, root, reference, as_of),
        "as_of": render.time(as_of),
    }
    order = (
        "epc", "kind", "life", "life_reason", "parent", "parents", "children_count", "location", "custody", "holds", "flags",
        "lot", "expiry", "alerts", "as_of",
    )  # fmt: skip
    both = said | more
    return {name: both[name] for name in order}

"""Where every unit of a lot is now. From ClickHouse, so that a lot of a million units is an answer too.

The units of a lot lie side by side in ``items``. A unit whose lot was corrected still has a row under its old lot; such rows
are few, and are left out because the unit has a newer row under another lot of its product. What a unit is in, and with
it where, is the root of its hierarchy: the distinct parents are looked up level by level.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from packtrace.query import render
from packtrace.query.archive_items import ContainerRow, ItemArchive, LotGroup, LotUnit
from packtrace.query.items import Json
from packtrace.query.live import ANCESTORS_MAX
from packtrace.query.parameters import cursor_text

ROOTS_SHOWN_MAX = 1_000

_T = TypeVar("_T")


class Where(NamedTuple):
    """What a unit inherits: the outermost container (empty: loose), custody, and the places that go with it."""

    root: str
    custody: str
    place: str
    destination: str


def roots(archive: ItemArchive, parents: Iterable[str]) -> dict[str, Where]:
    """Container key -> where it is, by its root."""
    known: dict[str, ContainerRow] = {}
    level = {parent for parent in parents if parent}
    asked: set[str] = set()
    for _ in range(ANCESTORS_MAX):
        level -= asked
        if not level:
            break
        asked |= level
        for row in archive.containers(sorted(level)):
            known[row.item] = row
        level = {known[key].parent for key in level if key in known and known[key].parent}
    return {key: _climb(key, known) for key in asked}


def _climb(key: str, known: Mapping[str, ContainerRow]) -> Where:
    at = key
    for _ in range(ANCESTORS_MAX):
        row = known.get(at)
        if row is None:
            return Where(at, "unknown", "", "")
        if not row.parent:
            return Where(at, row.custody, row.place, row.destination)
        at = row.parent
    return Where(at, "unknown", "", "")


def recall_answer(archive: ItemArchive, gtin: str, lot: str, after: str, limit: int, as_of: int) -> Json | None:
    """``GET /lots/{gtin}/{lot}``: a summary of all units and a page of them in the order of their keys; None: no such unit."""
    groups = archive.lot_groups(gtin, lot)
    if not groups:
        return None
    units = archive.lot_units(gtin, lot, after, limit + 1) if limit else []
    page = units[:limit]
    where = roots(archive, {group.parent for group in groups} | {unit.parent for unit in page})
    return {
        "gtin": gtin,
        "lot": lot,
        "units_count": sum(group.units for group in groups),
        "summary": summary(groups, where),
        "units": [unit_answer(unit, where) for unit in page],
        "next": cursor_text(page[-1].item) if len(units) > limit and page else None,
        "as_of": render.time(as_of),
    }


def _place_of(one: LotGroup | LotUnit, where: Mapping[str, Where]) -> Where:
    return where[one.parent] if one.parent else Where("", one.custody, one.place, one.destination)


def unit_answer(unit: LotUnit, where: Mapping[str, Where]) -> Json:
    at = _place_of(unit, where)
    return {
        "epc": render.epc(unit.item),
        "life": unit.life,
        "life_reason": _reason(unit),
        "parent": render.epc(unit.parent),
        "root": render.epc(at.root),
        "location": render.gln(at.place),
        "custody": at.custody,
        "destination": render.gln(at.destination),
    }


def summary(groups: Sequence[LotGroup], where: Mapping[str, Where]) -> Json:
    """Units counted by life, custody, location and root, the most first."""
    by_life: Counter[tuple[str, str | None]] = Counter()
    by_custody: Counter[str] = Counter()
    by_location: Counter[tuple[str, str, str]] = Counter()
    by_root: Counter[str] = Counter()
    for group in groups:
        at = _place_of(group, where)
        by_life[group.life, _reason(group)] += group.units
        by_custody[at.custody] += group.units
        by_location[at.place, at.custody, at.destination] += group.units
        by_root[at.root] += group.units
    return {
        "life": [{"life": life, "life_reason": reason, "units": units} for (life, reason), units in _most_first(by_life)],
        "custody": [{"custody": custody, "units": units} for custody, units in _most_first(by_custody)],
        "location": [
            {"location": render.gln(place), "custody": custody, "destination": render.gln(destination), "units": units}
            for (place, custody, destination), units in _most_first(by_location)
        ],
        "parent": [{"root": render.epc(root), "units": units} for root, units in _most_first(by_root)[:ROOTS_SHOWN_MAX]],
    }


def _reason(one: LotGroup | LotUnit) -> str | None:
    return one.reason if one.life == "INACTIVE" else None


def _most_first(counts: Counter[_T]) -> list[tuple[_T, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))

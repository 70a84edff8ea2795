"""What the history is asked about items: their events, what was in what, the units of a lot. SQL with bound parameters."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from packtrace.domain.order import RANK
from packtrace.domain.vocabulary import Kind
from packtrace.query.ask import Query, chunks

RANKS: dict[str, object] = {"kinds": [kind.word for kind in Kind], "ranks": [RANK[kind] for kind in Kind]}
"""Bound where events are put in base order: a kind's rank among events of one time."""

FIRST_EVENT = (-1, -1, "", -1, -1)


class EventRow(NamedTuple):
    """One op of an item; times in microseconds, state as it was after it."""

    event_id: str
    event_time: int
    log_time: int
    kind: str
    role: str
    outcome: str
    parent: str
    life: str
    reason: str
    custody: str
    place: str
    event_partition: int
    event_offset: int
    rank: int
    offset: int
    position: int


_ITEM_EVENTS = """
SELECT event_id, toUnixTimestamp64Micro(event_time) AS at, toUnixTimestamp64Micro(log_time), kind, role, outcome, parent, life, reason,
       custody, place, event_partition, event_offset, toInt64(transform(kind, {kinds:Array(String)}, {ranks:Array(UInt8)}, 99)) AS rank,
       offset, toInt64(position) AS nth
FROM history
WHERE item = {item:String} AND row_type = 'op' AND ({ids:Array(String)} = [] OR has({ids:Array(String)}, event_id))
  AND (at, rank, event_id, offset, nth)
    > ({after_time:Int64}, {after_rank:Int64}, {after_id:String}, {after_offset:Int64}, {after_position:Int64})
ORDER BY at, rank, event_id, offset, nth
LIMIT 1 BY offset, nth
LIMIT {limit:UInt32}
"""

_RAW_EVENTS = """
SELECT partition, offset, toUnixTimestamp64Micro(log_time), event FROM events
WHERE (partition, offset) IN {places:Array(Tuple(UInt16, Int64))}
LIMIT 1 BY partition, offset
"""


class StepRow(NamedTuple):
    """One op or fact that an item took in, in the order of the log. ``fact`` is empty of an op."""

    item: str
    row_type: str
    log_time: int
    event_partition: int
    event_offset: int
    fact: bytes


_STEPS = """
SELECT item, row_type, toUnixTimestamp64Micro(log_time), event_partition, event_offset, base64Encode(fact)
FROM history
WHERE item IN {items:Array(String)} AND row_type IN ('op', 'fact') AND event_time <= fromUnixTimestamp64Micro({until:Int64})
ORDER BY item, partition, offset, position
LIMIT 1 BY item, offset, position
"""

_CHILDREN = """
SELECT parent, child FROM
(
    SELECT parent, child, action, event_id, any(event_time) AS at, any(kind) AS of_kind, argMax(holds, (offset, position)) AS stands
    FROM edges
    WHERE parent IN {parents:Array(String)} AND event_time <= fromUnixTimestamp64Micro({until:Int64})
    GROUP BY parent, child, action, event_id
)
WHERE stands = 1
GROUP BY parent, child
HAVING argMax(action, (at, transform(of_kind, {kinds:Array(String)}, {ranks:Array(UInt8)}, 99), event_id)) = 'joined'
ORDER BY parent, child
LIMIT {limit:UInt32}
"""


class LotGroup(NamedTuple):
    """Units of a lot that share everything but their serials; custody and places only of loose ones."""

    life: str
    reason: str
    parent: str
    custody: str
    place: str
    destination: str
    units: int


class LotUnit(NamedTuple):
    """One unit of a lot; custody and places are its own."""

    item: str
    life: str
    reason: str
    parent: str
    custody: str
    place: str
    destination: str


class ContainerRow(NamedTuple):
    """Where an item is; custody and places are its own."""

    item: str
    parent: str
    custody: str
    place: str
    destination: str


_LOT_GROUPS = """
SELECT life, reason, parent, if(parent = '', custody, '') AS own_custody, if(parent = '', place, '') AS own_place,
       if(parent = '', destination, '') AS own_destination, count()
FROM items FINAL
WHERE gtin = {gtin:String} AND lot = {lot:String} AND item NOT IN
(
    SELECT elsewhere.item FROM
    (
        SELECT item, max(version) AS newest FROM items
        WHERE gtin = {gtin:String} AND lot != {lot:String} AND item IN (SELECT item FROM items WHERE gtin = {gtin:String} AND lot = {lot:String})
        GROUP BY item
    ) AS elsewhere
    INNER JOIN (SELECT item, max(version) AS newest FROM items WHERE gtin = {gtin:String} AND lot = {lot:String} GROUP BY item) AS here
        ON elsewhere.item = here.item
    WHERE elsewhere.newest > here.newest
)
GROUP BY life, reason, parent, own_custody, own_place, own_destination
"""

_LOT_UNITS = """
SELECT item, life, reason, parent, custody, place, destination
FROM items FINAL
WHERE gtin = {gtin:String} AND lot = {lot:String} AND item > {after:String} AND item NOT IN
(
    SELECT elsewhere.item FROM
    (
        SELECT item, max(version) AS newest FROM items
        WHERE gtin = {gtin:String} AND lot != {lot:String} AND item IN (SELECT item FROM items WHERE gtin = {gtin:String} AND lot = {lot:String})
        GROUP BY item
    ) AS elsewhere
    INNER JOIN (SELECT item, max(version) AS newest FROM items WHERE gtin = {gtin:String} AND lot = {lot:String} GROUP BY item) AS here
        ON elsewhere.item = here.item
    WHERE elsewhere.newest > here.newest
)
ORDER BY item
LIMIT {limit:UInt32}
"""

_CONTAINERS = """
SELECT item, argMax(parent, (offset, position)), argMax(custody, (offset, position)), argMax(place, (offset, position)),
       argMax(destination, (offset, position))
FROM history WHERE item IN {items:Array(String)} GROUP BY item
"""


class ItemArchive:
    """Questions about items to the history."""

    def __init__(self, query: Query) -> None:
        self._ask = query

    def item_events(
        self, item: str, after: tuple[int, int, str, int, int] = FIRST_EVENT, limit: int = 100, ids: Sequence[str] = ()
    ) -> list[EventRow]:
        """The events that named an item, in event order; ``ids``: only those."""
        time, rank, id, offset, position = after
        stated = {"after_time": time, "after_rank": rank, "after_id": id, "after_offset": offset, "after_position": position}
        return [EventRow(*row) for row in self._ask(_ITEM_EVENTS, {"item": item, "limit": limit, "ids": list(ids)} | stated | RANKS)]

    def raw_events(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, str]]:
        """(partition, offset) of raw events -> log time and JSON; those not stored yet are left out."""
        found: dict[tuple[int, int], tuple[int, str]] = {}
        for some in chunks(sorted({place for place in places if place[0] >= 0})):
            for partition, offset, log_time, event in self._ask(_RAW_EVENTS, {"places": some}):
                found[int(partition), int(offset)] = int(log_time), str(event)
        return found

    def steps(self, items: Sequence[str], until: int) -> dict[str, list[StepRow]]:
        """What each of ``items`` took in of events up to ``until``, in the order of the log."""
        found: dict[str, list[StepRow]] = {}
        for some in chunks(sorted(set(items))):
            for item, row_type, log_time, partition, offset, fact in self._ask(_STEPS, {"items": some, "until": until}):
                row = StepRow(str(item), str(row_type), int(log_time), int(partition), int(offset), base64.b64decode(fact))
                found.setdefault(row.item, []).append(row)
        return found

    def children(self, parents: Sequence[str], until: int, limit: int) -> list[tuple[str, str]]:
        """(parent, child) as the parents knew them at ``until``, by key."""
        found: list[tuple[str, str]] = []
        for some in chunks(sorted(set(parents))):
            stated: Mapping[str, object] = {"parents": some, "until": until, "limit": limit - len(found)} | RANKS
            found += [(str(parent), str(child)) for parent, child in self._ask(_CHILDREN, stated)]
            if len(found) >= limit:
                break
        return found

    def lot_groups(self, gtin: str, lot: str) -> list[LotGroup]:
        """All units of a lot, grouped."""
        return [LotGroup(*row) for row in self._ask(_LOT_GROUPS, {"gtin": gtin, "lot": lot})]

    def lot_units(self, gtin: str, lot: str, after: str, limit: int) -> list[LotUnit]:
        """Units of a lot in the order of their keys, from behind ``after``."""
        return [LotUnit(*row) for row in self._ask(_LOT_UNITS, {"gtin": gtin, "lot": lot, "after": after, "limit": limit})]

    def containers(self, items: Sequence[str]) -> list[ContainerRow]:
        """Where those of ``items`` that are known are."""
        return [ContainerRow(*row) for some in chunks(list(items)) for row in self._ask(_CONTAINERS, {"items": some})]

"""What a proof and a rebuild ask of ClickHouse, as SQL with bound parameters.

``below`` has one offset for each ops partition: rows at or above it are not looked at, so that a system at work is compared at
one moment.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from packtrace.codec import checkpoint
from packtrace.codec.checkpoint import Checkpoint
from packtrace.codec.history import STEPS
from packtrace.domain.content import MEMORY
from packtrace.ports import HistoryStore

_PARTS = {
    "<steps>": "row_type IN (" + ", ".join(f"'{name}'" for name in STEPS) + ")",
    "<below>": "offset < {below:Array(Int64)}[partition + 1]",
    # the table is sorted by item: groups are finished one after the other, in little memory
    "<in order>": "SETTINGS optimize_aggregation_in_order = 1",
    "<row hash>": "xxh3(concat(item, '\\0', row_type, '\\0', event_id, '\\0', fact, '\\0', state))",
    # the content entries as they stand; a long one lies in pieces
    "<entries>": """
SELECT item, any(owner) AS owner, name, argMax(piece, offset) AS entry FROM
(
    SELECT item, any(partition) AS owner, fact AS name, offset,
           arrayStringConcat(arrayMap(part -> part.2, arraySort(groupArray((position, state))))) AS piece
    FROM (SELECT item, partition, offset, position, fact, state FROM history WHERE row_type = 'content' AND <below>
          LIMIT 1 BY item, partition, offset, position)
    GROUP BY item, name, offset
)
GROUP BY item, name
HAVING entry != ''
""",
}
"""What several questions have in common."""


def _sql(text: str) -> str:
    for part in reversed(_PARTS):
        text = text.replace(part, _PARTS[part])
    return text


PAGE_ITEMS = 100_000
ROWS_SHOWN_MAX = 50


_ITEM_DIGESTS = _sql("""
SELECT owner, sum(xxh3(concat(item, '\\0', packed))), count() FROM
(
    SELECT item, any(partition) AS owner, argMax(state, (offset, position)) AS packed
    FROM history WHERE <steps> AND <below> GROUP BY item <in order>
)
GROUP BY owner
""")
_ENTRY_DIGESTS = _sql("""
SELECT owner, sum(xxh3(concat(item, '\\x01', name, '\\0', entry))) FROM (<entries>)
WHERE name != unhex({memory:String}) GROUP BY owner
""")

# the events of an item that may be open: the first of them to settle does so no earlier than the earliest was logged, and its window
_ITEMS = _sql("""
SELECT owner, groupArray(item), groupArray(base64Encode(packed)), groupArray(oldest), max(item) FROM
(
    SELECT item, any(partition) AS owner, argMax(state, (offset, position)) AS packed,
           toUnixTimestamp64Micro(minIf(log_time, row_type IN ('op', 'fact')
               AND log_time > fromUnixTimestamp64Micro({since:Array(Int64)}[partition + 1]))) AS oldest
    FROM history WHERE <steps> AND <below> AND item > {after:String}
    GROUP BY item ORDER BY item LIMIT {limit:UInt32} <in order>
)
GROUP BY owner
""")
_ENTRIES_OF = _sql("""
SELECT item, base64Encode(name), base64Encode(entry) FROM (<entries>)
WHERE item >= {first:String} AND item <= {last:String}
""")
_ITEM_HASHES = _sql("""
SELECT item, xxh3(concat(item, '\\0', argMax(state, (offset, position))))
FROM history WHERE partition = {partition:UInt16} AND <steps> AND <below> GROUP BY item
""")
_CHECKPOINTS = _sql("""
SELECT partition, base64Encode(argMax(state, offset)) FROM history
WHERE item = '' AND row_type = 'checkpoint' AND <below> GROUP BY partition
""")
_REFERENCE = _sql("""
SELECT other, argMax(fact_retracted, (offset, position)) AS gone, argMax(state, (offset, position)) FROM history
WHERE item = '' AND row_type = 'entity' AND partition = {partition:UInt16} AND <below> GROUP BY other HAVING gone = 0
""")

_HISTORY = _sql("SELECT partition, count(), sum(<row hash>), max(offset) FROM history WHERE <below> GROUP BY partition")
_HISTORY_ROWS = _sql("""
SELECT offset, position, <row hash> FROM history WHERE partition = {partition:UInt16} AND <below>
""")
_ALERTS = _sql("SELECT partition, offset, position, id, version, toString(status), item FROM alerts WHERE <below>")

_TWICE = {
    "history": "SELECT item, partition, offset, position, count() AS rows FROM history GROUP BY item, partition, offset, position "
    "HAVING rows > 1 ORDER BY item, offset LIMIT 5 SETTINGS optimize_aggregation_in_order = 1",
    "alerts": "SELECT item, partition, offset, position, count() AS rows FROM alerts GROUP BY item, partition, offset, position "
    "HAVING rows > 1 ORDER BY item, offset LIMIT 5",
    "events": "SELECT '', partition, offset, 0, count() AS rows FROM events GROUP BY partition, offset "
    "HAVING rows > 1 ORDER BY partition, offset LIMIT 5",
    "rejected": "SELECT '', log_partition, log_offset, 0, count() AS rows FROM rejected GROUP BY log_partition, log_offset "
    "HAVING rows > 1 ORDER BY log_partition, log_offset LIMIT 5",
}
_COUNT = {
    "history": "SELECT count() FROM history",
    "alerts": "SELECT count() FROM alerts",
    "events": "SELECT count() FROM events",
    "rejected": "SELECT count() FROM rejected",
}

_KEPT = """
SELECT count(), min(offset), max(offset) FROM
(
    SELECT offset FROM events WHERE partition = {partition:UInt16} AND offset >= {start:Int64} AND offset < {end:Int64}
    UNION DISTINCT
    SELECT offset FROM rejected
    WHERE topic = 'events' AND partition = {partition:Int32} AND offset >= {start:Int64} AND offset < {end:Int64}
)
"""
# the router rejects unread what ends its process; the sink may well be able to read it
_BOTH = """
SELECT offset FROM events WHERE partition = {partition:UInt16} AND offset < {end:Int64}
  AND offset IN (SELECT offset FROM rejected WHERE topic = 'events' AND partition = {partition:Int32} AND reason != 'poison')
ORDER BY offset LIMIT 5
"""
_OPS = """
SELECT e.partition, e.offset, e.id, e.items, h.ops FROM
(
    SELECT partition, offset, any(id) AS id, any(items) AS items FROM events
    WHERE offset < {ends:Array(Int64)}[partition + 1] GROUP BY partition, offset
) AS e
LEFT JOIN
(
    SELECT event_partition, event_offset, count() AS ops FROM history WHERE row_type = 'op' GROUP BY event_partition, event_offset
) AS h ON e.partition = h.event_partition AND e.offset = h.event_offset
WHERE e.items != h.ops
  AND (toInt32(e.partition), e.offset) NOT IN (SELECT partition, offset FROM rejected WHERE topic = 'events' AND reason = 'poison')
ORDER BY e.items, e.partition, e.offset LIMIT 5
"""
_ITEM_ROWS = """
SELECT row_type, kind, event_id, toString(event_time), fact_type, outcome, partition, offset, position FROM history
WHERE item = {item:String} AND row_type != 'content' ORDER BY offset, position LIMIT {limit:UInt32}
"""

Lineage = tuple[int, int]
"""(offset, number within the record) of one ops partition."""


class Twice(NamedTuple):
    """A lineage that a table holds more than once."""

    item: str
    partition: int
    offset: int
    position: int
    rows: int


class Unequal(NamedTuple):
    """An accepted event whose ops are not all in the history, or more often."""

    partition: int
    offset: int
    id: str
    items: int
    ops: int


class AlertLine(NamedTuple):
    """One change of an alert as stored."""

    partition: int
    offset: int
    position: int
    id: str
    version: int
    status: str
    item: str


class Page(NamedTuple):
    """Some items: by partition their keys, packed bytes and the first log time that may be open (0: none); and their content."""

    items: dict[int, tuple[list[str], list[bytes], list[int]]]
    content: dict[str, dict[bytes, bytes]]


class ProofArchive:
    """Every question of the module. Any may raise UnavailableError."""

    def __init__(self, store: HistoryStore) -> None:
        self._store = store

    def digests(self, below: Sequence[int]) -> dict[int, tuple[int, int]]:
        """ops partition -> (digest, items), computed by the server from the rows."""
        found = {partition: [0, 0] for partition in range(len(below))}
        for partition, share, items in self._ask(_ITEM_DIGESTS, {"below": list(below)}):
            found[_int(partition)] = [_int(share), _int(items)]
        for partition, share in self._ask(_ENTRY_DIGESTS, {"below": list(below), "memory": MEMORY.hex()}):
            found[_int(partition)][0] += _int(share)
        return {partition: (share & (1 << 64) - 1, items) for partition, (share, items) in found.items()}

    def pages(self, below: Sequence[int], since: Sequence[int], items: int = PAGE_ITEMS) -> Iterator[Page]:
        """Every item as its newest row left it, in the order of keys; ``since``: log time of each partition below which nothing is open.

        The next page is asked for while a page is looked at.
        """
        with ThreadPoolExecutor(1) as asking:
            after, count = "", items
            asked = asking.submit(self._page, below, since, "", items)
            while count == items:
                page, after, count = asked.result()
                if count == items:
                    asked = asking.submit(self._page, below, since, after, items)
                if count:
                    yield page

    def _page(self, below: Sequence[int], since: Sequence[int], after: str, items: int) -> tuple[Page, str, int]:
        """A page, its last key and how many items it has."""
        named = {"below": list(below), "since": list(since), "after": after, "limit": items}
        found: dict[int, tuple[list[str], list[bytes], list[int]]] = {}
        for owner, keys, packed, oldest, last in self._ask(_ITEMS, named):
            assert isinstance(keys, Sequence)
            assert isinstance(packed, Sequence)
            assert isinstance(oldest, Sequence)
            found[_int(owner)] = list(keys), list(map(base64.b64decode, packed)), list(oldest)
            after = max(after, str(last))
        content: dict[str, dict[bytes, bytes]] = {}
        if found:
            first = min(keys[0] for keys, _, _ in found.values())
            for item, name, entry in self._ask(_ENTRIES_OF, {"below": list(below), "first": first, "last": after}):
                content.setdefault(str(item), {})[base64.b64decode(str(name))] = base64.b64decode(str(entry))
        return Page(found, content), after, sum(len(keys) for keys, _, _ in found.values())

    def item_hashes(self, partition: int, below: Sequence[int]) -> dict[str, int]:
        """Item -> its share of the digest, of one partition."""
        return {str(item): _int(share) for item, share in self._ask(_ITEM_HASHES, {"partition": partition, "below": list(below)})}

    def checkpoints(self, below: Sequence[int]) -> dict[int, Checkpoint]:
        """ops partition -> its newest checkpoint."""
        rows = self._ask(_CHECKPOINTS, {"below": list(below)})
        return {_int(partition): checkpoint.unpack(base64.b64decode(str(packed))) for partition, packed in rows}

    def reference(self, partition: int, below: Sequence[int]) -> dict[str, str]:
        """The reference data that the partition had applied: "entity|key" -> JSON."""
        return {str(name): str(json) for name, _, json in self._ask(_REFERENCE, {"partition": partition, "below": list(below)})}

    def history(self, below: Sequence[int]) -> dict[int, tuple[int, int]]:
        """ops partition -> (rows, sum of their hashes)."""
        return {_int(partition): (_int(rows), _int(share)) for partition, rows, share, _ in self._ask(_HISTORY, {"below": list(below)})}

    def history_rows(self, partition: int, below: Sequence[int]) -> dict[Lineage, int]:
        """Lineage -> hash of the row, of one partition."""
        rows = self._ask(_HISTORY_ROWS, {"partition": partition, "below": list(below)})
        return {(_int(offset), _int(position)): _int(share) for offset, position, share in rows}

    def alerts(self, below: Sequence[int]) -> list[AlertLine]:
        """Every change of an alert."""
        rows = self._ask(_ALERTS, {"below": list(below)})
        return [
            AlertLine(_int(partition), _int(offset), _int(position), str(id), _int(version), str(status), str(item))
            for partition, offset, position, id, version, status, item in rows
        ]

    def twice(self) -> dict[str, tuple[int, list[Twice]]]:
        """Table -> (rows, the first lineages that it holds more than once), without FINAL."""
        return {
            table: (
                _int(self._ask(_COUNT[table], {})[0][0]),
                [Twice(str(row[0]), *(_int(cell) for cell in row[1:])) for row in self._ask(sql, {})],
            )
            for table, sql in _TWICE.items()
        }

    def kept(self, partition: int, start: int, end: int) -> int:
        """How many records [start, end) of a partition of events are accepted or rejected."""
        return _int(self._ask(_KEPT, {"partition": partition, "start": start, "end": end})[0][0])

    def first_missing(self, partition: int, start: int, end: int) -> int:
        """The first record of [start, end) that is neither, where one is."""
        while end - start > 1:
            middle = (start + end) // 2
            if self.kept(partition, start, middle) < middle - start:
                end = middle
            else:
                start = middle
        return start

    def accepted_and_rejected(self, partition: int, end: int) -> list[int]:
        """Records below ``end`` that are both."""
        return [_int(offset) for (offset,) in self._ask(_BOTH, {"partition": partition, "end": end})]

    def unequal_events(self, ends: Sequence[int]) -> list[Unequal]:
        """Accepted events below ``ends``, one for each partition of events, that name more or fewer items than were applied."""
        rows = self._ask(_OPS, {"ends": list(ends)})
        return [Unequal(_int(row[0]), _int(row[1]), str(row[2]), _int(row[3]), _int(row[4])) for row in rows]

    def rows_of(self, item: str) -> list[dict[str, object]]:
        """What an item took in, in the order of the log."""
        names = ("row_type", "kind", "event_id", "event_time", "fact_type", "outcome", "partition", "offset", "position")
        return [dict(zip(names, row, strict=True)) for row in self._ask(_ITEM_ROWS, {"item": item, "limit": ROWS_SHOWN_MAX})]

    def _ask(self, sql: str, parameters: Mapping[str, object]) -> list[tuple[object, ...]]:
        return self._store.query(sql, parameters)


def _int(cell: object) -> int:
    return int(str(cell))

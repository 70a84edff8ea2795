"""What is in a container, by the facts its children sent: outside its event window and its cap (rules.md 7).

Facts of the open window stay in event order, those of one event together (one entry per event); below it there is the last
writer per child. An entry is ``name -> bytes``; the item's memory of its alerts is the entry named ``MEMORY``:

========================================  ==========================================================
name                                      entry
========================================  ==========================================================
``00``                                    what it remembers of its alerts (``MEMORY``)
``01`` + packed child                     time it joined, 7 bytes, and its summary: settled
``02`` + time (7) + rank (1) + event id   log time (7), what most rows say (length 2), the rows, sorted
========================================  ==========================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from enum import IntEnum
from itertools import repeat
from operator import is_
from typing import Final, NamedTuple

from packtrace.domain.inside import Inside
from packtrace.domain.order import Key
from packtrace.domain.packed_key import pack_key, pack_short, unpack_key

MEMORY: Final = b"\x00"
_SETTLED: Final = b"\x01"
_EVENT: Final = b"\x02"
_PASSED_ON: Final = 0x80
_HAS_PAYLOAD: Final = 0x40
_LOGGED_LATER: Final = 0x20


class Told(IntEnum):
    """What a row of an event says of the item that asks."""

    JOINED = 1
    """It is in this container now."""
    PROBE = 2
    """Its pack was not applied; it asks all the same whether it is its own ancestor."""
    LEFT = 3
    """It is not in this container any more, and asks for the root's custody."""
    PASSED_JOINED = 4
    """It joined something that is in here."""
    PASSED_SIGHTING = 5
    """It is inside something that is in here, or left it, and asks for the root."""
    SIGHTING = 6
    """It is in this container, and asks for the root."""
    CHANGED = 7
    """It, or what is in it, says something else of itself."""
    BROUGHT = 8
    """It joined by a pack without a place, and where it was before is where the container is."""


class Row(NamedTuple):
    told: Told
    payload: bytes
    log_time: int


Rows = dict[tuple[str, str, int], Row]
"""(item that asks, item that told, ``CLASS`` of what is told) -> row; the two items differ where it was passed on.

One event may tell of a leaving and of a joining of the same item: out of a case, into a bundle inside it.
"""

JOINS: Final = 1
CLASS: Final = {
    Told.LEFT: 0,
    Told.JOINED: JOINS, Told.PROBE: JOINS, Told.PASSED_JOINED: JOINS,
    Told.SIGHTING: 2, Told.PASSED_SIGHTING: 2,
    Told.CHANGED: 3,
    Told.BROUGHT: 4,
}  # fmt: skip
_BROUGHT: Final = CLASS[Told.BROUGHT]
_MOVES: Final = {Told.LEFT: 0, Told.JOINED: 1, Told.CHANGED: 2}
"""What moves the content, in its order within one event."""


class Content:
    """The record of one container. ``changed`` names the entries written since it was cleared."""

    __slots__ = ("_inside", "changed", "last", "open", "settled")

    def __init__(self) -> None:
        self.settled: dict[str, tuple[int, bytes]] = {}
        """Child -> when it joined, and what it says of itself."""
        self.open: dict[Key, Rows] = {}
        self.last: Key | None = None
        """The newest event of ``open``."""
        self.changed: set[bytes] = set()
        self._inside: Inside | None = None

    def put(self, key: Key, asks: str, told_by: str, row: Row) -> None:
        """Write a row, in the place of one it replaces."""
        rows = self.open.get(key)
        if rows is None:
            rows = self.open[key] = {}
            if self.last is None or key > self.last:
                self.last = key
        name = asks, told_by, CLASS[row.told]
        before = rows.get(name)
        rows[name] = row
        self.changed.add(event_name(key))
        if before is None and key == self.last and self._inside is not None:
            move(self._inside, asks, row)
        elif row.told in _MOVES or before is not None:
            self._inside = None

    def put_all(self, key: Key, children: Sequence[str], row: Row) -> bool:
        """``put`` the same row for children, no two alike, that say it of themselves; False, and nothing done, where one has said so before."""
        rows = self.open.get(key)
        kind = CLASS[row.told]
        names = [(child, child, kind) for child in children]
        if rows and any(name in rows or (*name[:2], _BROUGHT) in rows for name in names):
            return False
        if rows is None:
            rows = self.open[key] = {}
            if self.last is None or key > self.last:
                self.last = key
        rows.update(zip(names, repeat(row), strict=False))
        self.changed.add(event_name(key))
        inside = self._inside
        if inside is not None and key == self.last:
            if row.told is Told.JOINED:
                inside.put_all(children, row.payload)
        elif row.told in _MOVES:
            self._inside = None
        return True

    def take_back(self, key: Key, asks: str, told_by: str, told: Told) -> None:
        """Remove a row that was retracted."""
        rows = self.open.get(key)
        if rows is None:
            return
        if rows.pop((asks, told_by, CLASS[told]), None) is not None:
            if not rows:
                del self.open[key]
                self.last = max(self.open, default=None)
            self.changed.add(event_name(key))
            self._inside = None

    def inside(self, emptied: Key | None) -> Inside:
        """What is in it now; ``emptied`` is where the last unpack of all sorts."""
        if self._inside is None:
            self._inside = self.inside_before(None, emptied)
        return self._inside

    def forget_inside(self) -> None:
        """An unpack of all came or went: ``inside`` counts anew."""
        self._inside = None

    def inside_before(self, key: Key | None, emptied: Key | None, without: Set[Key] = frozenset()) -> Inside:
        """What was in it just before ``key`` (None: at the end), had the events ``without`` not been."""
        found = Inside({child: summary for child, (_, summary) in self.settled.items()} if emptied is None else None)
        for at in sorted(self.open):
            if key is not None and at >= key:
                break
            if (emptied is not None and at < emptied) or at in without:
                continue
            self.move(found, at)
        return found

    def move(self, inside: Inside, key: Key) -> None:
        """Move ``inside`` by the rows of one event: those that left, those that joined, those that changed."""
        shared = _shared(self.open[key])
        if shared is not None and shared.told is Told.JOINED:
            inside.put_all([asks for asks, _, _ in self.open[key]], shared.payload)
            return
        rows = [(_MOVES[row.told], asks, row) for (asks, _, _), row in self.open[key].items() if row.told in _MOVES]
        if len(rows) > 1:
            rows.sort(key=_place)
        for _, asks, row in rows:
            move(inside, asks, row)

    def leaves_after(self, key: Key) -> bool:
        """Whether an open event after ``key`` takes something out."""
        return any(row.told is Told.LEFT for at, rows in self.open.items() if at > key for row in rows.values())

    def settle(self, key: Key) -> None:
        """Fold the rows of one event, the oldest open one, into the last writer per child."""
        rows = [(_MOVES[row.told], asks, row) for (asks, _, _), row in self.open[key].items() if row.told in _MOVES]
        for _, asks, row in sorted(rows, key=_place):
            known = self.settled.get(asks)
            if row.told is Told.JOINED:
                self.settled[asks] = key[0], row.payload
            elif known is None:
                continue
            elif row.told is Told.LEFT:
                del self.settled[asks]
            else:
                self.settled[asks] = known[0], row.payload
            self.changed.add(_SETTLED + pack_key(asks))
        del self.open[key]
        self.changed.add(event_name(key))
        self.last = max(self.open, default=None)

    def empty_before(self, key: Key) -> None:
        """An unpack of all has settled: what joined before it is gone for good."""
        self.changed.update(_SETTLED + pack_key(child) for child in self.settled)
        self.settled.clear()
        for at in [at for at in self.open if at < key]:
            del self.open[at]
            self.changed.add(event_name(at))
        self.last = max(self.open, default=None)
        self._inside = None

    def log_time(self, key: Key) -> int:
        """When the event of ``key`` was logged."""
        rows = self.open[key]
        shared = _shared(rows)
        return min(row.log_time for row in rows.values()) if shared is None else shared.log_time

    def take_changes(self) -> dict[bytes, bytes | None]:
        """The entries written since the last call; None where one is gone."""
        changes = {name: self._entry(name) for name in self.changed}
        self.changed.clear()
        return changes

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Every entry."""
        for child in self.settled:
            name = _SETTLED + pack_key(child)
            yield name, self._entry(name) or b""
        for key in self.open:
            yield event_name(key), self._pack_rows(key)

    def _entry(self, name: bytes) -> bytes | None:
        if name[:1] == _SETTLED:
            known = self.settled.get(unpack_key(name[1:]))
            return None if known is None else known[0].to_bytes(7, "big") + known[1]
        key = event_key(name)
        return self._pack_rows(key) if key in self.open else None

    def _pack_rows(self, key: Key) -> bytes:
        rows = self.open[key]
        shared = _shared(rows)
        if shared is not None and shared.told is not Told.PASSED_JOINED and shared.told is not Told.PASSED_SIGHTING:
            told = bytes((shared.told,))
            return b"".join(
                (shared.log_time.to_bytes(7, "big"), _pack_payload(shared.payload), *sorted(told + pack_short(asks) for asks, _, _ in rows))
            )
        logged = self.log_time(key)
        common = _common([row.payload for row in rows.values()])
        packed = [_pack_row(asks, told_by, row, logged, common) for (asks, told_by, _), row in rows.items()]
        packed.sort()
        return logged.to_bytes(7, "big") + _pack_payload(common) + b"".join(packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and dict(self.entries()) == dict(other.entries())

    __hash__ = None  # type: ignore[assignment]


def event_name(key: Key) -> bytes:
    """Name of the entry of one event; names sort as events do."""
    time, rank, id = key
    return _EVENT + time.to_bytes(7, "big") + bytes((rank,)) + id.encode()


def event_key(name: bytes) -> Key:
    """The inverse of ``event_name``."""
    return int.from_bytes(name[1:8], "big"), name[8], name[9:].decode()


def of_open_event(name: bytes) -> bool:
    """Whether an entry is of an event that has not settled."""
    return name[:1] == _EVENT


def _shared(rows: Rows) -> Row | None:
    """The row that all of ``rows`` are, as ``put_all`` wrote it; None where it takes longer to see."""
    values = iter(rows.values())
    first = next(values)
    return first if all(map(is_, values, repeat(first))) else None


def _place(row: tuple[int, str, Row]) -> tuple[int, str]:
    return row[:2]


def move(inside: Inside, asks: str, row: Row) -> None:
    """Move what is inside by one row."""
    told = row.told
    if told is Told.JOINED:
        inside.put(asks, row.payload)
    elif told is Told.LEFT:
        inside.drop(asks)
    elif told is Told.CHANGED and asks in inside:
        inside.put(asks, row.payload)


def _common(payloads: list[bytes]) -> bytes:
    """What most rows of an event say, so that it is written once: the children of one lot. The smallest of several."""
    counted = Counter(payloads)
    most = max(counted.values())
    return min(payload for payload, times in counted.items() if times == most)


def _pack_payload(payload: bytes) -> bytes:
    return len(payload).to_bytes(2, "big") + payload


def _pack_row(asks: str, told_by: str, row: Row, logged: int, common: bytes) -> bytes:
    packed = pack_key(asks)
    told, payload, log_time = row
    if asks == told_by and payload == common and log_time == logged:
        return bytes((told, len(packed))) + packed
    own = payload != common
    flags = told | (_PASSED_ON if asks != told_by else 0) | (_HAS_PAYLOAD if own else 0) | (_LOGGED_LATER if log_time != logged else 0)
    out = bytes((flags, len(packed))) + packed
    if asks != told_by:
        source = pack_key(told_by)
        out += bytes((len(source),)) + source
    if log_time != logged:
        out += log_time.to_bytes(7, "big")
    return out + (_pack_payload(payload) if own else b"")


def unpack_content(entries: Mapping[bytes, bytes]) -> Content | None:
    """The content of its entries; None where there are none (the alerts' memory is no content)."""
    content = Content()
    for name, entry in entries.items():
        if name[:1] == _SETTLED:
            content.settled[unpack_key(name[1:])] = int.from_bytes(entry[:7], "big"), entry[7:]
        elif name[:1] == _EVENT:
            content.open[event_key(name)] = _unpack_rows(entry)
    if not content.settled and not content.open:
        return None
    content.last = max(content.open, default=None)
    content.forget_inside()
    return content


def _unpack_rows(entry: bytes) -> Rows:
    log_time = int.from_bytes(entry[:7], "big")
    rows: Rows = {}
    at = 9 + int.from_bytes(entry[7:9], "big")
    common = entry[9:at]
    alike = {told: Row(told, common, log_time) for told in Told}
    while at < len(entry):
        flags, length = entry[at], entry[at + 1]
        at += 2 + length
        asks = told_by = unpack_key(entry[at - length : at])
        if flags & _PASSED_ON:
            length = entry[at]
            at += 1 + length
            told_by = unpack_key(entry[at - length : at])
        row_logged = log_time
        if flags & _LOGGED_LATER:
            at += 7
            row_logged = int.from_bytes(entry[at - 7 : at], "big")
        payload = common
        if flags & _HAS_PAYLOAD:
            length = int.from_bytes(entry[at : at + 2], "big")
            at += 2 + length
            payload = entry[at - length : at]
        told = Told(flags & 0x0F)
        row = Row(told, payload, row_logged) if flags & (_LOGGED_LATER | _HAS_PAYLOAD) else alike[told]
        rows[asks, told_by, CLASS[told]] = row
    return rows

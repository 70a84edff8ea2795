"""What is in a container, by the facts its children sent: outside its event window and its cap (rules.md 7).

Facts of the open window stay in event order, those of one event together (one entry per event); below it there is the last
writer per child. An entry is ``name -> bytes``; the item's memory of its alerts is the entry named ``MEMORY``:

========================================  ==========================================================
name                                      entry
========================================  ==========================================================
``00``                                    what it remembers of its alerts (``MEMORY``)
``01`` + packed child                     time it joined, 7 bytes: settled
``02`` + time (7) + rank (1) + event id   log time (7), then the rows of that event, sorted
========================================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from packtrace.domain.order import Key
from packtrace.domain.packed_key import pack_key, unpack_key

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
    PASSED_LEFT = 5
    """It left something that is in here, and asks for the root's custody."""


class Row(NamedTuple):
    told: Told
    payload: bytes
    log_time: int


Rows = dict[tuple[str, str, bool], Row]
"""(item that asks, item that told, whether it joins) -> row; the two items differ where it was passed on.

One event may tell of a leaving and of a joining of the same item: out of a case, into a bundle inside it.
"""

JOINS: Final = frozenset({Told.JOINED, Told.PROBE, Told.PASSED_JOINED})


class Content:
    """The record of one container. ``changed`` names the entries written since it was cleared."""

    __slots__ = ("_inside", "changed", "last", "open", "settled")

    def __init__(self) -> None:
        self.settled: dict[str, int] = {}
        self.open: dict[Key, Rows] = {}
        self.last: Key | None = None
        """The newest event of ``open``."""
        self.changed: set[bytes] = set()
        self._inside: dict[str, None] | None = {}

    def put(self, key: Key, asks: str, told_by: str, row: Row) -> Row | None:
        """Write a row; answers the one it replaces."""
        rows = self.open.get(key)
        if rows is None:
            rows = self.open[key] = {}
            if self.last is None or key > self.last:
                self.last = key
        name = asks, told_by, row.told in JOINS
        before = rows.get(name)
        rows[name] = row
        self.changed.add(event_name(key))
        told = row.told
        if before is None and key == self.last and self._inside is not None:
            if told is Told.JOINED:
                self._inside[asks] = None
            elif told is Told.LEFT:
                self._inside.pop(asks, None)
        else:
            self._inside = None
        return before

    def take_back(self, key: Key, asks: str, told_by: str, joins: bool) -> Row | None:
        """Remove a row that was retracted."""
        rows = self.open.get(key)
        if rows is None:
            return None
        before = rows.pop((asks, told_by, joins), None)
        if before is not None:
            if not rows:
                del self.open[key]
                self.last = max(self.open, default=None)
            self.changed.add(event_name(key))
            self._inside = None
        return before

    def inside(self, emptied: Key | None) -> Mapping[str, None]:
        """Keys of the children, as joined; ``emptied`` is where the last unpack of all sorts."""
        if self._inside is None:
            self._inside = self.inside_before(None, emptied)
        return self._inside

    def forget_inside(self) -> None:
        """An unpack of all came or went: ``inside`` counts anew."""
        self._inside = None

    def inside_before(self, key: Key | None, emptied: Key | None) -> dict[str, None]:
        """Keys of the children just before ``key`` (None: at the end)."""
        found = dict.fromkeys(self.settled) if emptied is None else {}
        for at in sorted(self.open):
            if key is not None and at >= key:
                break
            if emptied is not None and at < emptied:
                continue
            for asks, told in self._moves(at):
                if told is Told.JOINED:
                    found[asks] = None
                else:
                    found.pop(asks, None)
        return found

    def _moves(self, key: Key) -> list[tuple[str, Told]]:
        """Which children one event moves: those that left before those that joined."""
        moves: list[tuple[str, Told]] = [
            (asks, row.told) for (asks, _, _), row in self.open[key].items() if row.told in (Told.JOINED, Told.LEFT)
        ]
        moves.sort(key=lambda move: -move[1])
        return moves

    def settle(self, key: Key) -> None:
        """Fold the rows of one event, the oldest open one, into the last writer per child."""
        for asks, told in self._moves(key):
            if told is Told.JOINED:
                self.settled[asks] = key[0]
                self.changed.add(_SETTLED + pack_key(asks))
            elif self.settled.pop(asks, None) is not None:
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
        return min(row.log_time for row in self.open[key].values())

    def take_changes(self) -> dict[bytes, bytes | None]:
        """The entries written since the last call; None where one is gone."""
        changes = {name: self._entry(name) for name in self.changed}
        self.changed.clear()
        return changes

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Every entry."""
        for child, time in self.settled.items():
            yield _SETTLED + pack_key(child), time.to_bytes(7, "big")
        for key in self.open:
            yield event_name(key), self._pack_rows(key)

    def _entry(self, name: bytes) -> bytes | None:
        if name[:1] == _SETTLED:
            time = self.settled.get(unpack_key(name[1:]))
            return None if time is None else time.to_bytes(7, "big")
        key = event_key(name)
        return self._pack_rows(key) if key in self.open else None

    def _pack_rows(self, key: Key) -> bytes:
        logged = self.log_time(key)
        rows = [_pack_row(asks, told_by, row, logged) for (asks, told_by, _), row in self.open[key].items()]
        rows.sort()
        return logged.to_bytes(7, "big") + b"".join(rows)

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


def _pack_row(asks: str, told_by: str, row: Row, logged: int) -> bytes:
    packed = pack_key(asks)
    told, payload, log_time = row
    if asks == told_by and not payload and log_time == logged:
        return bytes((told, len(packed))) + packed
    flags = told | (_PASSED_ON if asks != told_by else 0) | (_HAS_PAYLOAD if payload else 0) | (_LOGGED_LATER if log_time != logged else 0)
    out = bytes((flags, len(packed))) + packed
    if asks != told_by:
        source = pack_key(told_by)
        out += bytes((len(source),)) + source
    if log_time != logged:
        out += log_time.to_bytes(7, "big")
    return out + (len(payload).to_bytes(2, "big") + payload if payload else b"")


def unpack_content(entries: Mapping[bytes, bytes]) -> Content | None:
    """The content of its entries; None where there are none (the alerts' memory is no content)."""
    content = Content()
    for name, entry in entries.items():
        if name[:1] == _SETTLED:
            content.settled[unpack_key(name[1:])] = int.from_bytes(entry, "big")
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
    at = 7
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
        payload = b""
        if flags & _HAS_PAYLOAD:
            length = int.from_bytes(entry[at : at + 2], "big")
            at += 2 + length
            payload = entry[at - length : at]
        told = Told(flags & 0x0F)
        rows[asks, told_by, told in JOINS] = Row(told, payload, row_logged)
    return rows

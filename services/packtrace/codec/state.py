"""Packed state: one encoding of what an item is, a function of its events and not of their arrival.

Layout: version, flags, then the present, the settled base where it is another, the window's events, what other items told.
Texts are length-prefixed UTF-8, times 7 bytes (microseconds), places 6 bytes (GLN) or text. What the present has in common
with an event of the window is not written twice. Only what later folds look at is kept of an event's context.

The digest of a partition counts a packed item and those of its content entries that are ``counted``: the memory of alerts told
(versions, withdrawn ones) follows from the order of arrival, as the alerts topic does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from packtrace.codec.packed_event import Reader, pack_event, pack_text, read_event
from packtrace.codec.packed_state import NO_ORIGIN, pack_conclusions, pack_state, read_conclusions, read_state
from packtrace.domain.content import MEMORY, of_open_event, unpack_content
from packtrace.domain.dates import HOUR
from packtrace.domain.item import Base, Item
from packtrace.domain.judge import newest
from packtrace.domain.memory import pack_memory, unpack_memory
from packtrace.domain.order import Key
from packtrace.domain.vocabulary import Custody, FactType, Kind, Status
from packtrace.errors import RefusedError

VERSION: Final = 1

_HAS_BASE, _IS_BASE, _HAS_WINDOW, _HAS_TOLD, _HAS_HOURS = 1, 2, 4, 8, 16
USUAL_HOURS: Final = 72
ONE_EVENT: Final = 0x81
"""The last byte of a ``head`` that one event follows."""


def pack(item: Item) -> bytes:
    """The canonical bytes of ``item``, without its content and its memory of alerts (``content_of``)."""
    window, rows = item.window, item.row_bytes
    if len(rows) > len(window):
        rows.clear()
    for event in window[len(rows) :]:
        rows.append(pack_event(event))
    return b"".join((head(item), *rows, _pack_told(item.told) if item.told else b""))


def head(item: Item) -> bytes:
    """What ``pack`` writes before the window's events: what it is now, what has settled, how many events follow."""
    base, window, told = item.base, item.window, item.told
    flags = (_HAS_WINDOW if window else 0) | (_HAS_TOLD if told else 0)
    if base is not None and not window and not told:
        flags |= _HAS_BASE | _IS_BASE
        out = _pack_base(base)
    else:
        out = pack_state(item.now, window)
        if base is not None:
            flags |= _HAS_BASE
            out += _pack_base(base)
    if item.window_hours != USUAL_HOURS:
        flags |= _HAS_HOURS
        out += item.window_hours.to_bytes(2, "big")
    if window:
        out += len(window).to_bytes(2, "big") if len(window) > 127 else bytes((len(window) | 0x80,))
    return bytes((VERSION, flags)) + out


def unpack(key: str, packed: bytes, content: Mapping[bytes, bytes]) -> Item:
    """The item of ``pack`` and ``content_of``.

    Raises:
        RefusedError: packed by a newer version.
    """
    if packed[0] != VERSION:
        raise RefusedError(f"item {key} is packed in layout {packed[0]}: this version of packtrace reads {VERSION}; upgrade it")
    item = Item(key)
    flags = packed[1]
    reader = Reader(packed, 2)
    state_at = reader.at
    if flags & _IS_BASE:
        item.base = _read_base(reader)
        item.now = item.base.state.copy()
    else:
        # the present refers to events of the window, which come later: skip it first
        read_state(reader, ())
        if flags & _HAS_BASE:
            item.base = _read_base(reader)
    if flags & _HAS_HOURS:
        item.window_hours = reader.number(2)
    if flags & _HAS_WINDOW:
        count = packed[reader.at]
        count = reader.number(1) & 0x7F if count & 0x80 else reader.number(2)
        item.window = [read_event(reader) for _ in range(count)]
        item.correcting = any(event.context.kind is Kind.CORRECT for event in item.window)
    if flags & _HAS_TOLD:
        item.told = _read_told(reader)
    if not flags & _IS_BASE:
        item.now = read_state(Reader(packed, state_at), item.window)
    item.content = unpack_content(content)
    item.alerts = unpack_memory(content.get(MEMORY))
    item.last = newest(item)
    item.settles_at = _settles_at(item)
    return item


def in_transit(packed: bytes) -> bool:
    """Whether the present of a packed item is on its way."""
    return packed[2] >> 2 & 3 == Custody.IN_TRANSIT


def settles_from(packed: bytes, entries: Mapping[bytes, bytes] | None, logged: int) -> int | None:
    """The deadline of a packed item that is not overdue, or a time before it, at a fifth of what ``unpack`` costs.

    None: nothing is open. 0: that takes ``unpack``.

    Args:
        logged: when the first event or fact that may be open was logged; 0: it is not known of any.
    """
    if packed[0] != VERSION:
        return 0
    flags = packed[1]
    told = entries.get(MEMORY) if entries else None
    due = min((one.due for one in unpack_memory(told).values() if one.status is Status.PROVISIONAL), default=None)
    if not flags & (_HAS_WINDOW | _HAS_TOLD) and not (entries and any(map(of_open_event, entries))):
        return due
    if not logged or flags & _HAS_HOURS:
        return 0
    settles = logged + USUAL_HOURS * HOUR
    return settles if due is None else min(settles, due)


def content_of(item: Item) -> dict[bytes, bytes]:
    """Every content entry of ``item``, the memory of its alerts among them."""
    entries = {} if item.content is None else dict(item.content.entries())
    memory = pack_memory(item.alerts.values())
    if memory is not None:
        entries[MEMORY] = memory
    return entries


def counted(name: bytes) -> bool:
    """Whether a content entry counts for the digest."""
    return name != MEMORY


def _settles_at(item: Item) -> int | None:
    """A lower bound of when the item settles, and the time itself but for repeats and exchanged neighbours."""
    # not the first alone: a repeat may stand before what is judged first, and corrections go when their own time is up
    logged = [event.log_time for event in item.window]
    logged += [log_time for facts in item.told.values() for _, log_time in facts.values()]
    if item.content is not None and item.content.open:
        logged.append(item.content.log_time(min(item.content.open)))
    return min(logged) + item.window_hours * HOUR if logged else None


def _pack_base(base: Base) -> bytes:
    time, rank, id = base.last
    parts = [pack_state(base.state, ()), bytes((rank, base.last_change, len(base.kinds)))]
    for kind in sorted(base.kinds):
        when, mark = base.kinds[kind]
        same = when == time
        parts.append(bytes((kind | (0x80 if same else 0),)) + (b"" if same else when.to_bytes(7, "big")) + mark.to_bytes(4, "big"))
    parts.append(time.to_bytes(7, "big") + pack_text(id))
    parts.append(pack_conclusions(base.conclusions))
    return b"".join(parts)


def _read_base(reader: Reader) -> Base:
    state = read_state(reader, ())
    rank, last_change, count = reader.number(1), reader.number(1), reader.number(1)
    kinds: dict[int, tuple[int | None, int]] = {}
    for _ in range(count):
        kind = reader.number(1)
        when = None if kind & 0x80 else reader.number(7)
        kinds[kind & 0x7F] = (when, reader.number(4))
    time = reader.number(7)
    base = Base(state, (time, rank, reader.text()))
    base.last_change = last_change
    base.kinds = {kind: (time if when is None else when, mark) for kind, (when, mark) in kinds.items()}
    base.conclusions = read_conclusions(reader)
    return base


def _pack_told(told: Mapping[Key, Mapping[tuple[FactType, str], tuple[bytes, int]]]) -> bytes:
    rows = [(key, type, source) for key, facts in told.items() for type, source in facts]
    parts = [len(rows).to_bytes(2, "big")]
    for key, type, source in sorted(rows):
        payload, log_time = told[key][type, source]
        time, rank, id = key
        parts += [time.to_bytes(7, "big"), bytes((rank, type)), pack_text(id), pack_text(source), log_time.to_bytes(7, "big")]
        parts += [len(payload).to_bytes(2, "big"), payload]
    return b"".join(parts)


def _read_told(reader: Reader) -> dict[Key, dict[tuple[FactType, str], tuple[bytes, int]]]:
    told: dict[Key, dict[tuple[FactType, str], tuple[bytes, int]]] = {}
    for _ in range(reader.number(2)):
        time, rank, type = reader.number(7), reader.number(1), FactType(reader.number(1))
        id, source, log_time = reader.text(), reader.text(), reader.number(7)
        told.setdefault((time, rank, id), {})[type, source] = (reader.take(reader.number(2)), log_time)
    return told


__all__ = ["NO_ORIGIN", "ONE_EVENT", "USUAL_HOURS", "VERSION", "content_of", "counted", "in_transit", "pack", "settles_from", "unpack"]

"""The axes of one moment, and settled conclusions, in a packed item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from packtrace.codec.packed_event import Reader, pack_date, pack_gln, pack_item_key, pack_text, read_date, read_gln
from packtrace.domain.alert import Conclusion
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.place import NOWHERE, Side
from packtrace.domain.state import NEVER, Moment, State
from packtrace.domain.vocabulary import Custody, Kind, Life, Reason, Role

_LIFE: Final = tuple(Life)
_REASON: Final = tuple(Reason)
_CUSTODY: Final = tuple(Custody)
NO_ORIGIN: Final = 0xFF

_LOT, _EXPIRY, _COMMISSIONED, _PARENT, _INACTIVE, _SIDE, _LEFT, _MORE = (1 << n for n in range(8))
_HOLDS, _EMPTIED, _SOLD, _RECALLED, _TO, _FROM_COMMISSION, _FROM_PACK, _SHIPPED = (1 << n for n in range(8))

_PARTIAL, _SIGHTED, _SEEN, _VERIFIED, _SENT, _GOT, _NAMING, _USE = (1 << n for n in range(8))
_EXPLICIT, _OF_WINDOW, _AS_CUSTODY = range(3)
"""How a moment of the trail is written: in full, as the window's last event with a place, as where custody stands."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Conclusion])


def _commission_of(window: Sequence[OwnEvent]) -> OwnEvent | None:
    for event in window:
        if event.context.kind is Kind.COMMISSION and event.role is not Role.INPUT:
            return event
    return None


def _pack_of(window: Sequence[OwnEvent]) -> OwnEvent | None:
    for event in reversed(window):
        if event.context.kind is Kind.PACK and event.role is Role.CHILD:
            return event
    return None


def pack_state(state: State, window: Sequence[OwnEvent]) -> bytes:
    """The bytes of ``state``; what the first commission or the last pack of ``window`` says is left to it."""
    first = state.life | state.custody << 2 | state.reason << 4
    mask = more = 0
    out = b""
    born = _commission_of(window) if window and state.commissioned != NEVER else None
    if born is not None and (state.commissioned, state.lot, state.expiry) == (born.time, born.context.lot, born.context.expiry):
        more |= _FROM_COMMISSION
    else:
        if state.lot:
            mask |= _LOT
            out += pack_text(state.lot)
        if state.expiry:
            mask |= _EXPIRY
            out += pack_date(state.expiry)
        if state.commissioned != NEVER:
            mask |= _COMMISSIONED
            out += state.commissioned.to_bytes(7, "big")
    if state.parent or state.packed != NEVER:
        packed = _pack_of(window) if window else None
        if packed is not None and (state.packed, state.parent) == (packed.time, packed.other):
            more |= _FROM_PACK
        else:
            mask |= _PARENT
            out += state.packed.to_bytes(7, "big", signed=True) + pack_item_key(state.parent)
    if state.life is Life.INACTIVE:
        mask |= _INACTIVE
        out += state.inactive.to_bytes(7, "big") + _pack_side(state.inactive_side) + (state.inactive_zone + 900).to_bytes(2, "big")
    if state.side != NOWHERE or state.since:
        mask |= _SIDE
        out += _pack_side(state.side) + state.since.to_bytes(7, "big")
    if state.left:
        mask |= _LEFT
        out += bytes((len(state.left),)) + b"".join(time.to_bytes(7, "big") + pack_item_key(parent) for time, parent in state.left)
    rare, rest = _pack_rare(state)
    more |= rare
    trail = _pack_trail(state, window)
    if more:
        mask |= _MORE
        return bytes((first, mask, more)) + out + rest + trail
    return bytes((first, mask)) + out + trail


def _pack_rare(state: State) -> tuple[int, bytes]:
    more, out = 0, b""
    if state.holds:
        more |= _HOLDS
        out += bytes((len(state.holds),)) + b"".join(map(pack_text, state.holds))
    if state.emptied is not None:
        more |= _EMPTIED
        time, rank, id = state.emptied
        out += time.to_bytes(7, "big") + bytes((rank,)) + pack_text(id)
    if state.sold_to != NOWHERE:
        more |= _SOLD
        out += _pack_side(state.sold_to)
    if state.inactive_recalled:
        more |= _RECALLED
    if state.to != NOWHERE:
        more |= _TO
        out += _pack_side(state.to)
    if state.shipped_log:
        more |= _SHIPPED
        out += state.shipped_log.to_bytes(7, "big") + pack_text(state.shipped_id)
    return more, out


def _pack_trail(state: State, window: Sequence[OwnEvent]) -> bytes:
    """One byte says what there is; sighting, ship, receive and naming mostly are an event of the window, or custody's place."""
    if not (state.partial or state.sighted or state.seen or state.verified or state.shipped or state.received or state.naming or state.use):
        return b"\0"
    mask, how, out = 0, 0, b""
    latest = _latest(window)
    for n, (bit, moment) in enumerate(((_SIGHTED, state.sighted), (_SENT, state.shipped), (_GOT, state.received), (_NAMING, state.naming))):
        if moment is None:
            continue
        mask |= bit
        if latest is not None and moment == (_sighting(latest) if bit == _SIGHTED else _moment(latest)):
            how |= _OF_WINDOW << 2 * n
        elif bit != _SIGHTED and moment == (state.since, *state.side):
            how |= _AS_CUSTODY << 2 * n
        else:
            time, place, third = moment
            out += time.to_bytes(7, "big")
            out += pack_gln(place) + pack_text(third) if bit == _SIGHTED else _pack_side(Side(place, third))
    if state.seen:
        mask |= _SEEN
        out += bytes((len(state.seen),)) + b"".join(time.to_bytes(7, "big") + _pack_side(Side(*side)) for time, *side in state.seen)
    if state.verified:
        mask |= _VERIFIED
        out += bytes((len(state.verified),)) + b"".join(time.to_bytes(7, "big") for time in state.verified)
    if state.use is not None:
        mask |= _USE
        out += b"".join(time.to_bytes(7, "big", signed=True) for time in state.use)
    return bytes((mask | (_PARTIAL if state.partial else 0), how)) + out


def _latest(window: Sequence[OwnEvent]) -> OwnEvent | None:
    """The last event of the window that says where it happened."""
    for event in reversed(window):
        if event.context.place or event.context.read_point:
            return event
    return None


def _moment(event: OwnEvent) -> Moment:
    return event.time, event.context.place or event.context.read_point, event.context.party


def _sighting(event: OwnEvent) -> tuple[int, str, str]:
    return event.time, event.context.place or event.context.read_point, event.context.device


def _read_trail(reader: Reader, state: State, window: Sequence[OwnEvent]) -> None:
    mask = reader.number(1)
    if not mask:
        return
    how = reader.number(1)
    state.partial = bool(mask & _PARTIAL)
    latest = _latest(window)
    found: list[tuple[int, str, str] | None] = []
    for n, bit in enumerate((_SIGHTED, _SENT, _GOT, _NAMING)):
        written = how >> 2 * n & 3
        if not mask & bit:
            found.append(None)
        elif written == _OF_WINDOW:
            found.append(None if latest is None else _sighting(latest) if bit == _SIGHTED else _moment(latest))
        elif written == _AS_CUSTODY:
            found.append((state.since, *state.side))
        else:
            time = reader.number(7)
            found.append((time, read_gln(reader), reader.text()) if bit == _SIGHTED else (time, *_read_side(reader)))
    state.sighted, state.shipped, state.received, state.naming = found
    if mask & _SEEN:
        state.seen = tuple((reader.number(7), *_read_side(reader)) for _ in range(reader.number(1)))
    if mask & _VERIFIED:
        state.verified = tuple(reader.number(7) for _ in range(reader.number(1)))
    if mask & _USE:
        received, empty = (int.from_bytes(reader.take(7), "big", signed=True) for _ in range(2))
        state.use = received, empty


def read_state(reader: Reader, window: Sequence[OwnEvent]) -> State:
    """The inverse of ``pack_state``; with no window what was left to it stays unset."""
    state = State()
    first, mask = reader.number(1), reader.number(1)
    more = reader.number(1) if mask & _MORE else 0
    state.life, state.custody, state.reason = _LIFE[first & 3], _CUSTODY[first >> 2 & 3], _REASON[first >> 4]
    if mask & _LOT:
        state.lot = reader.text()
    if mask & _EXPIRY:
        state.expiry = read_date(reader)
    if mask & _COMMISSIONED:
        state.commissioned = reader.number(7)
    if mask & _PARENT:
        state.packed = int.from_bytes(reader.take(7), "big", signed=True)
        state.parent = reader.key()
    if mask & _INACTIVE:
        state.inactive = reader.number(7)
        state.inactive_side = _read_side(reader)
        state.inactive_zone = reader.number(2) - 900
    if mask & _SIDE:
        state.side = _read_side(reader)
        state.since = reader.number(7)
    if mask & _LEFT:
        state.left = tuple((reader.number(7), reader.key()) for _ in range(reader.number(1)))
    _read_rare(reader, more, state)
    born = _commission_of(window) if more & _FROM_COMMISSION else None
    if born is not None:
        state.commissioned, state.lot, state.expiry = born.time, born.context.lot, born.context.expiry
    packed = _pack_of(window) if more & _FROM_PACK else None
    if packed is not None:
        state.packed, state.parent = packed.time, packed.other
    _read_trail(reader, state, window)
    return state


def _read_rare(reader: Reader, more: int, state: State) -> None:
    if more & _HOLDS:
        state.holds = tuple(reader.text() for _ in range(reader.number(1)))
    if more & _EMPTIED:
        state.emptied = (reader.number(7), reader.number(1), reader.text())
    if more & _SOLD:
        state.sold_to = _read_side(reader)
    state.inactive_recalled = bool(more & _RECALLED)
    if more & _TO:
        state.to = _read_side(reader)
    if more & _SHIPPED:
        state.shipped_log = reader.number(7)
        state.shipped_id = reader.text()


def _pack_side(side: Side) -> bytes:
    flags = (
        (1 if side.place else 0)
        | (2 if side.party and side.party != side.place else 0)
        | (4 if side.party and side.party == side.place else 0)
    )
    return bytes((flags,)) + (pack_gln(side.place) if side.place else b"") + (pack_gln(side.party) if flags & 2 else b"")


def _read_side(reader: Reader) -> Side:
    flags = reader.number(1)
    place = read_gln(reader) if flags & 1 else ""
    return Side(place, read_gln(reader) if flags & 2 else place if flags & 4 else "")


def pack_conclusions(conclusions: Mapping[str, Conclusion]) -> bytes:
    """Length and msgpack, by id."""
    if not conclusions:
        return b"\0\0\0"
    packed = _encoder.encode([conclusions[id] for id in sorted(conclusions)])
    return len(packed).to_bytes(3, "big") + packed


def read_conclusions(reader: Reader) -> dict[str, Conclusion]:
    """The inverse of ``pack_conclusions``."""
    length = reader.number(3)
    return {one.id: one for one in _decoder.decode(reader.take(length))} if length else {}

"""An own event of a packed window: what later folds look at, and no more.

Head: role and flags, kind, time (7), log time as milliseconds after it (varint), marks (8 each), id; then the parent or first
child, the children's count and mark, and the context, whose bytes are made once per context and not once per event.
"""

from __future__ import annotations

from typing import Final

import msgspec

from packtrace.domain.own_event import Context, OwnEvent
from packtrace.domain.packed_key import pack_key, unpack_key
from packtrace.domain.vocabulary import Kind, Role

_MEMO_ENTRIES_MAX: Final = 16_384
_context_bytes: dict[int, tuple[Context, bytes]] = {}
_contexts: dict[bytes, Context] = {}

_OTHER, _CHILDREN, _MESSAGE, _WHOLE_LOG_TIME, _ID_OF_LINE = 0x08, 0x10, 0x20, 0x40, 0x80
_ROLES: Final = {int(role): role for role in Role}
_KINDS: Final = {int(kind): kind for kind in Kind}

RETURNED: Final = frozenset(
    {"returned", "recalled", "expired", "damaged", "needs_replacement", "non_sellable_other", "disposed", "destroyed"}
)
"""Dispositions a rule asks for (rules.md 5, returned, quarantined and destroyed goods)."""


class Reader:
    """A place in packed bytes."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def number(self, length: int) -> int:
        at = self.at
        self.at = at + length
        return int.from_bytes(self.data[at : at + length], "big")

    def take(self, length: int) -> bytes:
        at = self.at
        self.at = at + length
        return self.data[at : at + length]

    def text(self) -> str:
        length = self.number(1)
        if length == 255:
            length = self.number(2)
        return self.take(length).decode()

    def key(self) -> str:
        return unpack_key(self.take(self.number(1)))

    def varint(self) -> int:
        """Zigzag, 7 bits a byte, low first."""
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value >> 1 if not value & 1 else -(value >> 1) - 1
            shift += 7


def pack_text(text: str) -> bytes:
    """Length (1 byte, or 255 and 2 bytes) and UTF-8."""
    data = text.encode()
    if len(data) < 255:
        return bytes((len(data),)) + data
    return b"\xff" + len(data).to_bytes(2, "big") + data


def pack_item_key(key: str) -> bytes:
    packed = pack_key(key)
    return bytes((len(packed),)) + packed


def pack_varint(value: int) -> bytes:
    """The inverse of ``Reader.varint``."""
    value = value << 1 if value >= 0 else ((-value) << 1) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_last_packed: list[tuple[OwnEvent | None, bytes]] = [(None, b"")]
"""The items of one event follow one another, and share it."""


def pack_event(event: OwnEvent) -> bytes:
    """The bytes of one event."""
    last, packed = _last_packed[0]
    if last is not event:
        packed = _pack_event(event)
        _last_packed[0] = (event, packed)
    return packed


def _pack_event(event: OwnEvent) -> bytes:
    id, time, log_time, role, context, mark, message_mark, other, children_count, children_mark = msgspec.structs.astuple(event)
    flags = int(role)
    line = context.line
    if line and id.startswith(line) and id[len(line) : len(line) + 1] == "/":
        flags |= _ID_OF_LINE
        id = id[len(line) + 1 :]
    tail = b""
    if other:
        flags |= _OTHER
        tail = pack_item_key(other)
    if children_count or children_mark:
        flags |= _CHILDREN
        tail += children_count.to_bytes(3, "big") + children_mark.to_bytes(8, "big")
    if message_mark:
        flags |= _MESSAGE
        tail += message_mark.to_bytes(8, "big")
    apart = log_time - time
    if apart % 1000:
        flags |= _WHOLE_LOG_TIME
        logged = log_time.to_bytes(7, "big")
    else:
        logged = pack_varint(apart // 1000)
    return b"%c%b%b%b%b%b%b" % (
        flags, time.to_bytes(7, "big"), mark.to_bytes(8, "big"), logged, pack_text(id), tail, context_bytes(context),
    )  # fmt: skip


def read_event(reader: Reader) -> OwnEvent:
    """The inverse of ``pack_event``."""
    flags = reader.number(1)
    time, mark = reader.number(7), reader.number(8)
    log_time = reader.number(7) if flags & _WHOLE_LOG_TIME else time + reader.varint() * 1000
    id = reader.text()
    other = reader.key() if flags & _OTHER else ""
    count, children = (reader.number(3), reader.number(8)) if flags & _CHILDREN else (0, 0)
    message = reader.number(8) if flags & _MESSAGE else 0
    context = read_context(reader)
    if flags & _ID_OF_LINE:
        id = f"{context.line}/{id}"
    return OwnEvent(id, time, log_time, _ROLES[flags & 7], context, mark, message, other, count, children)


# --- contexts

(
    _PLACE, _PARTY, _LOT, _EXPIRY, _LINE, _DEVICE, _REASON, _TO_PARTY, _TO_PLACE, _ZONE, _PARTIAL, _DISPOSITION, _RMA, _CORRECTS,
    _FROM_PARTY, _PARTY_IS_PLACE,
) = (1 << n for n in range(16))  # fmt: skip


def context_bytes(context: Context) -> bytes:
    """The bytes of what folds look at; made once per context."""
    known = _context_bytes.get(id(context))
    if known is not None and known[0] is context:
        return known[1]
    packed = _pack_context(context)
    if len(_context_bytes) >= _MEMO_ENTRIES_MAX:
        _context_bytes.clear()
    _context_bytes[id(context)] = (context, packed)
    return packed


def _pack_context(c: Context) -> bytes:
    place = c.place or c.read_point
    same = bool(c.party) and c.party == place
    rma = any(type == "rma" for type, _ in c.transactions)
    # fmt: off
    fields = (
        (_PLACE,          place,                                     pack_gln),
        (_PARTY,          "" if same else c.party,                   pack_gln),
        (_LOT,            c.lot,                                     pack_text),
        (_EXPIRY,         c.expiry,                                  pack_date),
        (_LINE,           c.line,                                    pack_text),
        (_DEVICE,         c.device,                                  pack_text),
        (_REASON,         c.reason,                                  pack_text),
        (_TO_PARTY,       c.destination_party,                       pack_gln),
        (_TO_PLACE,       c.destination_place,                       pack_gln),
        (_DISPOSITION,    c.disposition if c.disposition in RETURNED else "", pack_text),
        (_FROM_PARTY,     c.source_party,                            pack_gln),
    )
    # fmt: on
    mask = (_PARTIAL if c.partial else 0) | (_RMA if rma else 0) | (_PARTY_IS_PLACE if same else 0)
    out = b""
    for bit, value, packed in fields:
        if value:
            mask |= bit
            out += packed(value)  # type: ignore[arg-type]
    if c.zone_minutes is not None:
        mask |= _ZONE
        out += (c.zone_minutes + 900).to_bytes(2, "big")
    if c.corrects or c.correction_reason:
        mask |= _CORRECTS
        out += pack_text(c.correction_reason) + len(c.corrects).to_bytes(2, "big") + b"".join(map(pack_text, c.corrects))
    return bytes((c.kind,)) + mask.to_bytes(2, "big") + out


def read_context(reader: Reader) -> Context:
    """The inverse of ``context_bytes``; equal bytes give one object."""
    start = reader.at
    kind, mask = _KINDS[reader.number(1)], reader.number(2)
    place = read_gln(reader) if mask & _PLACE else ""
    party = read_gln(reader) if mask & _PARTY else place if mask & _PARTY_IS_PLACE else ""
    lot = reader.text() if mask & _LOT else ""
    expiry = read_date(reader) if mask & _EXPIRY else 0
    line, device, reason = (reader.text() if mask & bit else "" for bit in (_LINE, _DEVICE, _REASON))
    to_party, to_place = (read_gln(reader) if mask & bit else "" for bit in (_TO_PARTY, _TO_PLACE))
    disposition = reader.text() if mask & _DISPOSITION else ""
    from_party = read_gln(reader) if mask & _FROM_PARTY else ""
    zone = reader.number(2) - 900 if mask & _ZONE else None
    correction_reason, corrects = "", ()
    if mask & _CORRECTS:
        correction_reason = reader.text()
        corrects = tuple(reader.text() for _ in range(reader.number(2)))  # type: ignore[assignment]
    packed = reader.data[start : reader.at]
    known = _contexts.get(packed)
    if known is not None:
        return known
    if len(_contexts) >= _MEMO_ENTRIES_MAX:
        _contexts.clear()
    context = _contexts[packed] = Context(
        type="", kind=kind, disposition=disposition, place=place, party=party, source_party=from_party, destination_party=to_party,
        destination_place=to_place, lot=lot, expiry=expiry, line=line, device=device, reason=reason, partial=bool(mask & _PARTIAL),
        zone_minutes=zone, transactions=(("rma", ""),) if mask & _RMA else (), corrects=corrects, correction_reason=correction_reason,
    )  # fmt: skip
    return context


def pack_gln(gln: str) -> bytes:
    """13 digits in 6 bytes whose first is below 0x80; else 0x80, length, text."""
    if len(gln) == 13:
        return int(gln).to_bytes(6, "big")
    return b"\x80" + pack_text(gln)


def read_gln(reader: Reader) -> str:
    """The inverse of ``pack_gln``."""
    if reader.data[reader.at] == 0x80:
        reader.at += 1
        return reader.text()
    return f"{reader.number(6):013d}"


def pack_date(date: int) -> bytes:
    """YYYYMMDD in 2 bytes for 2000 to 2079, else 4."""
    year, month, day = date // 10_000 - 2000, date // 100 % 100, date % 100
    if 0 <= year < 80:
        return ((year * 12 + month - 1) * 32 + day).to_bytes(2, "big")
    return (0x80000000 | date).to_bytes(4, "big")


def read_date(reader: Reader) -> int:
    """The inverse of ``pack_date``."""
    if reader.data[reader.at] & 0x80:
        return reader.number(4) & 0x7FFFFFFF
    code = reader.number(2)
    months, day = divmod(code, 32)
    return (2000 + months // 12) * 10_000 + (months % 12 + 1) * 100 + day

"""The short way from an event that is alike another to the record of it: what the two have in common is judged once.

5,000 events that differ in their id, their time and their items cost 12 us each and not 120. Held equal to ``mapping.mapped`` by
a property test; whatever is not plain answers nothing here and takes that way. One of these per document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from packtrace.codec import event_avro
from packtrace.codec.epcis.alike import Alike, Kind
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.fields import EPC_LISTS
from packtrace.codec.epcis.hashing import prehash_of
from packtrace.codec.epcis.mapping import mapped
from packtrace.codec.epcis.original import ORIGINAL_BYTES_MAX, Original, ambiguous, spelling_of
from packtrace.codec.event_check import AHEAD_MAX, expiry_needs_time, shared
from packtrace.codec.event_hash import Version, hashed_time
from packtrace.codec.event_shape import EPCS_MAX
from packtrace.codec.identifiers import plain_item
from packtrace.codec.vocabulary_words import TEXT_CHARACTERS_MAX
from packtrace.domain.dates import read_time
from packtrace.domain.event import Event
from packtrace.errors import RejectedError

_TYPES: Final = frozenset({"ObjectEvent", "AggregationEvent"})
_MARKS: Final = {name: f"\x00{name}\x00" for name in ("event_time", "event_id", "epcs", "parent", "children")}
"""Stand where the varying texts will."""
_HASHED: Final = ("event_time", "epcs", "parent", "children")
"""In the order of CBV."""
_HASHED_BY: Final = f"?ver={Version.CBV_2_0}"
_AROUND_ONE_LIST: Final = 3
"""Texts around the time and one list of items."""
_HASHED_CHARACTERS: Final = len("2026-11-22T10:00:00.000Z")
_ANY_ID: Final = "ni:///sha-256;"
_SGTIN: Final = "urn:epc:id:sgtin:"
_encode = msgspec.json.Encoder(order=None).encode


class Ready(NamedTuple):
    """An event that may be published.

    Args:
        like: the event of packtrace without its id, time and items.
        body: the record, as Avro.
    """

    id: str
    like: Event
    body: bytes


_Stated = tuple[Kind, bool, bool, bool, bool]
"""A kind, and which of the fields an event of it has that it need not have."""


class _Way(NamedTuple):
    """What events of one kind with the same fields share.

    Args:
        middle: of the Avro record.
        hashed: the text that is hashed, around what varies; empty where the events state their ids.
        marked: the neutral event with marks, of which ``cuts`` are made.
        cuts: how the items are spelled -> the original's text around what varies; None where that cannot be told.
        by_opening: the same by the opening of the one item an event names.
    """

    like: Event
    middle: bytes
    hashed: tuple[str, ...]
    marked: EpcisEvent
    cuts: dict[tuple[str, tuple[str, ...]], tuple[bytes, ...] | None]
    by_opening: dict[str, tuple[bytes, ...] | None]


class Repeated:
    """See the module.

    Args:
        document: as for ``mapped``.
    """

    def __init__(self, document: Document | None) -> None:
        self._document = document
        self._ways: dict[_Stated, _Way | None] = {}

    def ready(self, one: Alike, log_time: int | None = None) -> Ready | None:
        """The record that ``mapping.mapped`` would make of it; None: ask there."""
        stated = (one.kind, not one.event_id, not one.epcs, not one.parent, not one.children)
        try:
            way = self._ways[stated]
        except KeyError:
            try:
                way = self._ways[stated] = self._way(one.event())
            except RejectedError:
                return None
        try:
            keys = None if way is None else _keys(one)
            time = read_time(one.event_time)
        except RejectedError:
            return None
        if way is None or keys is None or (log_time is not None and time > log_time + AHEAD_MAX):
            return None
        texts = one.epcs or one.children
        cut = self._cut(way, texts)
        id = one.event_id or _hash(way.hashed, time, one, keys)
        if cut is None or len(id) > TEXT_CHARACTERS_MAX or '"' in id or "\\" in id:
            return None
        written = id.encode()
        parts = (cut[0], one.event_time.encode(), cut[1], written, cut[2])
        epcis = b"".join((*parts, one.parent.encode(), cut[3]) if one.parent else parts)
        if len(epcis) > ORIGINAL_BYTES_MAX:
            return None
        return Ready(id, way.like, event_avro.encode_scan(written, time, one.epcs, one.parent, one.children, way.middle, epcis))

    def _way(self, epcis: EpcisEvent) -> _Way | None:
        """Raises RejectedError: it is wrong, which another of its kind need not be."""
        if epcis.type not in _TYPES or not epcis.zone or epcis.record_time or (epcis.epcs and epcis.children):
            return None
        # an id that is computed is always one that may be stated
        done = mapped(epcis if epcis.event_id else msgspec.structs.replace(epcis, event_id=_ANY_ID), self._document)
        raw = done.raw
        told = any(getattr(raw, field) != getattr(epcis, field) for field in (*EPC_LISTS.values(), "parent"))
        changed = done.epcis != msgspec.structs.replace(epcis, event_id=done.epcis.event_id)
        if done.remarks or told or changed or raw.sequence is not None or raw.correction or raw.lots or expiry_needs_time(raw):
            return None
        plain = msgspec.structs.replace(raw, epcis=None)
        lists = {name: (_MARKS[name],) for name in ("epcs", "children") if getattr(epcis, name)}
        marked = msgspec.structs.replace(
            epcis, event_time=_MARKS["event_time"], event_id=_MARKS["event_id"], parent=_MARKS["parent"] if epcis.parent else "", **lists
        )
        cut: tuple[str, ...] = ()
        if not epcis.event_id:
            written = (
                prehash_of(marked).replace(f"epc={_MARKS['epcs']}", _MARKS["epcs"]).replace(f"epc={_MARKS['children']}", _MARKS["children"])
            )
            found = _around(written, [_MARKS[name] for name in _HASHED if getattr(epcis, name)])
            if found is None:
                return None
            cut = found
        return _Way(shared(plain), event_avro.middle_of(plain), cut, marked, {}, {})

    def _cut(self, way: _Way, texts: Sequence[str]) -> tuple[bytes, ...] | None:
        """The original around time, id and parent, for items spelled as these; None where they cannot be left out."""
        if len(texts) == 1 and texts[0].startswith(_SGTIN):
            opening = texts[0][:32]
            if opening not in way.by_opening:
                way.by_opening[opening] = self._cut_for(way, texts)
            return way.by_opening[opening]
        return self._cut_for(way, texts)

    def _cut_for(self, way: _Way, texts: Sequence[str]) -> tuple[bytes, ...] | None:
        prefixes: set[str] = set()
        spelling = spelling_of(texts, prefixes) if texts else ""
        if (texts and not spelling) or ambiguous(prefixes):
            return None
        how = (spelling, tuple(sorted(prefixes)))
        if how not in way.cuts:
            event = msgspec.structs.replace(way.marked, epcs=(), children=())
            lists = {field: spelling for field in ("epcs", "children") if getattr(way.marked, field)}
            text = _encode(Original(event, lists, how[1], self._document)).decode()
            marks = [_encode(_MARKS[name]).decode()[1:-1] for name in ("event_time", "event_id", "parent") if getattr(event, name)]
            around = _around(text, marks)
            way.cuts[how] = None if around is None else tuple(one.encode() for one in around)
        return way.cuts[how]


def _around(text: str, marks: Iterable[str]) -> tuple[str, ...] | None:
    """``text`` around marks that stand in it in this order; None where they do not, or one stands twice."""
    out = []
    for mark in marks:
        if text.count(mark) != 1:
            return None
        before, _, text = text.partition(mark)
        out.append(before)
    return (*out, text)


def _keys(one: Alike) -> tuple[list[str], str, list[str]] | None:
    """Keys of its items; None where they, or what they are together, are not plain.

    Raises:
        RejectedError: one is wrong.
    """
    if len(one.epcs) == 1 and not one.parent and not one.children:
        text = one.epcs[0]
        key = plain_item(text) if text[:1] == "u" or text[:1] == "h" else ""
        return ([key], "", []) if key else None
    epcs, children = _plain(one.epcs), _plain(one.children)
    parent = _plain((one.parent,))[0] if one.parent else ""
    if "" in epcs or "" in children or (one.parent and not parent) or parent in children:
        return None
    if len(epcs) > 1 or children:
        several = epcs or children
        if len(set(several)) != len(several) or len(epcs) + len(children) + 1 > EPCS_MAX:
            return None
    return epcs, parent, children


def _plain(texts: Sequence[str]) -> list[str]:
    return [plain_item(text) if text[:1] == "u" or text[:1] == "h" else "" for text in texts]


def _hash(around: Sequence[str], time: int, one: Alike, keys: tuple[list[str], str, list[str]]) -> str:
    """The event id that ``hashing.hash_of`` would give."""
    epcs, parent, children = keys
    stated = one.event_time
    # most partners state it as it is hashed
    text = stated if len(stated) == _HASHED_CHARACTERS and stated[-1] == "Z" else hashed_time(time)
    if len(epcs) == 1 and len(around) == _AROUND_ONE_LIST:
        whole = f"{around[0]}{text}{around[1]}epc={_link(epcs[0])}{around[2]}"
    else:
        written = [around[0], text, around[1]]
        for number, items in enumerate(filter(None, (_links(epcs), _link(parent) if parent else "", _links(children))), 2):
            written += (items, around[number])
        whole = "".join(written)
    return f"ni:///sha-256;{hashlib.sha256(whole.encode()).hexdigest()}{_HASHED_BY}"


def _links(keys: Sequence[str]) -> str:
    if len(keys) == 1:
        return f"epc={_link(keys[0])}"
    return "".join(sorted([f"epc={_link(key)}" for key in keys]))


def _link(key: str) -> str:
    """The canonical link of an item whose serial is letters and digits."""
    return f"https://id.gs1.org/01/{key[2:16]}/21/{key[18:]}" if key[:2] == "01" else f"https://id.gs1.org/00/{key[2:]}"

"""The short way from neutral event to the event of packtrace, for what partners repeat: 5,000 events that differ in their
id, their time and their items are judged once for everything else.

Held equal to ``mapping.mapped`` by a property test; whatever is not plain takes that way. One of these per document.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.fields import EPC_LISTS
from packtrace.codec.epcis.mapping import Mapped, mapped
from packtrace.codec.epcis.original import Original, spelling_of, text_of
from packtrace.codec.event_check import check_varying, expiry_needs_time, shared
from packtrace.codec.identifiers import plain_item
from packtrace.codec.raw_event import RawEvent
from packtrace.domain.dates import read_time
from packtrace.domain.event import Event
from packtrace.errors import RejectedError

TEMPLATES_MAX: Final = 1_024
_MARKS: Final = ("\x00time\x00", "\x00id\x00", "\x00parent\x00")
"""Stand where the varying texts will; in the order of the fields."""
_TYPES: Final = frozenset({"ObjectEvent", "AggregationEvent"})
_encode = msgspec.json.Encoder(order=None).encode


class _Template(NamedTuple):
    """What events of one kind share: ``pieces`` of the original's text, by how its items are spelled."""

    raw: RawEvent
    shared: Event
    stripped: EpcisEvent
    pieces: dict[tuple[str, tuple[str, ...]], tuple[bytes, ...] | None]


class Repeated:
    """See the module.

    Args:
        document: as for ``mapped``.
    """

    def __init__(self, document: Document | None) -> None:
        self._document = document
        self._templates: dict[object, _Template | None] = {}

    def mapped(self, epcis: EpcisEvent, log_time: int | None = None) -> Mapped:
        """As ``mapping.mapped``, errors included."""
        if epcis.event_id and epcis.zone and epcis.type in _TYPES and not epcis.record_time:
            found = self._short(epcis, log_time)
            if found is not None:
                return found
        return mapped(epcis, self._document, log_time=log_time)

    def _short(self, epcis: EpcisEvent, log_time: int | None) -> Mapped | None:
        stripped = msgspec.structs.replace(epcis, event_id="", event_time="", epcs=(), parent="", children=())
        key = (stripped, bool(epcis.epcs), bool(epcis.parent), bool(epcis.children))
        if key not in self._templates:
            if len(self._templates) >= TEMPLATES_MAX:
                self._templates.clear()
            self._templates[key] = self._made(epcis, stripped)
        template = self._templates[key]
        if template is None:
            return None
        for text in (*epcis.epcs, *epcis.children, *([epcis.parent] if epcis.parent else ())):
            if text[:1] not in "hu" or not plain_item(text):
                return None
        prefixes: set[str] = set()
        texts = epcis.epcs or epcis.children
        spelling = spelling_of(texts, prefixes) if texts else ""
        if texts and not spelling:
            return None
        how = (spelling, tuple(sorted(prefixes)))
        if how not in template.pieces:
            template.pieces[how] = self._cut(template.stripped, epcis, *how)
        pieces = template.pieces[how]
        if pieces is None:
            return None
        try:
            time = read_time(epcis.event_time)
            parts = [pieces[0], _encode(epcis.event_time)[1:-1], pieces[1], _encode(epcis.event_id)[1:-1], pieces[2]]
            if epcis.parent:
                parts += [_encode(epcis.parent)[1:-1], pieces[3]]
            text = text_of(b"".join(parts))
            common = msgspec.structs.replace(template.shared, epcis=text)
            event = check_varying(common, epcis.event_id, time, None, epcis.epcs, epcis.parent, epcis.children, log_time=log_time)
        except (RejectedError, UnicodeEncodeError):
            return None  # the long way says what is wrong, and where
        raw = msgspec.structs.replace(
            template.raw, id=epcis.event_id, event_time=time, epcs=epcis.epcs, parent=epcis.parent, children=epcis.children, epcis=text
        )
        return Mapped(epcis, raw, event, ())

    def _made(self, epcis: EpcisEvent, stripped: EpcisEvent) -> _Template | None:
        """What other events may repeat of ``epcis``; None: they take the long way."""
        try:
            done = mapped(epcis, self._document)
        except RejectedError:
            return None
        raw = done.raw
        told = any(getattr(raw, field) != getattr(epcis, field) for field in (*EPC_LISTS.values(), "parent"))
        if done.remarks or told or done.epcis != epcis or raw.sequence is not None or raw.correction or raw.lots or expiry_needs_time(raw):
            return None
        plain = msgspec.structs.replace(raw, epcis=None)
        return _Template(plain, shared(plain), stripped, {})

    def _cut(self, stripped: EpcisEvent, epcis: EpcisEvent, spelling: str, prefixes: tuple[str, ...]) -> tuple[bytes, ...] | None:
        """The text of the original around what varies; None where it cannot be told apart."""
        time, id, parent = _MARKS
        marked = msgspec.structs.replace(stripped, event_time=time, event_id=id, parent=parent if epcis.parent else "")
        field = "epcs" if epcis.epcs else "children"
        text = _encode(Original(marked, {field: spelling} if spelling else {}, prefixes, self._document))
        out = []
        for mark in _MARKS if epcis.parent else _MARKS[:2]:
            before, found, text = text.partition(_encode(mark)[1:-1])
            if not found:
                return None
            out.append(before)
        if any(_encode(mark)[1:-1] in text for mark in _MARKS):
            return None
        return (*out, text)

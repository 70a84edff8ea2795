"""Events of one document that say the same but for their id, their time and their items, known again by their bytes.

The text of an event is cut at what varies: the contents of ``eventID``, ``eventTime``, ``parentID``, ``epcList`` and ``childEPCs``. What is
left is its key. An event whose key was learnt before says what that one said, with its own contents in their places, and
nothing else of it is parsed again.

That this is so, and not only likely, rests on three things. What is cut out is printable ASCII without a character that means
anything to the syntax. An event is learnt only where what was cut out is seen to be whole fields of the event itself. And a
key holds within one document (of XML: one list), whose short names and namespaces hold for all its events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.xml_stream import Element, line_ends
from packtrace.codec.json_text import exact_json_value

KEYS_MAX: Final = 1_024
KEY_BYTES_MAX: Final = 8_192
"""Events with more beside their items are read one by one."""
TRIED_MAX: Final = 16
"""Keys tried in a document before one has come again."""

_BLANK = rb"[ \t\r\n]*+"
_TEXT = rb"[ !#-\[\]-~]*+"
"""Of JSON: nothing that could be written in another way."""
_LEAF = rb"[ -%'-;=?-~]*+"
"""Of XML: no tag, no reference, no line end."""
_PARTS: Final = {b"b": _BLANK, b"t": _TEXT, b"l": _LEAF}
_JSON_CUT = re.compile(
    rb'"((?:eventID|eventTime|parentID)(?="%(b)b:%(b)b")|(?:epcList|childEPCs)(?="%(b)b:%(b)b\[))"'
    rb'%(b)b:%(b)b("%(t)b"|\[%(b)b(?:"%(t)b"%(b)b(?:,%(b)b"%(t)b"%(b)b)*+)?+\])' % _PARTS
)
_XML_CUT = re.compile(
    rb"<((?:eventID|eventTime|parentID)(?=>%(l)b</)|(?:epcList|childEPCs)(?=>%(b)b<epc>))>"
    rb"((?:%(b)b<epc>%(l)b</epc>)++%(b)b|%(l)b)</\1>" % _PARTS
)
_GROUPS: Final = 3
"""Pieces of a cut: what stands before a field, its name, its content."""
_JSON_ITEM = re.compile(rb'"([^"]*+)"')
_XML_ITEM = re.compile(rb"<epc>([^<]*+)</epc>")
_NOT_PLAIN = re.compile(rb"<[!?]|&")
"""Comments, CDATA, instructions, references: beside them a tag may be no tag."""

_FIELDS: Final = {b"eventID": "event_id", b"eventTime": "event_time", b"parentID": "parent", b"epcList": "epcs", b"childEPCs": "children"}
"""In the order of ``Kind``'s places."""
_EMPTY: Final[dict[str, Any]] = {"event_id": "", "event_time": "", "parent": "", "epcs": (), "children": ()}
_MARK: Final = "mark 3f1c9a"

_PLAIN_JSON: Final = bytes(one for one in range(0x20, 0x7F) if one not in b'"\\')
_PLAIN_XML: Final = bytes(one for one in range(0x20, 0x7F) if one not in b"<>&")
"""What ``_TEXT`` and ``_LEAF`` take."""
_EVENT_ID, _EVENT_TIME, _PARENT, _EPCS, _CHILDREN = range(len(_FIELDS))
_PLACES: Final = {name: place for place, name in enumerate(_FIELDS)}
_LISTS: Final = (_EPCS, _CHILDREN)

Key = tuple[int, bytes]
"""How many pieces, and all of them but the contents; no null byte stands in what was learnt."""


class _Form(NamedTuple):
    """How one event of a kind is written, to the byte, where no list of it has several items.

    Args:
        first: what stands before the first content.
        rest: of each content which of the fields it is, and what stands after it.
        line_ends: between the contents when they are joined.
    """

    first: bytes
    rest: tuple[tuple[int, bytes], ...]
    line_ends: bytes


class Kind:
    """What the events of one key say alike.

    Args:
        event: one of them; ``common`` is it without what varies.
        names: of the fields that are cut out of its text, in their order.
    """

    __slots__ = ("children_at", "common", "epcs_at", "event_id_at", "event_time_at", "form", "parent_at")

    def __init__(self, event: EpcisEvent, names: Sequence[bytes]) -> None:
        at = {name: _GROUPS * number + 2 for number, name in enumerate(names)}
        self.event_id_at, self.event_time_at, self.parent_at, self.epcs_at, self.children_at = (at.get(name, 0) for name in _FIELDS)
        # a content that is spelled in another way, with an escape for example, is part of the key
        self.common = msgspec.structs.replace(event, **{field: _EMPTY[field] for name, field in _FIELDS.items() if name in at})
        self.form: _Form | None = None


class Alike:
    """An event of a known kind, and its own contents: read, not judged."""

    __slots__ = ("children", "epcs", "event_id", "event_time", "kind", "parent")

    def __init__(self, kind: Kind, event_id: str, event_time: str, parent: str, epcs: tuple[str, ...], children: tuple[str, ...]) -> None:
        self.kind = kind
        self.event_id = event_id
        self.event_time = event_time
        self.parent = parent
        self.epcs = epcs
        self.children = children

    def event(self) -> EpcisEvent:
        """All of it."""
        return msgspec.structs.replace(
            self.kind.common, event_id=self.event_id, event_time=self.event_time, parent=self.parent, epcs=self.epcs, children=self.children
        )


class Kinds:
    """The kinds of one document."""

    def __init__(self, cut: re.Pattern[bytes], item: re.Pattern[bytes], quotes: int) -> None:
        self._quotes = quotes
        self._end, self._plain = (b'"', _PLAIN_JSON) if quotes else (b"<", _PLAIN_XML)
        self._cut = cut
        self._item = item
        self._known: dict[Key, Kind | None] = {}
        self._found = 0
        self._last: Kind | None = None

    def forget(self) -> None:
        """What was learnt holds no longer."""
        self._known.clear()
        self._last = None

    def again(self, text: bytes, at: int) -> tuple[Alike, int] | None:
        """The event that begins at ``at`` and where it ends, if it is written as one of the kind that was found last.

        What ``find`` would answer, at a third of its cost: nothing is searched for, the bytes around the contents are compared.
        """
        kind = self._last
        form = kind.form if kind is not None else None
        if kind is None or form is None or not text.startswith(form.first, at):
            return None
        at += len(form.first)
        contents = []
        for _, after in form.rest:
            close = text.find(self._end, at)
            if close < 0 or not text.startswith(after, close):
                return None
            contents.append(text[at:close])
            at = close + len(after)
        joined = b"\n".join(contents)
        if joined.translate(None, self._plain) != form.line_ends:
            return None
        common = kind.common
        event_id, event_time, parent, epcs, children = common.event_id, common.event_time, common.parent, common.epcs, common.children
        for (place, _), content in zip(form.rest, joined.decode().split("\n"), strict=True):
            stated = content.strip()
            if place == _EVENT_TIME:
                event_time = stated
            elif place == _EPCS:
                epcs = (stated,)
            elif place == _EVENT_ID:
                event_id = stated
            elif place == _PARENT:
                parent = stated
            else:
                children = (stated,)
        return Alike(kind, event_id, event_time, parent, epcs, children), at

    def _form_of(self, text: bytes) -> _Form | None:
        """None: a list has several items, or nothing varies."""
        spans: list[tuple[int, int, int]] = []
        for hit in self._cut.finditer(text):
            place = _PLACES[hit[1]]
            if place in _LISTS:
                items = [one.span(1) for one in self._item.finditer(text, *hit.span(2))]
                if len(items) > 1:
                    return None
                spans += [(place, *one) for one in items]
            else:
                spans.append((place, hit.start(2) + self._quotes, hit.end(2) - self._quotes))
        if not spans:
            return None
        begins = [begin for _, begin, _ in spans[1:]] + [len(text)]
        rest = tuple((place, text[end:begin]) for (place, _, end), begin in zip(spans, begins, strict=True))
        return _Form(text[: spans[0][1]], rest, b"\n" * (len(rest) - 1))

    def find(self, text: bytes, items_max: int) -> tuple[Alike | None, Key | None]:
        """The event of that text, where its kind is known and it has at most ``items_max`` items in a list.

        Else the key to learn it by, once it has been read; None: there is nothing to learn.
        """
        parts: list[Any] = self._cut.split(text)
        key = (len(parts), b"\0".join(parts[::_GROUPS] + parts[1::_GROUPS]))
        kind = self._known.get(key)
        if kind is None:
            return None, key if self._is_worth_learning(key) else None
        self._found += 1
        alike = self._made(kind, parts, items_max)
        if alike is not None and len(alike.epcs) <= 1 and len(alike.children) <= 1:
            if kind.form is None:
                kind.form = self._form_of(text)
            self._last = kind
        return alike, None

    def _made(self, kind: Kind, parts: list[Any], items_max: int) -> Alike | None:
        epcs = self._items(parts[kind.epcs_at]) if kind.epcs_at else kind.common.epcs
        children = self._items(parts[kind.children_at]) if kind.children_at else kind.common.children
        if len(epcs) > items_max or len(children) > items_max:
            return None
        return Alike(
            kind,
            self._text(parts[kind.event_id_at]) if kind.event_id_at else kind.common.event_id,
            self._text(parts[kind.event_time_at]) if kind.event_time_at else kind.common.event_time,
            self._text(parts[kind.parent_at]) if kind.parent_at else kind.common.parent,
            epcs,
            children,
        )

    def _learnt(self, key: Key, text: bytes, event: EpcisEvent, names: Sequence[bytes], items_max: int) -> Alike | None:
        kind = self._known[key] = Kind(event, names)
        return self._made(kind, self._cut.split(text), items_max)

    def _text(self, content: bytes) -> str:
        return content[self._quotes : len(content) - self._quotes].decode().strip()

    def _items(self, text: bytes) -> tuple[str, ...]:
        found = self._item.findall(text)
        if len(found) == 1:
            return (found[0].decode().strip(),)
        return tuple([one.strip() for one in b"\n".join(found).decode().split("\n")]) if found else ()

    def _is_worth_learning(self, key: Key) -> bool:
        """Not where it was tried already, is long, or where document after all no two events are alike."""
        tried = len(self._known)
        return tried < KEYS_MAX and tried < TRIED_MAX + self._found and key not in self._known and len(key[1]) <= KEY_BYTES_MAX

    def _cut_once(self, text: bytes) -> dict[bytes, bytes]:
        """Name -> content; empty where a name stands there twice."""
        parts: list[Any] = self._cut.split(text)
        names = parts[1::_GROUPS]
        return dict(zip(names, parts[2::_GROUPS], strict=True)) if len(set(names)) == len(names) and b"\0" not in text else {}


class JsonKinds(Kinds):
    """Of events in JSON."""

    def __init__(self) -> None:
        super().__init__(_JSON_CUT, _JSON_ITEM, quotes=1)

    def learn(self, key: Key, text: bytes, event: EpcisEvent, items_max: int) -> Alike | None:
        """``event`` is what ``text`` says; it is the first of its kind, if that can be told."""
        self._known[key] = None
        contents = self._cut_once(text)
        if not contents or _MARK.encode() in text:
            return None
        marked = exact_json_value(self._cut.sub(_marked, text))
        expected = {name.decode(): f"{name.decode()} {_MARK}" for name in contents}
        for name, mark in expected.items():
            found = marked.get(name) if isinstance(marked, dict) else None
            if found not in (mark, [mark]):
                return None  # it stands inside of another
        return self._learnt(key, text, event, list(contents), items_max)


def _marked(hit: re.Match[bytes]) -> bytes:
    mark = b'"%b %b"' % (hit[1], _MARK.encode())
    return b'"%b":%b' % (hit[1], b"[%b]" % mark if hit[2].startswith(b"[") else mark)


class XmlKinds(Kinds):
    """Of events in XML."""

    def __init__(self) -> None:
        super().__init__(_XML_CUT, _XML_ITEM, quotes=0)

    def learn(self, key: Key, text: bytes, element: Element, event: EpcisEvent, items_max: int) -> Alike | None:
        """``event`` is what ``element`` says, and that what ``text`` says; it is the first of its kind, if that can be told."""
        self._known[key] = None
        contents = self._cut_once(text)
        if not contents or _NOT_PLAIN.search(text):
            return None
        inside = list(_names(element))
        for name, content in contents.items():
            read = self._items(content) if name in (b"epcList", b"childEPCs") else self._text(content)
            if not read or inside.count(name.decode()) != 1 or getattr(event, _FIELDS[name]) != read:
                return None  # it stands inside of another
        return self._learnt(key, text, event, list(contents), items_max)


def _names(element: Element) -> Iterator[str]:
    for one in element.children:
        yield one.name
        yield from _names(one)


def lines_of(text: bytes) -> dict[str, list[int]]:
    """List of items -> for each the lines between the beginning of an event in XML that is alike another and the item."""
    out: dict[str, list[int]] = {}
    lines = counted = 0
    for hit in _XML_CUT.finditer(text):
        if hit[1] in (b"epcList", b"childEPCs"):
            listed = out[hit[1].decode()] = []
            for one in _XML_ITEM.finditer(text, *hit.span(2)):
                lines += line_ends(text[counted : one.start()])
                counted = one.start()
                listed.append(lines)
    return out

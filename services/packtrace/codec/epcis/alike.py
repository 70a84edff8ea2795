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
from typing import Any, Final

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

Key = tuple[int, bytes]
"""How many pieces, and all of them but the contents; no null byte stands in what was learnt."""


class Kind:
    """What the events of one key say alike.

    Args:
        event: one of them; ``common`` is it without what varies.
        names: of the fields that are cut out of its text, in their order.
    """

    __slots__ = ("children_at", "common", "epcs_at", "event_id_at", "event_time_at", "parent_at")

    def __init__(self, event: EpcisEvent, names: Sequence[bytes]) -> None:
        at = {name: _GROUPS * number + 2 for number, name in enumerate(names)}
        self.event_id_at, self.event_time_at, self.parent_at, self.epcs_at, self.children_at = (at.get(name, 0) for name in _FIELDS)
        # a content that is spelled in another way, with an escape for example, is part of the key
        self.common = msgspec.structs.replace(event, **{field: _EMPTY[field] for name, field in _FIELDS.items() if name in at})


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
        self._cut = cut
        self._item = item
        self._known: dict[Key, Kind | None] = {}
        self._found = 0

    def forget(self) -> None:
        """What was learnt holds no longer."""
        self._known.clear()

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
        return self._made(kind, parts, items_max), None

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

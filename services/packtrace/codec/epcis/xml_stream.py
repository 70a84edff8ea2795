"""An XML document of any size: its events one at a time as small trees, everything around them as one.

Expat, in pieces, with nothing it could be tricked by: a DOCTYPE is refused where it begins, so there are no entities of the
document's own and nothing outside it is ever read; depth and the length of one tag are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple, Protocol
from xml.parsers import expat

from packtrace.codec.epcis.fields import EPC_LISTS, EPCIS_NAMESPACES, SHAPES
from packtrace.codec.epcis.limits import CHUNK_BYTES, HEADER_BYTES_MAX, TOKEN_BYTES_MAX, XML_DEPTH_MAX, Limits
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.codec.epcis.source import Source
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

ELEMENTS_MAX: Final = 100_000
"""Elements of one event or of the header, EPCs not counted: each is some 300 bytes of memory."""
_PLAIN_ENCODINGS: Final = frozenset({"utf-8", "us-ascii", "iso-8859-1"})
"""Where the bytes of ASCII mean ASCII, whatever stands around them."""
_OPENING = re.compile(rb"[ \t\r\n]*+<((?:Object|Aggregation)Event)>")
_CLOSE = re.compile(rb"</[A-Z][a-z]+Event>")
OPENING_BYTES_MAX: Final = 512
WHOLE_BYTES_MAX: Final = 256 * 1024
"""Of an event that is waited for whole; the parser takes a longer one piece by piece."""
_NAMES_MAX: Final = 10_000
"""Different names that one document may use."""


class Element:
    """One element: standard names bare, others ``{namespace}name``."""

    __slots__ = ("attributes", "children", "epcs", "line", "lines", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.text = ""
        self.epcs: list[str] = []
        """Texts of the ``epc`` elements in it, and the lines they stand on."""
        self.lines: list[int] = []


class XmlEvent(NamedTuple):
    """One event; ``error`` where it could not be held; ``element`` None where it was ``Familiar``."""

    number: int
    line: int
    element: Element | None
    text: bytes
    error: RejectedError | None = None


class Familiar(Protocol):
    """Knows events by their bytes: those are not parsed."""

    def knows(self, text: bytes) -> bool:
        """Whether an event of that text is well-formed here, and known."""

    def again(self, text: bytes, at: int) -> int:
        """Where the event that begins at ``at`` ends, if it is known at first sight; else 0."""

    def forget(self) -> None:
        """Other namespaces may hold from here on."""


class _Open:
    """The event that is being read."""

    __slots__ = ("depth", "elements", "epcs", "error", "root", "start")

    def __init__(self, root: Element, depth: int, start: int) -> None:
        self.root = root
        self.depth = depth
        self.start = start
        self.elements = 0
        self.epcs = 0
        self.error: RejectedError | None = None


class XmlStream:
    """See the module. ``root`` is the document without its events, complete after the last of them."""

    def __init__(self, source: Source, limits: Limits, familiar: Familiar | None = None, piece_bytes: int = CHUNK_BYTES) -> None:
        self._source = source
        self._limits = limits
        self._familiar = familiar
        self._piece_bytes = piece_bytes
        self.root: Element | None = None
        self.prefixes: dict[str, str] = {}
        self.misplaced = False
        """Standard names came with a namespace that they should not have."""
        self.has_list = False
        self._stack: list[Element | None] = []
        self._event: _Open | None = None
        self._around = 0
        self._lists: set[int] = set()
        self._texts: list[str] = []
        self._names: dict[str, str] = {}
        self._ended: list[tuple[_Open, int]] = []
        self._count = 0
        self._held = b""
        self._base = self._fed = 0
        """What is kept of the bytes the parser was given, where it begins, how many it was given in all."""
        self._plain_bytes = True
        self._between = False
        """The parser has taken in all it was given, and that ends where an event ends."""
        self._passed_lines = self._end_line = 0
        self._shift = (0, 0)
        parser = self._parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.buffer_size = 65_536
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._texts.append

    def events(self) -> Iterator[XmlEvent]:
        """Read to the end.

        Raises:
            RejectedError: malformed-xml, forbidden-xml, record-too-large or too-many-events, with the line.
        """
        try:
            rest, at = b"", 0
            for piece in self._pieces():
                rest, at = rest[at:] + piece, 0
                while at < len(rest):
                    if self._between and self._familiar is not None:
                        passed = yield from self._again(self._familiar, rest, at)
                        if passed > at:
                            self._pass_columns(rest[at:passed])
                            at = passed
                            continue
                    begin, end = self._whole_event(rest, at) if self._between else (0, 0)
                    if begin < 0 and piece and len(rest) - at < WHOLE_BYTES_MAX:
                        break
                    if end > 0 and self._is_familiar(rest[begin:end]):
                        yield self._passed_over(rest, at, begin, end)
                    else:
                        close = _CLOSE.search(rest, at)
                        end = close.end() if close else len(rest)
                        yield from self._parsed(rest[at:end])
                    at = end
            self._feed(b"", True)
            yield from self._take()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """The parser holds this stream and this stream the parser: without its handlers both go at once."""
        parser = self._parser
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
        parser.StartNamespaceDeclHandler = parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.XmlDeclHandler = None

    def _pieces(self) -> Iterator[bytes]:
        """Of a good size, and an empty one at the end."""
        taken: list[bytes] = []
        size = 0
        for piece in self._source():
            taken.append(piece)
            size += len(piece)
            if size >= self._piece_bytes:
                yield b"".join(taken)
                taken.clear()
                size = 0
        if taken:
            yield b"".join(taken)
        yield b""

    def _again(self, familiar: Familiar, rest: bytes, at: int) -> Generator[XmlEvent, None, int]:
        """The events from ``at`` on that are known at first sight; answers where the last of them ends."""
        events_max, bytes_max = self._limits.events_max, self._limits.event_bytes_max
        returns = b"\r" in rest
        while True:
            begin = rest.find(b"<", at)
            if begin < 0 or (begin > at and rest[at:begin].strip(b" \t\r\n")):
                return at
            end = familiar.again(rest, begin)
            if not end or end - begin > bytes_max or self._count >= events_max:
                return at
            text = rest[begin:end]
            line = self._end_line + (line_ends(rest[at:begin]) if returns else rest.count(b"\n", at, begin))
            lines = line - self._end_line + (line_ends(text) if returns else text.count(b"\n"))
            self._passed_lines += lines
            self._end_line += lines
            self._count += 1
            at = end
            yield XmlEvent(self._count - 1, line, None, text)

    def _whole_event(self, rest: bytes, at: int) -> tuple[int, int]:
        """Where the next event begins and ends, if one in plain tags comes next; -1 where its end is not here yet."""
        opening = _OPENING.match(rest, at)
        if opening is None:
            return (-1, -1) if len(rest) - at < OPENING_BYTES_MAX else (0, 0)
        closing = b"</%b>" % opening[1]
        found = rest.find(closing, opening.end())
        return (opening.start(1) - 1, found + len(closing)) if found >= 0 else (-1, -1)

    def _is_familiar(self, text: bytes) -> bool:
        return self._familiar is not None and len(text) <= self._limits.event_bytes_max and self._familiar.knows(text)

    def _passed_over(self, rest: bytes, at: int, begin: int, end: int) -> XmlEvent:
        if self._count >= self._limits.events_max:
            raise self._too_many()
        line = self._end_line + line_ends(rest[at:begin])
        lines = line - self._end_line + line_ends(rest[begin:end])
        self._pass_columns(rest[at:end])
        self._passed_lines += lines
        self._end_line += lines
        self._count += 1
        return XmlEvent(self._count - 1, line, None, rest[begin:end])

    def _pass_columns(self, text: bytes) -> None:
        """What is to be added to a column that the parser counts, as long as it is on this line of its own."""
        line = self._parser.CurrentLineNumber
        if self._shift[0] != line:
            self._shift = (line, 0)
        last = max(text.rfind(b"\n"), text.rfind(b"\r"))
        characters = len(text[last + 1 :].decode("utf-8", "replace"))
        self._shift = (line, self._shift[1] + characters if last < 0 else characters - self._parser.CurrentColumnNumber)

    def _parsed(self, piece: bytes) -> Iterator[XmlEvent]:
        parser = self._parser
        self._between = False
        self._held += piece
        self._fed += len(piece)
        self._feed(piece, False)
        if self._fed - parser.CurrentByteIndex > TOKEN_BYTES_MAX + len(piece):
            raise self._refused(Reject.RECORD_TOO_LARGE, f"a tag, comment or text of at most {TOKEN_BYTES_MAX} bytes", "more")
        yield from self._take()
        opened = self._event
        if opened is not None and opened.error is None and self._fed - opened.start > self._limits.event_bytes_max:
            opened.error = self._refused(Reject.RECORD_TOO_LARGE, f"an event of at most {self._limits.event_bytes_max} bytes", "more")
            opened.root.children.clear()
        keep = opened.start if opened is not None and opened.error is None else max(parser.CurrentByteIndex, 0)
        self._held, self._base = self._held[keep - self._base :], keep

    def _feed(self, piece: bytes, last: bool) -> None:
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            column = error.offset + 1 + (self._shift[1] if error.lineno == self._shift[0] else 0)
            where = f"line {error.lineno + self._passed_lines}, column {column}"
            raise RejectedError(DocumentReject.MALFORMED_XML, where, "well-formed XML", expat.ErrorString(error.code)) from None
        except (LookupError, UnicodeError, ValueError) as error:
            raise self._refused(DocumentReject.MALFORMED_XML, "XML in UTF-8, UTF-16 or ISO-8859-1", str(error)) from None

    def _take(self) -> Iterator[XmlEvent]:
        ended, self._ended = self._ended, []
        held, base = self._held, self._base
        if ended and self._familiar is not None and self._plain_bytes and len(self._stack) - 1 in self._lists:
            self._between = held[ended[-1][1] - base :] == b"</%b>" % ended[-1][0].root.name.encode()
        for opened, end in ended:
            close = held.find(b">", end - base)
            text = held[opened.start - base : close + 1] if opened.start >= base else b""
            yield XmlEvent(self._count, opened.root.line, opened.root, text, opened.error)
            self._count += 1
            if self._count > self._limits.events_max:
                raise self._too_many()

    def _too_many(self) -> RejectedError:
        return self._refused(DocumentReject.TOO_MANY_EVENTS, f"at most {self._limits.events_max} events in a document", "more")

    def _refused(self, code: Reject | DocumentReject, expected: str, found: str) -> RejectedError:
        return RejectedError(code, f"line {self._line()}", expected, found)

    def _line(self) -> int:
        return self._parser.CurrentLineNumber + self._passed_lines

    def _doctype(self, *_: object) -> None:
        raise self._refused(DocumentReject.FORBIDDEN_XML, "no DOCTYPE and no entities", "a DOCTYPE")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        self._plain_bytes = (encoding or "utf-8").lower() in _PLAIN_ENCODINGS

    def _namespace(self, prefix: str | None, uri: str) -> None:
        if prefix and len(self.prefixes) < _NAMES_MAX:
            self.prefixes.setdefault(prefix, uri or "")

    def _named(self, raw: str) -> str:
        space, _, local = raw.rpartition("}")
        name = local if not space or space in EPCIS_NAMESPACES else f"{{{space}}}{local}"
        if space in EPCIS_NAMESPACES and self._stack:
            self.misplaced = True
        if len(self._names) >= _NAMES_MAX:
            raise self._refused(DocumentReject.FORBIDDEN_XML, f"at most {_NAMES_MAX} different names", "more")
        self._names[raw] = name
        return name

    def _start(self, raw: str, attributes: dict[str, str]) -> None:
        name = self._names.get(raw) or self._named(raw)
        stack, event = self._stack, self._event
        if len(stack) >= XML_DEPTH_MAX:
            raise self._refused(DocumentReject.FORBIDDEN_XML, f"elements at most {XML_DEPTH_MAX} deep", "deeper nesting")
        top = stack[-1] if stack else None
        if event is not None:
            if name == "epc" and top is not None and top.name in EPC_LISTS and not attributes:
                stack.append(None)
                self._texts.clear()
                return
            if top is None and event.error is None:
                event.error = RejectedError(Reject.WRONG_TYPE, f"line {self._line()}", "an EPC without elements inside", name)
        element = Element(name, {self._names.get(key) or self._named(key): one for key, one in attributes.items()}, 0)
        element.line = self._parser.CurrentLineNumber + self._passed_lines
        if event is not None:
            self._inside(event, top, element)
        else:
            self._outside(top, element)
        stack.append(element)
        self._texts.clear()

    def _inside(self, event: _Open, top: Element | None, element: Element) -> None:
        event.elements += 1
        if event.elements > ELEMENTS_MAX and event.error is None:
            event.error = self._refused(Reject.RECORD_TOO_LARGE, f"at most {ELEMENTS_MAX} elements in an event", "more")
        if event.error is not None:
            event.root.children.clear()
        elif top is not None:
            self._keep_text(top)
            top.children.append(element)

    def _outside(self, top: Element | None, element: Element) -> None:
        depth = len(self._stack)
        name = element.name
        if (depth and depth - 1 in self._lists and name != "extension") or (not depth and name in SHAPES):
            if self._count + len(self._ended) >= self._limits.events_max:
                raise self._too_many()
            self._event = _Open(element, depth, self._parser.CurrentByteIndex)
            return
        if self._familiar is not None:
            self._familiar.forget()
        self._around += 1
        if self._around > ELEMENTS_MAX or (self._parser.CurrentByteIndex > HEADER_BYTES_MAX and not self._lists and not self._count):
            raise self._refused(
                Reject.RECORD_TOO_LARGE, f"a header of at most {HEADER_BYTES_MAX} bytes and {ELEMENTS_MAX} elements", "more"
            )
        if name == "EventList" or (depth and depth - 1 in self._lists):
            self._lists.add(depth)
            self.has_list = True
        elif top is None:
            self.root = element
        else:
            self._keep_text(top)
        if top is not None and depth - 1 not in self._lists:
            top.children.append(element)

    def _keep_text(self, top: Element) -> None:
        if self._texts:
            top.text += "".join(self._texts).strip()

    def _end(self, raw: str) -> None:
        element = self._stack.pop()
        event = self._event
        if element is None:
            assert event is not None
            top = self._stack[-1]
            event.epcs += 1
            if event.epcs > self._limits.epcs_max:
                if event.error is None:
                    event.error = self._refused(Reject.TOO_MANY_EPCS, f"at most {self._limits.epcs_max} items in an event", "more")
                    event.root.children.clear()
            elif top is not None and event.error is None:
                top.epcs.append("".join(self._texts))
                top.lines.append(self._parser.CurrentLineNumber + self._passed_lines)
            self._texts.clear()
            return
        text = "".join(self._texts)
        if element.children or element.epcs:
            text = text.strip()
        if text:
            element.text += text
        self._texts.clear()
        depth = len(self._stack)
        if event is not None and depth == event.depth:
            self._ended.append((event, self._parser.CurrentByteIndex))
            self._end_line = self._line()
            self._event = None
        else:
            self._lists.discard(depth)
            if event is None and self._familiar is not None:
                self._familiar.forget()


def line_ends(text: bytes) -> int:
    """As XML counts them."""
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")

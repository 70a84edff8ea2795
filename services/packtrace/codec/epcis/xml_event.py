"""One XML element -> the neutral event; EPCIS 1.2 and 2.0 alike, wherever their ``extension`` wrappers stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from packtrace.codec.epcis import fields
from packtrace.codec.epcis.event import EpcisEvent, ErrorDeclaration, Pair, Place, Quantity, Sensor, number_text
from packtrace.codec.epcis.json_event import pair_words, sensor_order, texts_words
from packtrace.codec.epcis.limits import EXTENSION_NODES_MAX
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.vocabulary import SENSOR_WORDS, bare, bare_sensor_word
from packtrace.codec.epcis.xml_stream import Element
from packtrace.codec.vocabulary_words import DISPOSITION, ERROR_REASON
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

WRAPPERS: Final = frozenset({"extension", "baseExtension"})
_TYPE, _NIL = f"{{{fields.XSI}}}type", f"{{{fields.XSI}}}nil"
_KINDS: Final = {"decimal": "number", "integer": "number", "double": "number", "boolean": "boolean"}
_IGNORED = frozenset({_TYPE, _NIL, f"{{{fields.XSI}}}schemaLocation", f"{{{fields.XSI}}}noNamespaceSchemaLocation"})


class XmlEventReader:
    """One event; ``warnings`` says what was read although it should not be there."""

    def __init__(self) -> None:
        self.warnings: list[tuple[str, str]] = []
        self._nodes = 0

    def event(self, element: Element) -> EpcisEvent:
        """The event that ``element`` is.

        Raises:
            RejectedError: missing-field or unknown-field, with the place in the event.
        """
        read: dict[str, Any] = {}
        extensions: list[Node] = []
        seen: set[str] = set()
        for one in _unwrapped(element):
            name = one.name
            if name in fields.FIELD_OF:
                if name in seen and name != "certificationInfo":
                    raise RejectedError(Reject.UNKNOWN_FIELD, name, f"one {name} in an event", f"another on line {one.line}")
                seen.add(name)
                self._standard(one, read)
            else:
                extensions.append(self._foreign(one, element.name))
        attributes = self._attributes(element)
        return EpcisEvent(type=element.name, **read, extensions=(*extensions, *attributes))

    def _foreign(self, one: Element, event: str) -> Node:
        if not one.name.startswith("{"):
            standard = fields.standard_like(one.name)
            if standard:
                raise RejectedError(Reject.UNKNOWN_FIELD, one.name, f"a field of {event} such as {standard}", one.name)
            self.warnings.append((one.name, f"{one.name} on line {one.line} is no field of EPCIS and has no namespace; kept as it is"))
        return self.node(one)

    def _standard(self, one: Element, read: dict[str, Any]) -> None:
        name = one.name
        field = fields.FIELD_OF[name]
        if name in fields.EPC_LISTS:
            self._only(one, ())
            read[field] = tuple(map(str.strip, one.epcs))
        elif name in fields.TEXTS:
            words = texts_words.get(name)
            text = _leaf(one)
            read[field] = bare(words, text) if words else text
        elif name in fields.QUANTITY_LISTS:
            read[field] = tuple(self._quantity(part) for part in self._only(one, ("quantityElement",)))
        elif name in fields.PLACES:
            read[field] = self._place(one)
        elif name in fields.PAIRS:
            words = pair_words[name]
            parts = self._only(one, (fields.PAIRS[name][1],))
            read[field] = tuple(Pair(bare(words, part.attributes.get("type", "").strip()), _leaf(part)) for part in parts)
        elif name == "certificationInfo":
            read[field] = (*read.get(field, ()), _leaf(one))
        elif name == "errorDeclaration":
            read[field] = self._error(one)
        elif name == "persistentDisposition":
            for part in self._only(one, ("set", "unset")):
                key = f"persistent_{part.name}"
                read[key] = (*read.get(key, ()), bare(DISPOSITION, _leaf(part)))
        elif name == "sensorElementList":
            read[field] = tuple(self._sensor(part) for part in self._only(one, ("sensorElement",)))
        else:
            read[field] = tuple(map(self.node, _unwrapped(one)))

    def _only(self, element: Element, names: tuple[str, ...]) -> list[Element]:
        """The children of a list, wrappers taken off; ``epc`` elements stand apart."""
        out = []
        for one in _unwrapped(element):
            if one.name not in names:
                raise RejectedError(Reject.UNKNOWN_FIELD, f"{element.name}.{one.name}", f"only {' and '.join(names) or 'epc'}", one.name)
            out.append(one)
        return out

    def _quantity(self, element: Element) -> Quantity:
        parts = {one.name: _leaf(one) for one in self._only(element, ("epcClass", "quantity", "uom"))}
        if not parts.get("epcClass"):
            raise RejectedError(Reject.MISSING_FIELD, "quantityElement.epcClass", f"the class that is counted, line {element.line}")
        return Quantity(parts["epcClass"], number_text(parts.get("quantity", "")), parts.get("uom", ""))

    def _place(self, element: Element) -> Place | None:
        id = ""
        extensions = []
        for one in _unwrapped(element):
            if one.name == "id":
                id = _leaf(one)
            else:
                extensions.append(self.node(one))
        if not id:
            if not element.children and element.text.strip():
                expected = f"<id> inside {element.name}"
                raise RejectedError(Reject.MISSING_FIELD, f"{element.name}.id", expected, element.text.strip())
            if not extensions:
                return None  # an empty element says nothing
            raise RejectedError(Reject.MISSING_FIELD, f"{element.name}.id", "the identifier of the place")
        return Place(id, tuple(extensions))

    def _error(self, element: Element) -> ErrorDeclaration:
        stated: dict[str, str] = {}
        corrective: tuple[str, ...] = ()
        extensions = []
        for one in _unwrapped(element):
            if one.name == "correctiveEventIDs":
                corrective = tuple(_leaf(part) for part in self._only(one, ("correctiveEventID",)))
            elif one.name in fields.ERROR_FIELDS:
                stated[one.name] = _leaf(one)
            else:
                extensions.append(self.node(one))
        reason = bare(ERROR_REASON, stated.get("reason", ""))
        return ErrorDeclaration(stated.get("declarationTime", ""), reason, corrective, tuple(extensions))

    def _sensor(self, element: Element) -> Sensor:
        metadata: tuple[Node, ...] = ()
        reports = []
        extensions = []
        for one in _unwrapped(element):
            if one.name == "sensorMetadata":
                metadata = self._sensor_fields(one)
            elif one.name == "sensorReport":
                reports.append(self._sensor_fields(one))
            else:
                extensions.append(self.node(one))
        return Sensor(metadata, tuple(reports), tuple(extensions))

    def _sensor_fields(self, element: Element) -> tuple[Node, ...]:
        out = []
        for name, text in element.attributes.items():
            if name in _IGNORED:
                continue
            if name in SENSOR_WORDS:
                text = bare_sensor_word(name, text.strip())
            elif name in fields.NUMBERS:
                text = number_text(text.strip())
            out.append(Node(name, text if name.startswith("{") else text.strip()))
        out += map(self.node, _unwrapped(element))
        return tuple(sorted(out, key=sensor_order))

    def _attributes(self, element: Element) -> list[Node]:
        return [Node(f"@{name}", text) for name, text in element.attributes.items() if name not in _IGNORED]

    def node(self, element: Element) -> Node:
        """Any element as a field of the tree."""
        self._nodes += 1
        if self._nodes > EXTENSION_NODES_MAX:
            raise RejectedError(Reject.UNKNOWN_FIELD, element.name, f"at most {EXTENSION_NODES_MAX} extension fields in an event", "more")
        kind = _KINDS.get(element.attributes.get(_TYPE, "").rpartition(":")[2], "")
        if element.attributes.get(_NIL) == "true":
            kind = "null"
        children = (*self._attributes(element), *map(self.node, element.children), *(Node("epc", text) for text in element.epcs))
        return Node(element.name, element.text, children, kind)


def _unwrapped(element: Element) -> Iterator[Element]:
    for one in element.children:
        if one.name in WRAPPERS and not one.text:
            yield from _unwrapped(one)
        else:
            yield one


def _leaf(element: Element) -> str:
    if element.children:
        raise RejectedError(Reject.WRONG_TYPE, element.name, "a text", f"an element inside, line {element.line}")
    return element.text.strip()

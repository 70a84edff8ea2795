"""Neutral events and documents -> EPCIS 2.0 JSON-LD, one event at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from packtrace.codec.epcis import fields
from packtrace.codec.epcis.document import EPCIS_DOCUMENT, QUERY_DOCUMENT, Document
from packtrace.codec.epcis.event import EpcisEvent, Pair, Place, Quantity, Sensor
from packtrace.codec.epcis.json_event import TEXT_KEY, pair_words
from packtrace.codec.epcis.names import short_names
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.vocabulary import Spelling, spelled
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, ERROR_REASON

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_FIRST: Final = ("type", "eventID", "eventTime", "eventTimeZoneOffset", "recordTime", "errorDeclaration", "certificationInfo")
_encode = msgspec.json.encode


def namespaces_of(events: Iterable[EpcisEvent], *more: Iterable[Node]) -> set[str]:
    """Every namespace that extensions of ``events`` use."""
    found: set[str] = set()
    for event in events:
        _collect(_extensions_of(event), found)
    for nodes in more:
        _collect(nodes, found)
    return found


def _extensions_of(event: EpcisEvent) -> Iterator[Node]:
    yield from event.ilmd
    yield from event.extensions
    if event.error:
        yield from event.error.extensions
    for place in (event.read_point, event.location):
        yield from place.extensions if place else ()
    for sensor in event.sensors:
        yield from sensor.extensions
        for stated in (sensor.metadata, *sensor.reports):
            yield from (node for node in stated if node.name.startswith("{"))


def _collect(nodes: Iterable[Node], found: set[str]) -> None:
    for node in nodes:
        name = node.name.removeprefix("@")
        if name.startswith("{"):
            found.add(name[1:].rpartition("}")[0])
        elif name == node.name:
            found.add(fields.UNQUALIFIED)
        _collect(node.children, found)


class JsonWriter:
    """Writes events with one set of short names.

    Args:
        namespaces: every namespace in what will be written (``namespaces_of``).
        wanted: short names of the document, (short name, namespace).
        words: how CBV words are spelled.
    """

    def __init__(self, namespaces: Iterable[str] = (), wanted: Sequence[tuple[str, str]] = (), words: Spelling = Spelling.BARE) -> None:
        self._short = short_names(namespaces, wanted, fields.CONTEXT)
        self._wanted = tuple(wanted)
        self._words = words

    @property
    def context(self) -> list[object]:
        """The ``@context`` for what is written."""
        own = {prefix: space for space, prefix in self._short.items() if fields.CONTEXT.get(prefix) != space}
        own |= {prefix: space for prefix, space in self._wanted if prefix not in own and fields.CONTEXT.get(prefix) != space}
        return [fields.CONTEXT_URL, own] if own else [fields.CONTEXT_URL]

    def event(self, event: EpcisEvent, context: bool = False) -> bytes:
        """One event; ``context``: with its own, as it stands alone."""
        return _encode(({"@context": self.context} if context else {}) | self.value(event))

    def value(self, event: EpcisEvent) -> dict[str, Any]:
        """The object to encode."""
        out: dict[str, Any] = {"type": event.type}
        shape = fields.SHAPES.get(event.type)
        for name in (*_FIRST[1:], *(shape.fields if shape else fields.FIELD_OF)):
            if name not in out:
                value = self._standard(name, event)
                if value:
                    out[name] = value
        if event.type in ("ObjectEvent", "TransactionEvent") and not (event.epcs or event.quantities or event.sensors):
            out["epcList"] = []
        return out | self._nodes(event.extensions)

    def _standard(self, name: str, event: EpcisEvent) -> Any:
        value = getattr(event, fields.FIELD_OF[name])
        if name in fields.EPC_LISTS:
            return value
        if name in fields.TEXTS:
            words = {"bizStep": BIZ_STEP, "disposition": DISPOSITION}.get(name)
            return spelled(words, value, self._words) if words else value
        if name in fields.QUANTITY_LISTS:
            return [_quantity(one) for one in value]
        if name in fields.PLACES:
            return value and self._place(value)
        if name in fields.PAIRS:
            return [self._pair(name, one) for one in value]
        if name == "certificationInfo":
            return value[0] if len(value) == 1 else value
        if name == "errorDeclaration":
            return value and self._error(event)
        if name == "persistentDisposition":
            stated = {"set": event.persistent_set, "unset": event.persistent_unset}
            return {part: [spelled(DISPOSITION, one, self._words) for one in words] for part, words in stated.items() if words}
        if name == "sensorElementList":
            return [self._sensor(one) for one in value]
        return self._nodes(value)

    def _place(self, place: Place) -> dict[str, Any]:
        return {"id": place.id} | self._nodes(place.extensions)

    def _pair(self, name: str, pair: Pair) -> dict[str, str]:
        kind = {"type": spelled(pair_words[name], pair.type, self._words)} if pair.type else {}
        return kind | {fields.PAIRS[name][1]: pair.id}

    def _error(self, event: EpcisEvent) -> dict[str, Any]:
        error = event.error
        assert error is not None
        stated = {
            "declarationTime": error.time,
            "reason": spelled(ERROR_REASON, error.reason, self._words),
            "correctiveEventIDs": list(error.corrective),
        }
        return {name: value for name, value in stated.items() if value} | self._nodes(error.extensions)

    def _sensor(self, sensor: Sensor) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if sensor.metadata:
            out["sensorMetadata"] = self._sensor_fields(sensor.metadata)
        out["sensorReport"] = [self._sensor_fields(report) for report in sensor.reports]
        return out | self._nodes(sensor.extensions)

    def _sensor_fields(self, nodes: Iterable[Node]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for node in nodes:
            if node.name.startswith("{"):
                out |= self._nodes((node,))
            elif node.name in fields.NUMBERS:
                out[node.name] = _number(node.value)
            elif node.name == "booleanValue" and node.value in ("true", "false"):
                out[node.name] = node.value == "true"
            else:
                out[node.name] = node.value
        return out

    def _nodes(self, nodes: Iterable[Node]) -> dict[str, Any]:
        """Fields of one name become a list."""
        out: dict[str, Any] = {}
        repeated: set[str] = set()
        for node in nodes:
            name, value = self._name(node.name), self._value(node)
            if name not in out:
                out[name] = value
            elif name in repeated:
                out[name].append(value)
            else:
                repeated.add(name)
                out[name] = [out[name], value]
        return out

    def _value(self, node: Node) -> Any:
        if node.children:
            return ({TEXT_KEY: node.value} if node.value else {}) | self._nodes(node.children)
        if node.kind == "number":
            return _number(node.value)
        return {"boolean": node.value == "true", "null": None}[node.kind] if node.kind else node.value

    def _name(self, name: str) -> str:
        if name.startswith("@{"):
            return f"@{self._name(name[1:])}"
        if not name.startswith("{"):
            return name if name.startswith("@") else f"{self._short[fields.UNQUALIFIED]}:{name}"
        space, _, local = name[1:].rpartition("}")
        return f"{self._short[space or fields.UNQUALIFIED]}:{local}"

    def document(self, document: Document, events: Iterable[EpcisEvent]) -> Iterator[bytes]:
        """The document in pieces, one event each."""
        head = self._head(document)
        written = _encode(head)[:-1]
        list_opening = b',"epcisBody":{"eventList":['
        closing = b"]}}"
        if document.kind == QUERY_DOCUMENT:
            results = {"queryName": document.query or "SimpleEventQuery"}
            if document.subscription:
                results["subscriptionID"] = document.subscription
            list_opening = b',"epcisBody":{"queryResults":' + _encode(results)[:-1] + b',"resultsBody":{"eventList":['
            closing = b"]}}}}"
        yield written + list_opening
        comma = b""
        for event in events:
            yield comma + self.event(event)
            comma = b","
        yield closing

    def _head(self, document: Document) -> dict[str, Any]:
        stated = {
            "@context": self.context,
            "id": document.id,
            "type": document.kind or EPCIS_DOCUMENT,
            "schemaVersion": "2.0",
            "creationDate": document.created,
            "sender": document.sender,
            "receiver": document.receiver,
            "instanceIdentifier": document.instance,
        }
        header = self._nodes((document.sbdh, *document.header) if document.sbdh else document.header)
        if document.vocabularies:
            header["epcisMasterData"] = {"vocabularyList": [self._vocabulary(one) for one in document.vocabularies]}
        out = {name: value for name, value in stated.items() if value}
        return out | ({"epcisHeader": header} if header else {}) | self._nodes(document.extensions)

    def _vocabulary(self, one: Any) -> dict[str, Any]:
        elements = []
        for element in one.elements:
            attributes = [{"id": at.id, "attribute": self._nodes(at.fields) if at.fields else at.value} for at in element.attributes]
            written: dict[str, Any] = {"id": element.id}
            if attributes:
                written["attributes"] = attributes
            if element.children:
                written["children"] = list(element.children)
            elements.append(written | self._nodes(element.extensions))
        return {"type": one.type, "vocabularyElementList": elements}


def _quantity(one: Quantity) -> Mapping[str, Any]:
    stated = {"epcClass": one.epc_class, "quantity": _number(one.quantity) if one.quantity else "", "uom": one.uom}
    return {name: value for name, value in stated.items() if value != ""}


def _number(text: str) -> Any:
    """As it was written, where JSON has such numbers."""
    return msgspec.Raw(text.encode()) if _NUMBER.fullmatch(text) else text

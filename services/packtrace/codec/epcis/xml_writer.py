"""Neutral events and documents -> EPCIS 2.0 or 1.2 XML, one event at a time.

What EPCIS 1.2 has no element for (sensors, persistent dispositions, certification, association events) is written there as
extensions in the namespace of 2.0: a 1.2 reader may pass over them, and ours reads them back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from packtrace.codec.epcis import fields
from packtrace.codec.epcis.document import EPCIS_DOCUMENT, QUERY_DOCUMENT, SBDH, Document, Vocabulary
from packtrace.codec.epcis.documents import plain_sbdh
from packtrace.codec.epcis.event import EpcisEvent, Place, Quantity, Sensor
from packtrace.codec.epcis.json_event import pair_words
from packtrace.codec.epcis.names import NAME, short_names
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.vocabulary import SENSOR_WORDS, Spelling, spelled, spelled_sensor_word
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, ERROR_REASON
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SPECIAL = re.compile('[&<>"\t\n\r]')
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_XS: Final = "http://www.w3.org/2001/XMLSchema"
_KINDS: Final = {"number": ' xsi:type="xs:decimal"', "boolean": ' xsi:type="xs:boolean"', "null": ' xsi:nil="true"'}
_TAKEN: Final = {"epcis": fields.XSD_2, "xsi": fields.XSI, "xs": _XS, "sbdh": SBDH, "epcis2": fields.XSD_2, "epcisq": fields.QUERY_2}


class XmlVersion(StrEnum):
    V1_2 = "1.2"
    V2_0 = "2.0"


def _text(text: str) -> str:
    if _CONTROL.search(text):
        raise RejectedError(Reject.BAD_TEXT, expected="text without control characters, for XML", found=repr(text)[:100])
    return _SPECIAL.sub(lambda hit: _ESCAPES[hit[0]], text) if _SPECIAL.search(text) else text


def _leaf(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>"


class XmlWriter:
    """Writes events with one set of short names; see ``JsonWriter``."""

    def __init__(
        self,
        version: XmlVersion = XmlVersion.V2_0,
        namespaces: Iterable[str] = (),
        wanted: Sequence[tuple[str, str]] = (),
        words: Spelling = Spelling.URN,
    ) -> None:
        own = [(prefix, space) for prefix, space in wanted if prefix not in _TAKEN and prefix.lower()[:3] != "xml"]
        others = {prefix: space for prefix, space in fields.CONTEXT.items() if prefix not in _TAKEN}
        self._short = short_names(set(namespaces) - {SBDH, _XML, fields.UNQUALIFIED}, own, others)
        used = set(self._short.values())
        self._short |= {space: prefix for prefix, space in own if prefix not in used and space and space not in self._short}
        self._version = version
        self._words = words

    def event(self, event: EpcisEvent) -> str:
        """One event, with what wraps it in an event list of this version."""
        shape = fields.SHAPES.get(event.type)
        if shape is None:
            raise RejectedError(Reject.UNKNOWN_TYPE, "type", f"one of {', '.join(fields.SHAPES)}", event.type)
        if self._version is XmlVersion.V1_2:
            return self._event_1(event, shape)
        parts = [self._standard(name, event) for name in (*fields.COMMON, *shape.fields)]
        return self._element(event, event.type, "".join(parts) + self._extensions(event))

    def _element(self, event: EpcisEvent, name: str, inner: str) -> str:
        attributes = "".join(self._attribute(node) for node in event.extensions if node.name.startswith("@"))
        return f"<{name}{attributes}>{inner}</{name}>"

    def _extensions(self, event: EpcisEvent) -> str:
        return "".join(self.node(node) for node in event.extensions if not node.name.startswith("@"))

    def _event_1(self, event: EpcisEvent, shape: fields.Shape) -> str:
        base = "".join(self._standard(name, event) for name in ("eventID", "errorDeclaration"))
        head = "".join(self._standard(name, event) for name in ("eventTime", "recordTime", "eventTimeZoneOffset"))
        head += f"<baseExtension>{base}</baseExtension>" if base else ""
        plain, extended, later = "", "", self._only_2("certificationInfo", event)
        for name in shape.fields:
            if name in fields.ONLY_2:
                later += self._only_2(name, event)
            elif name in shape.extended:
                extended += self._standard(name, event)
            else:
                plain += self._standard(name, event)
        extended = f"<extension>{extended}</extension>" if extended else ""
        # an AssociationEvent stands where GS1's schema has room for what is to come: in an extension, without a namespace
        written = self._element(event, event.type, head + plain + extended + later + self._extensions(event))
        if event.type == "TransformationEvent":
            return f"<extension>{written}</extension>"
        return f"<extension><extension>{written}</extension></extension>" if event.type == "AssociationEvent" else written

    def _only_2(self, name: str, event: EpcisEvent) -> str:
        written = self._standard(name, event)
        return written.replace(f"<{name}", f"<epcis2:{name}").replace(f"</{name}>", f"</epcis2:{name}>")

    def _standard(self, name: str, event: EpcisEvent) -> str:
        value = getattr(event, fields.FIELD_OF[name])
        if not value and name != "persistentDisposition":
            return f"<{name}/>" if fields.EMPTY_KEPT.get(event.type) == name else ""
        if name in fields.EPC_LISTS:
            return f"<{name}>" + "".join([f"<epc>{_text(one)}</epc>" for one in value]) + f"</{name}>"
        if name in fields.TEXTS:
            words = {"bizStep": BIZ_STEP, "disposition": DISPOSITION}.get(name)
            return _leaf(name, spelled(words, value, self._words) if words else value)
        if name in fields.QUANTITY_LISTS:
            return f"<{name}>" + "".join(map(_quantity, value)) + f"</{name}>"
        if name in fields.PLACES:
            return self._place(name, value)
        if name in fields.PAIRS:
            one = fields.PAIRS[name][1]
            words = pair_words[name]
            pairs = ((f' type="{_text(spelled(words, pair.type, self._words))}"' if pair.type else "", pair.id) for pair in value)
            return f"<{name}>" + "".join(f"<{one}{kind}>{_text(id)}</{one}>" for kind, id in pairs) + f"</{name}>"
        return self._rare(name, event)

    def _rare(self, name: str, event: EpcisEvent) -> str:
        if name == "certificationInfo":
            return "".join(_leaf(name, one) for one in event.certifications)
        if name == "errorDeclaration":
            return self._error(event)
        if name == "persistentDisposition":
            parts = [_leaf("unset", spelled(DISPOSITION, one, self._words)) for one in event.persistent_unset]
            parts += [_leaf("set", spelled(DISPOSITION, one, self._words)) for one in event.persistent_set]
            return f"<{name}>{''.join(parts)}</{name}>" if parts else ""
        if name == "sensorElementList":
            return f"<{name}>" + "".join(map(self._sensor, event.sensors)) + f"</{name}>"
        return f"<{name}>" + "".join(map(self.node, event.ilmd)) + f"</{name}>"

    def _place(self, name: str, place: Place) -> str:
        return f"<{name}>{_leaf('id', place.id)}{''.join(map(self.node, place.extensions))}</{name}>"

    def _error(self, event: EpcisEvent) -> str:
        error = event.error
        assert error is not None
        parts = [_leaf("declarationTime", error.time)] if error.time else []
        parts += [_leaf("reason", spelled(ERROR_REASON, error.reason, self._words))] if error.reason else []
        if error.corrective:
            ids = "".join(_leaf("correctiveEventID", one) for one in error.corrective)
            parts.append(f"<correctiveEventIDs>{ids}</correctiveEventIDs>")
        return f"<errorDeclaration>{''.join(parts)}{''.join(map(self.node, error.extensions))}</errorDeclaration>"

    def _sensor(self, sensor: Sensor) -> str:
        parts = [self._sensor_fields("sensorMetadata", sensor.metadata)] if sensor.metadata else []
        parts += [self._sensor_fields("sensorReport", report) for report in sensor.reports]
        return f"<sensorElement>{''.join(parts)}{''.join(map(self.node, sensor.extensions))}</sensorElement>"

    def _sensor_fields(self, name: str, nodes: Iterable[Node]) -> str:
        attributes, inner = "", ""
        seen: set[str] = set()
        for node in nodes:
            if node.name.startswith("{") and (node.children or node.kind or node.name in seen):
                inner += self.node(node)
                continue
            seen.add(node.name)
            value = spelled_sensor_word(node.name, node.value) if node.name in SENSOR_WORDS else node.value
            attributes += f' {self._name(node.name)}="{_text(value)}"'
        return f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"

    def node(self, node: Node) -> str:
        """An extension."""
        name = self._name(node.name)
        attributes = _KINDS.get(node.kind, "") + "".join(self._attribute(one) for one in node.children if one.name.startswith("@"))
        inner = _text(node.value) + "".join(self.node(one) for one in node.children if not one.name.startswith("@"))
        return f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"

    def _attribute(self, node: Node) -> str:
        if node.children:
            raise RejectedError(Reject.BAD_TEXT, node.name, "a text, for an attribute of XML", "an object")
        return f' {self._name(node.name[1:])}="{_text(node.value)}"'

    def _name(self, name: str) -> str:
        space, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
        if not NAME.fullmatch(local):
            raise RejectedError(Reject.BAD_TEXT, name, "a name that XML can have", local)
        if space == SBDH:
            return f"sbdh:{local}"
        if space == _XML:
            return f"xml:{local}"
        return f"{self._short[space]}:{local}" if space else local

    def document(self, document: Document, events: Iterable[EpcisEvent]) -> Iterator[bytes]:
        """The document in pieces, one event each."""
        query = document.kind == QUERY_DOCUMENT
        two = self._version is XmlVersion.V2_0
        prefix = "epcisq" if query else "epcis"
        space = (fields.QUERY_2 if two else fields.QUERY_1) if query else (fields.XSD_2 if two else fields.XSD_1)
        spaces = {prefix: space, "xsi": fields.XSI, "xs": _XS, "sbdh": SBDH} | {short: one for one, short in self._short.items()}
        if not two:
            spaces["epcis2"] = fields.XSD_2
        stated = {"schemaVersion": self._version.value, "creationDate": document.created, "id": document.id}
        attributes = "".join(f' xmlns:{short}="{_text(one)}"' for short, one in spaces.items())
        attributes += "".join(f' {name}="{_text(value)}"' for name, value in stated.items() if value)
        name = f"{prefix}:{document.kind or EPCIS_DOCUMENT}"
        opening, closing = "<EPCISBody>", "</EPCISBody>"
        if query:
            opening += f"<{prefix}:QueryResults>" + _leaf("queryName", document.query or "SimpleEventQuery")
            opening += _leaf("subscriptionID", document.subscription) if document.subscription else ""
            opening += "<resultsBody>"
            closing = f"</resultsBody></{prefix}:QueryResults></EPCISBody>"
        header = self._header(document)
        yield f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}{attributes}>{header}{opening}<EventList>'.encode()
        for event in events:
            yield self.event(event).encode()
        yield f"</EventList>{closing}{''.join(map(self.node, document.extensions))}</{name}>".encode()

    def _header(self, document: Document) -> str:
        sbdh = document.sbdh or plain_sbdh(document)
        parts = self.node(sbdh) if sbdh else ""
        if document.vocabularies:
            lists = "".join(map(self._vocabulary, document.vocabularies))
            parts += f"<extension><EPCISMasterData><VocabularyList>{lists}</VocabularyList></EPCISMasterData></extension>"
        parts += "".join(map(self.node, document.header))
        return f"<EPCISHeader>{parts}</EPCISHeader>" if parts else ""

    def _vocabulary(self, one: Vocabulary) -> str:
        elements = ""
        for element in one.elements:
            inner = ""
            for at in element.attributes:
                inner += f'<attribute id="{_text(at.id)}">{_text(at.value)}{"".join(map(self.node, at.fields))}</attribute>'
            if element.children:
                inner += f"<children>{''.join(_leaf('id', child) for child in element.children)}</children>"
            inner += "".join(map(self.node, element.extensions))
            elements += f'<VocabularyElement id="{_text(element.id)}">{inner}</VocabularyElement>'
        return f'<Vocabulary type="{_text(one.type)}"><VocabularyElementList>{elements}</VocabularyElementList></Vocabulary>'


def _quantity(one: Quantity) -> str:
    parts = _leaf("epcClass", one.epc_class)
    parts += _leaf("quantity", one.quantity) if one.quantity else ""
    return f"<quantityElement>{parts}{_leaf('uom', one.uom) if one.uom else ''}</quantityElement>"

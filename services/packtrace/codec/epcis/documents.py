"""What stands around the events, read: the members of a JSON document or the outer elements of an XML one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from packtrace.codec.epcis.document import EPCIS_DOCUMENT, QUERY_DOCUMENT, SBDH, Attribute, Document, Element, Vocabulary
from packtrace.codec.epcis.fields import EPCIS_NAMESPACES, XSI
from packtrace.codec.epcis.json_event import object_nodes
from packtrace.codec.epcis.names import Context
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.codec.epcis.xml_event import WRAPPERS, XmlEventReader
from packtrace.codec.epcis.xml_stream import Element as XmlElement
from packtrace.codec.json_text import Number
from packtrace.errors import RejectedError

_SBDH_NAME: Final = f"{{{SBDH}}}StandardBusinessDocumentHeader"
_OF_XML: Final = EPCIS_NAMESPACES | {XSI, "http://www.w3.org/2001/XMLSchema", SBDH, ""}
"""Namespaces that every EPCIS document in XML may have: no short names of its own."""
_RESULTS: Final = "epcisBody/queryResults"
_MEMBERS: Final = {
    "schemaVersion": "version",
    "creationDate": "created",
    "id": "id",
    "sender": "sender",
    "receiver": "receiver",
    "instanceIdentifier": "instance",
}
_BODY: Final = frozenset({"@context", "type", "epcisHeader", "epcisBody", f"{_RESULTS}/queryName", f"{_RESULTS}/subscriptionID"})


def of_members(members: Mapping[str, object], context: Context) -> Document:
    """The document that ``json_stream.skim`` found.

    Raises:
        RejectedError: malformed-document.
    """
    kind = members.get("type", EPCIS_DOCUMENT)
    if kind not in (EPCIS_DOCUMENT, QUERY_DOCUMENT):
        raise _bad("type", f"{EPCIS_DOCUMENT} or {QUERY_DOCUMENT}", kind)
    read: dict[str, Any] = {field: _text(members[name], name) for name, field in _MEMBERS.items() if name in members}
    header = members.get("epcisHeader", {})
    if not isinstance(header, dict):
        raise _bad("epcisHeader", "an object", header)
    master = header.get("epcisMasterData", {})
    lists = [
        master.get("vocabularyList", []) if isinstance(master, dict) else [],
        members.get(f"{_RESULTS}/resultsBody/vocabularyList", []),
    ]
    nodes = object_nodes({name: one for name, one in header.items() if name != "epcisMasterData"}, context)
    others = {name: one for name, one in members.items() if name not in _MEMBERS and name not in _BODY and "/" not in name}
    document = Document(
        kind=str(kind),
        **read,
        header=tuple(node for node in nodes if node.name != _SBDH_NAME),
        vocabularies=tuple(_vocabulary(one, context) for listed in lists for one in _objects(listed, "vocabularyList")),
        query=_text(members.get(f"{_RESULTS}/queryName", ""), "queryName"),
        subscription=_text(members.get(f"{_RESULTS}/subscriptionID", ""), "subscriptionID"),
        prefixes=tuple(sorted(context.own.items())),
        extensions=object_nodes(others, context),
    )
    return _with_sbdh(document, next((node for node in nodes if node.name == _SBDH_NAME), None))


def _bad(where: str, expected: str, found: object) -> RejectedError:
    return RejectedError(DocumentReject.MALFORMED_DOCUMENT, where, expected, found if isinstance(found, str) else type(found).__name__)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or isinstance(value, Number):
        if isinstance(value, Number):
            return str(value)  # schemaVersion 2.0 without quotation marks
        raise _bad(where, "a text", value)
    return value.strip()


def _objects(value: object, where: str) -> Iterator[dict[str, Any]]:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            raise _bad(where, "a list of objects", one)
        yield one


def _vocabulary(value: dict[str, Any], context: Context) -> Vocabulary:
    elements = []
    for one in _objects(value.get("vocabularyElementList", []), "vocabularyElementList"):
        attributes = []
        for stated in _objects(one.get("attributes", []), "attributes"):
            attribute = stated.get("attribute", "")
            fields = object_nodes(attribute, context) if isinstance(attribute, dict) else ()
            text = "" if isinstance(attribute, (dict, list)) or attribute is None else str(attribute)
            attributes.append(Attribute(_text(stated.get("id", ""), "attribute.id"), text, fields))
        children = one.get("children", [])
        if not isinstance(children, list):
            raise _bad("children", "a list of identifiers", children)
        extra = {name: inner for name, inner in one.items() if name not in ("id", "attributes", "children", "isA")}
        elements.append(
            Element(
                _text(one.get("id", ""), "vocabularyElement.id"),
                tuple(attributes),
                tuple(_text(child, "children") for child in children),
                object_nodes(extra, context),
            )
        )
    return Vocabulary(_text(value.get("type", ""), "vocabulary.type"), tuple(elements))


def of_root(root: XmlElement, prefixes: Mapping[str, str]) -> Document:
    """The document that ``XmlStream`` found around the events.

    Raises:
        RejectedError: malformed-document.
    """
    if root.name not in (EPCIS_DOCUMENT, QUERY_DOCUMENT):
        inner = next((one for one in _everywhere(root) if one.name in (EPCIS_DOCUMENT, QUERY_DOCUMENT)), None)
        if inner is None:
            raise _bad(f"line {root.line}", "EPCISDocument or EPCISQueryDocument", root.name)
        root = inner
    reader = XmlEventReader()
    header: list[XmlElement] = []
    extensions = []
    query: dict[str, str] = {}
    lists: list[XmlElement] = []
    for one in root.children:
        if one.name == "EPCISHeader":
            header += _header(one, lists)
        elif one.name in ("EPCISBody", "QueryResults", "resultsBody", "EventList", *WRAPPERS):
            for inner in [one, *_everywhere(one)]:
                if inner.name in ("queryName", "subscriptionID"):
                    query[inner.name] = inner.text.strip()
                elif inner.name == "VocabularyList":
                    lists.append(inner)
        elif one.name in ("queryName", "subscriptionID"):
            query[one.name] = one.text.strip()
        else:
            extensions.append(reader.node(one))
    sbdh = next((reader.node(one) for one in header if one.name == _SBDH_NAME), None)
    attributes = {name: text.strip() for name, text in root.attributes.items()}
    document = Document(
        kind=root.name,
        version=attributes.get("schemaVersion", ""),
        created=attributes.get("creationDate", ""),
        id=attributes.get("id", ""),
        header=tuple(reader.node(one) for one in header if one.name != _SBDH_NAME),
        vocabularies=tuple(_xml_vocabulary(one, reader) for listed in lists for one in listed.children),
        query=query.get("queryName", ""),
        subscription=query.get("subscriptionID", ""),
        prefixes=tuple(sorted((short, space) for short, space in prefixes.items() if space not in _OF_XML)),
        extensions=tuple(extensions),
    )
    return _with_sbdh(document, sbdh)


def _everywhere(element: XmlElement) -> Iterator[XmlElement]:
    for one in element.children:
        yield one
        yield from _everywhere(one)


def _header(element: XmlElement, lists: list[XmlElement]) -> Iterator[XmlElement]:
    """Parts of the header; its vocabulary lists go into ``lists``."""
    for one in element.children:
        if one.name in ("extension", "EPCISMasterData", "epcisMasterData"):
            yield from _header(one, lists)
        elif one.name == "VocabularyList":
            lists.append(one)
        else:
            yield one


def _xml_vocabulary(element: XmlElement, reader: XmlEventReader) -> Vocabulary:
    elements = []
    for listed in element.children:
        for one in listed.children if listed.name == "VocabularyElementList" else []:
            attributes, children, extensions = [], [], []
            for part in one.children:
                if part.name == "attribute":
                    fields = tuple(map(reader.node, part.children))
                    attributes.append(Attribute(part.attributes.get("id", "").strip(), part.text.strip(), fields))
                elif part.name == "children":
                    children += [child.text.strip() for child in part.children]
                else:
                    extensions.append(reader.node(part))
            elements.append(Element(one.attributes.get("id", "").strip(), tuple(attributes), tuple(children), tuple(extensions)))
    return Vocabulary(element.attributes.get("type", "").strip(), tuple(elements))


def _with_sbdh(document: Document, sbdh: Node | None) -> Document:
    """Sender, receiver and number out of the SBDH; it is kept where it says more."""
    if sbdh is None:
        return document
    stated = {
        "sender": _first(sbdh, ("Sender", "Identifier")),
        "receiver": _first(sbdh, ("Receiver", "Identifier")),
        "instance": _first(sbdh, ("DocumentIdentification", "InstanceIdentifier")),
    }
    document = msgspec.structs.replace(document, **{name: getattr(document, name) or text for name, text in stated.items()})
    return document if sbdh == plain_sbdh(document) else msgspec.structs.replace(document, sbdh=sbdh)


def _first(node: Node, path: Sequence[str]) -> str:
    for name in path:
        found = next((one for one in node.children if one.local == name), None)
        if found is None:
            return ""
        node = found
    return node.value.strip()


def plain_sbdh(document: Document) -> Node | None:
    """The SBDH that says sender, receiver and number of ``document`` and no more; None where it has none of them."""
    if not (document.sender or document.receiver or document.instance):
        return None

    def node(name: str, value: str = "", children: tuple[Node, ...] = ()) -> Node:
        return Node(f"{{{SBDH}}}{name}", value, children)

    def partner(name: str, id: str) -> Node:
        return node(name, children=(node("Identifier", id, (Node("@Authority", "GS1"),)),))

    identification = (
        node("Standard", "EPCglobal"),
        node("TypeVersion", "1.0"),
        node("InstanceIdentifier", document.instance),
        node("Type", "Events"),
        node("CreationDateAndTime", document.created),
    )
    return node(
        "StandardBusinessDocumentHeader",
        children=(
            node("HeaderVersion", "1.0"),
            partner("Sender", document.sender),
            partner("Receiver", document.receiver),
            node("DocumentIdentification", children=identification),
        ),
    )

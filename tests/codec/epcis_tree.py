"""EPCIS JSON-LD and XML documents as neutral trees, as far as the event-hash samples use them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from packtrace.codec.event_hash import Node

NAMESPACES = {"gs1": "https://gs1.org/voc/", "cbv": "https://ref.gs1.org/cbv/", "cbvmda": "urn:epcglobal:cbv:mda:"}
LISTS = {
    "epcList": "epc",
    "childEPCs": "epc",
    "inputEPCList": "epc",
    "outputEPCList": "epc",
    "quantityList": "quantityElement",
    "childQuantityList": "quantityElement",
    "inputQuantityList": "quantityElement",
    "outputQuantityList": "quantityElement",
    "bizTransactionList": "",
    "sourceList": "",
    "destinationList": "",
    "sensorElementList": "sensorElement",
}


def json_events(path: Path) -> Iterator[tuple[str, list[Node]]]:
    """(event type, fields) of each event of a JSON-LD document."""
    document = json.loads(path.read_text(encoding="utf-8"), parse_float=str, parse_int=str)
    context = document.get("@context", [])
    spaces = dict(NAMESPACES)
    for one in context if isinstance(context, list) else [context]:
        if isinstance(one, dict):
            spaces.update(one)
    body = document["epcisBody"]
    for event in body["eventList"] if "eventList" in body else body["queryResults"]["resultsBody"]["eventList"]:
        yield event.pop("type"), [node for name, value in event.items() for node in _field(name, value, spaces)]


def _field(name: str, value: object, spaces: dict[str, str]) -> Iterator[Node]:
    if name in ("rdfs:comment", "comment"):
        return
    space, _, local = name.partition(":")
    full = f"{{{spaces[space]}}}{local}" if local and space in spaces else name
    if name in LISTS and isinstance(value, list):
        yield Node(name, children=tuple(node for one in value for node in _field(LISTS[name], one, spaces)))
    elif isinstance(value, list):
        for one in value:
            yield from _field(name, one, spaces)
    elif isinstance(value, dict):
        yield Node(full, children=tuple(node for key, one in value.items() for node in _field(key, one, spaces)))
    else:
        text = {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        yield Node(full, _expanded(name, text, spaces))


def _expanded(name: str, text: str, spaces: dict[str, str]) -> str:
    """CURIEs and the bare words of sensor fields as the EPCIS context spells them out."""
    space, _, local = text.partition(":")
    if local and space in ("gs1", "cbv"):
        return spaces[space] + local
    if name == "component" and ":" not in text:
        return f"https://ref.gs1.org/cbv/Comp-{text}"
    if name in ("type", "exception") and text[:1].isupper() and ":" not in text:
        return f"https://gs1.org/voc/{text}"
    return text


def xml_events(path: Path) -> Iterator[tuple[str, list[Node]]]:
    """(event type, fields) of each event of an EPCIS 1.2 or 2.0 XML document."""
    root = ElementTree.fromstring(path.read_bytes())
    events = next(element for element in root.iter() if element.tag.endswith("EventList"))
    for element in events:
        inner = element[0] if element.tag == "extension" else element
        if inner.tag == "extension":
            inner = inner[0]
        yield inner.tag.rpartition("}")[2], list(_children(inner))


def _children(element: ElementTree.Element) -> Iterator[Node]:
    for child in element:
        if child.tag in ("extension", "baseExtension"):
            yield from _children(child)
            continue
        text = (child.text or "").strip()
        if child.tag in ("bizTransaction", "source", "destination"):
            stated = [Node("type", child.attrib["type"])] if "type" in child.attrib else []
            yield Node("", children=(*stated, Node(child.tag, text)))
        else:
            attributes = tuple(Node(name, _expanded(name, value, NAMESPACES)) for name, value in child.attrib.items())
            yield Node(child.tag, text, (*attributes, *_children(child)))

"""The CBV 2.0 event hash: an event id that everybody computes alike from what the event says.

An event is a neutral ordered tree here, shaped as in EPCIS XML, so that JSON events, EPCIS JSON-LD and EPCIS XML hash by one
function. Standard fields go in the order of CBV, everything else after them, sorted. The record time, the event id and an
error declaration do not count: a correction has the hash of the event it corrects.

Numbers are brought into one form where the standard has numbers, and nowhere else: serial ``007`` stays ``007``.

Source: CBV 2.0, 8.9.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from packtrace.codec.digital_link import DOMAIN
from packtrace.codec.gs1_uri import canonical_uri
from packtrace.codec.identifiers import digital_link, gln_link, lot_link
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, SOURCE_DESTINATION_TYPE, TRANSACTION_TYPE, Words, web_uri
from packtrace.domain.dates import date_text, read_time, time_text, zone_text
from packtrace.domain.event import Event
from packtrace.domain.identifiers import extension_of, gtin_of, lot_of
from packtrace.domain.vocabulary import Action, EventType
from packtrace.errors import RejectedError

PACKTRACE: Final = "{urn:packtrace:}"
MASTER_DATA: Final = "{urn:epcglobal:cbv:mda:}"


class Node(NamedTuple):
    """One field: standard ones by their EPCIS name, others as ``{namespace}name``; an unnamed one only groups its children."""

    name: str
    value: str = ""
    children: tuple[Node, ...] = ()


_QUANTITY = ("epcClass", "quantity", "uom")
# fmt: off
_ORDER: Final[dict[str, tuple[str, ...]]] = {
    # field -> its standard children in order; "event" is the event itself. The five after bizLocation stand as the published
    # samples have them (sensors first, then by name), which every implementation follows, not as the standard lists them.
    "event": (
        "eventTime", "eventTimeZoneOffset", "certificationInfo", "epcList", "parentID", "inputEPCList", "childEPCs", "quantityList",
        "childQuantityList", "inputQuantityList", "outputEPCList", "outputQuantityList", "action", "transformationID", "bizStep",
        "disposition", "persistentDisposition", "readPoint", "bizLocation", "sensorElementList", "bizTransactionList",
        "destinationList", "ilmd", "sourceList",
    ),
    "": ("type", "bizTransaction", "source", "destination"),
    "quantityElement": _QUANTITY,
    "persistentDisposition": ("set", "unset"),
    "readPoint": ("id",),
    "bizLocation": ("id",),
    "sensorElement": ("sensorMetadata", "sensorReport"),
    "sensorMetadata": (
        "time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules",
    ),
    "sensorReport": (
        "type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "time", "microorganism",
        "chemicalSubstance", "value", "component", "stringValue", "booleanValue", "hexBinaryValue", "uriValue", "minValue",
        "maxValue", "meanValue", "sDev", "percRank", "percValue", "uom", "coordinateReferenceSystem",
    ),
}
# fmt: on
_IGNORED = frozenset({"recordTime", "eventID", "errorDeclaration"})
_TIMES = frozenset({"eventTime", "time", "startTime", "endTime"})
_NUMBERS = frozenset({"quantity", "value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"})
_WORDS: Final = {
    "bizStep": (BIZ_STEP,),
    "disposition": (DISPOSITION,),
    "set": (DISPOSITION,),
    "unset": (DISPOSITION,),
    "type": (TRANSACTION_TYPE, SOURCE_DESTINATION_TYPE),
}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def prehash(event_type: str, fields: Iterable[Node]) -> str:
    """The text the hash is taken of; ``event_type`` is e.g. ``ObjectEvent``."""
    return f"eventType={event_type}" + _joined("event", [field for field in fields if field.name not in _IGNORED])


def hashed(text: str) -> str:
    """The event id of a pre-hash string: a named-information URI (RFC 6920) with the version of CBV."""
    return f"ni:///sha-256;{hashlib.sha256(text.encode()).hexdigest()}?ver=CBV2.0"


def _joined(parent: str, children: Iterable[Node]) -> str:
    order = _ORDER.get(parent, ())
    by_name: dict[str, list[str]] = {name: [] for name in order}
    others: list[str] = []
    for child in children:
        written = _written(child)
        if child.name in by_name:
            by_name[child.name].append(written)
        elif written:
            others.append(written)
    return "".join(text for texts in (*by_name.values(), others) for text in sorted(texts))


def _written(node: Node) -> str:
    children = _joined(node.name, node.children)
    value = _canonical(node.name, node.value.strip()) if node.value else ""
    if not value and not children and not node.name.startswith("{"):
        return ""
    return f"{node.name}={value}{children}" if value else f"{node.name}{children}"


def _canonical(name: str, value: str) -> str:
    if name in _TIMES:
        return _milliseconds(value)
    if name in _NUMBERS:
        return _number(value)
    if name in _WORDS:
        return _word(_WORDS[name], value)
    return canonical_uri(value)


def _milliseconds(value: str) -> str:
    """UTC with three fraction digits, half a millisecond rounded up."""
    try:
        micros = (read_time(value) + 500) // 1000 * 1000
    except RejectedError:
        return value
    text = time_text(micros)
    return text if "." in text else text.replace("Z", ".000Z")


def _number(value: str) -> str:
    if not _NUMBER.fullmatch(value):
        return value
    text = format(Decimal(value), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _word(vocabularies: tuple[Words, ...], value: str) -> str:
    for words in vocabularies:
        try:
            stored = words.stored(value)
        except RejectedError:
            continue
        if stored in words.words:
            return web_uri(words, stored)
    return value


_EVENT_TYPES = {one: f"{one.capitalize()}Event" for one in EventType}


def hash_of(event: Event) -> str:
    """The CBV event hash of an event, its own fields that EPCIS lacks taken as extensions of ``urn:packtrace:``."""
    return hashed(prehash(_EVENT_TYPES[event.type], tree(event)))


def tree(event: Event) -> Iterator[Node]:
    """The EPCIS fields of an event (rules.md 2): place is the business location, source and destination parties own."""
    yield Node("eventTime", time_text(event.event_time))
    if event.zone_minutes is not None:
        yield Node("eventTimeZoneOffset", zone_text(event.zone_minutes))
    for name, keys in (
        ("epcList", event.epcs),
        ("childEPCs", event.children),
        ("inputEPCList", event.inputs),
        ("outputEPCList", event.outputs),
    ):
        yield Node(name, children=tuple(Node("epc", digital_link(key)) for key in keys))
    yield Node("parentID", digital_link(event.parent) if event.parent else "")
    classes = (Node("epcClass", lot_link(gtin_of(key), lot_of(key))) for key in event.lots)
    yield Node("quantityList", children=tuple(Node("quantityElement", children=(one,)) for one in classes))
    yield Node("action", str(event.action or ""))
    yield Node("bizStep", event.biz_step)
    yield Node("disposition", event.disposition)
    for name, gln in (("readPoint", event.read_point), ("bizLocation", event.place)):
        yield Node(name, children=(Node("id", gln_link(gln) if gln else ""),))
    pairs = tuple(Node("", children=(Node("type", one.type), Node("bizTransaction", one.id))) for one in event.transactions)
    yield Node("bizTransactionList", children=pairs)
    yield from _party_lists(event)
    yield from _own_fields(event)
    if event.extensions:
        yield from _extensions(json.loads(event.extensions))


def _party_lists(event: Event) -> Iterator[Node]:
    for name, party, place in (
        ("source", event.source_party, event.source_place),
        ("destination", event.destination_party, event.destination_place),
    ):
        stated = [("owning_party", _party_link(party))] if party else []
        stated += [("location", gln_link(place))] if place else []
        pairs = (Node("", children=(Node("type", kind), Node(name, uri))) for kind, uri in stated)
        yield Node(f"{name}List", children=tuple(pairs))


def _party_link(party: str) -> str:
    return gln_link(party) if extension_of(party) else f"{DOMAIN}/417/{party}"


def _own_fields(event: Event) -> Iterator[Node]:
    """Lot and expiry are instance data where EPCIS has such; the rest are extensions."""
    in_ilmd = event.action is Action.ADD or event.type is EventType.TRANSFORMATION
    expiry = date_text(event.expiry)
    if in_ilmd:
        stated = (Node(f"{MASTER_DATA}lotNumber", event.lot), Node(f"{MASTER_DATA}itemExpirationDate", expiry))
        yield Node("ilmd", children=tuple(node for node in stated if node.value))
    for name, value in (
        ("lot", "" if in_ilmd else event.lot),
        ("expiry", "" if in_ilmd else expiry),
        ("party", event.party and gln_link(event.party)),
        ("line", event.line),
        ("boot", "" if event.boot is None else str(event.boot)),
        ("sequence", "" if event.sequence is None else str(event.sequence)),
        ("device", event.device),
        ("operator", event.operator),
        ("reason", event.reason),
        ("partial", "true" if event.partial else ""),
    ):
        if value:
            yield Node(PACKTRACE + name, value)


def _extensions(stated: dict[str, object]) -> Iterator[Node]:
    for name, value in stated.items():
        full = name if name.startswith("{") else f"{PACKTRACE}extensions:{name}"
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield Node(full, children=tuple(_extensions(one)))
            else:
                yield Node(full, one if isinstance(one, str) else json.dumps(one))

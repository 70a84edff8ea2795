"""The CBV event hash of a neutral event: its fields as the tree that ``event_hash`` writes out.

Short names, spellings and the format do not count; neither do comments, the record time, the event id and an error
declaration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from packtrace.codec.epcis import fields
from packtrace.codec.epcis.event import EpcisEvent, Place, Sensor
from packtrace.codec.epcis.native import neutral_of
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.vocabulary import SENSOR_WORDS, spelled_sensor_word
from packtrace.codec.event_hash import Version, hashed, prehash
from packtrace.domain.event import Event

_COMMENTS: Final = frozenset({f"{{{fields.RDFS}}}comment", "comment"})


def hash_of(event: EpcisEvent, version: Version = Version.CBV_2_0) -> str:
    """The event id that everybody computes alike from what the event says."""
    return hashed(prehash_of(event), version)


def hash_of_event(event: Event) -> str:
    """The same of an event of packtrace, what EPCIS has no field for taken as extensions of ``urn:packtrace:``."""
    return hash_of(neutral_of(event))


def prehash_of(event: EpcisEvent) -> str:
    """The text that is hashed."""
    return prehash(event.type, tree(event))


def tree(event: EpcisEvent) -> Iterator[Node]:
    """The fields of ``event``; order does not matter."""
    yield Node("eventTime", event.event_time)
    yield Node("eventTimeZoneOffset", event.zone)
    yield from (Node("certificationInfo", one) for one in event.certifications)
    for name, field in fields.EPC_LISTS.items():
        yield Node(name, children=tuple([Node("epc", one) for one in getattr(event, field)]))
    for name, field in fields.QUANTITY_LISTS.items():
        stated = ((Node("epcClass", one.epc_class), Node("quantity", one.quantity), Node("uom", one.uom)) for one in getattr(event, field))
        yield Node(name, children=tuple(Node("quantityElement", children=one) for one in stated))
    for name in ("action", "parentID", "transformationID", "bizStep", "disposition"):
        yield Node(name, getattr(event, fields.TEXTS[name]))
    for name, field in fields.PLACES.items():
        place: Place | None = getattr(event, field)
        if place is not None:
            yield Node(name, children=(Node("id", place.id), *_others(place.extensions)))
    for name, (field, one) in fields.PAIRS.items():
        pairs = tuple(Node("", children=(Node("type", pair.type), Node(one, pair.id))) for pair in getattr(event, field))
        yield Node(name, children=pairs)
    yield Node("sensorElementList", children=tuple(map(_sensor, event.sensors)))
    words = (*(Node("set", one) for one in event.persistent_set), *(Node("unset", one) for one in event.persistent_unset))
    yield Node("persistentDisposition", children=words)
    yield Node("ilmd", children=tuple(_others(event.ilmd)))
    yield from _others(event.extensions)


def _others(nodes: Iterable[Node]) -> Iterator[Node]:
    """Extensions without comments; attributes count as fields."""
    for node in nodes:
        if node.name not in _COMMENTS:
            name = node.name.removeprefix("@") if node.name.startswith("@") else node.name
            yield Node(name, node.value, tuple(_others(node.children)))


def _sensor(sensor: Sensor) -> Node:
    metadata = Node("sensorMetadata", children=tuple(_others(sensor.metadata)))
    reports = (Node("sensorReport", children=tuple(_others(map(_spelled, report)))) for report in sensor.reports)
    return Node("sensorElement", children=(metadata, *reports, *_others(sensor.extensions)))


def _spelled(node: Node) -> Node:
    return Node(node.name, spelled_sensor_word(node.name, node.value)) if node.name in SENSOR_WORDS else node

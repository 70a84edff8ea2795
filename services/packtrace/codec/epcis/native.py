"""The event of packtrace as a neutral EPCIS event: what a line wrote, in the standard's terms.

Place is the business location, source and destination parties own, the rest are extensions of ``urn:packtrace:`` (rules.md 2).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from packtrace.codec.digital_link import DOMAIN
from packtrace.codec.epcis.event import EpcisEvent, ErrorDeclaration, Pair, Place, Quantity
from packtrace.codec.epcis.fields import CBV_MDA, PACKTRACE
from packtrace.codec.epcis.items import URI
from packtrace.codec.epcis.node import Node
from packtrace.codec.identifiers import digital_link, gln_link, lot_link
from packtrace.domain.dates import date_text, time_text, zone_text
from packtrace.domain.event import Event
from packtrace.domain.identifiers import extension_of, gtin_of, lot_of
from packtrace.domain.vocabulary import Action, EventType


def neutral_of(event: Event) -> EpcisEvent:
    """``event`` in EPCIS; for one that came as EPCIS see ``original``."""
    in_ilmd = event.action is Action.ADD or event.type is EventType.TRANSFORMATION
    expiry = date_text(event.expiry)
    instance = (("lotNumber", event.lot), ("itemExpirationDate", expiry)) if in_ilmd else ()
    correction = event.correction
    return EpcisEvent(
        type=f"{event.type.capitalize()}Event",
        event_time=time_text(event.event_time),
        zone="" if event.zone_minutes is None else zone_text(event.zone_minutes),
        event_id=event.id,
        error=None if correction is None else ErrorDeclaration("", correction.reason, correction.corrective),
        action=str(event.action or ""),
        epcs=tuple(map(digital_link, event.epcs)),
        parent=digital_link(event.parent) if event.parent else "",
        children=tuple(map(digital_link, event.children)),
        inputs=tuple(map(digital_link, event.inputs)),
        outputs=tuple(map(digital_link, event.outputs)),
        quantities=tuple(Quantity(lot_link(gtin_of(key), lot_of(key))) for key in event.lots),
        biz_step=event.biz_step,
        disposition=event.disposition,
        read_point=Place(gln_link(event.read_point)) if event.read_point else None,
        location=Place(gln_link(event.place)) if event.place else None,
        transactions=tuple(Pair(one.type, one.id) for one in event.transactions),
        sources=tuple(_parties(event.source_party, event.source_place)),
        destinations=tuple(_parties(event.destination_party, event.destination_place)),
        ilmd=tuple(Node(f"{{{CBV_MDA}}}{name}", value) for name, value in instance if value),
        extensions=(*_own_fields(event, "" if in_ilmd else expiry, "" if in_ilmd else event.lot), *_extensions(event.extensions)),
    )


def presentable(event: EpcisEvent, record_time: int) -> EpcisEvent:
    """``event`` as an answer has it: with the time it was recorded, and with what EPCIS requires and a line need not state.

    Args:
        record_time: microseconds; also the declaration time of a correction that states none.
    """
    error = event.error
    if error is not None:
        corrective = tuple(as_uri("event", one) for one in error.corrective)
        error = msgspec.structs.replace(error, time=error.time or time_text(record_time), corrective=corrective)
    return msgspec.structs.replace(
        event,
        record_time=time_text(record_time),
        zone=event.zone or "+00:00",
        error=error,
        event_id=as_uri("event", event.event_id),
        transactions=tuple(Pair(one.type, as_uri("transaction", one.id)) for one in event.transactions),
    )


def as_uri(kind: str, text: str) -> str:
    """``text`` where it is a URI; else a name of ours that holds it, for EPCIS has URIs where a line may have any text."""
    if not text or URI.fullmatch(text):
        return text
    escaped = "".join(
        one if (one.isalnum() and one.isascii()) or one in "-._~" else "".join(f"%{byte:02X}" for byte in one.encode()) for one in text
    )
    return f"{PACKTRACE}{kind}:{escaped}"


def _parties(party: str, place: str) -> Iterator[Pair]:
    if party:
        yield Pair("owning_party", gln_link(party) if extension_of(party) else f"{DOMAIN}/417/{party}")
    if place:
        yield Pair("location", gln_link(place))


def _own_fields(event: Event, expiry: str, lot: str) -> Iterator[Node]:
    for name, value in (
        ("lot", lot),
        ("expiry", expiry),
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
            yield Node(f"{{{PACKTRACE}}}{name}", value)


def _extensions(text: str) -> Iterator[Node]:
    if text:
        yield from _nodes(json.loads(text))


def _nodes(stated: dict[str, object]) -> Iterator[Node]:
    for name, value in stated.items():
        full = name if name.startswith("{") else f"{{{PACKTRACE}extensions:}}{name}"
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield Node(full, children=tuple(_nodes(one)))
            else:
                yield Node(full, one if isinstance(one, str) else json.dumps(one), (), "" if isinstance(one, str) else _kind(one))


def _kind(value: object) -> str:
    return "null" if value is None else "boolean" if isinstance(value, bool) else "number"

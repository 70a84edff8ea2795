"""The event as JSON (design.md 6): bytes -> raw event -> event, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from packtrace.codec.event_check import check
from packtrace.codec.identifiers import digital_link, lot_link
from packtrace.codec.json_text import json_value
from packtrace.codec.plain_text import extensions_text
from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction
from packtrace.domain.dates import date_text, read_time, time_text, zone_text
from packtrace.domain.event import Event
from packtrace.domain.identifiers import gtin_of, lot_of
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

__all__ = ["RawCorrection", "RawEvent", "RawTransaction", "decode_event", "raw_from_json", "raw_of", "raw_to_json", "to_json"]

_AT = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_TYPE = re.compile(r"Expected (.*), got (.*)")


def raw_from_json(data: bytes | str) -> RawEvent:
    """Types and time only: identifiers stay unread, as in a record that a line wrote.

    Raises:
        RejectedError: malformed-json (also duplicate keys and depth beyond 32), unknown-field, missing-field, wrong-type, bad-time.
    """
    return _raw(json_value(data))


def decode_event(data: bytes | str | Mapping[str, object], *, log_time: int | None = None) -> Event:
    """One JSON event, read and checked. Raises RejectedError."""
    raw = _raw(dict(data)) if isinstance(data, Mapping) else raw_from_json(data)
    return check(raw, log_time=log_time)


def _raw(value: object) -> RawEvent:
    if not isinstance(value, dict):
        raise RejectedError(Reject.WRONG_TYPE, expected="one JSON object", found=type(value).__name__)
    fields: dict[str, Any] = dict(value)
    for name in ("type", "event_time"):
        if name not in fields:
            raise RejectedError(Reject.MISSING_FIELD, name, f"the field {name}")
    stated_time, extensions = fields["event_time"], fields.get("extensions", {})
    if not isinstance(stated_time, str):
        raise RejectedError(Reject.WRONG_TYPE, "event_time", "text such as 2026-11-22T10:00:00.125Z", type(stated_time).__name__)
    if not isinstance(extensions, dict):
        raise RejectedError(Reject.WRONG_TYPE, "extensions", "a JSON object", type(extensions).__name__)
    try:
        fields["event_time"] = read_time(stated_time)
    except RejectedError as error:
        raise error.inside("event_time") from error
    if "extensions" in fields:
        try:
            fields["extensions"] = extensions_text(extensions)
        except RejectedError as error:
            raise error.inside("extensions") from error
    if "epcis" in fields:
        if not isinstance(fields["epcis"], dict):
            raise RejectedError(Reject.WRONG_TYPE, "epcis", "a JSON object", type(fields["epcis"]).__name__)
        fields["epcis"] = _original_text(fields["epcis"])
    if "time_zone" not in fields and not stated_time.endswith("Z"):
        fields["time_zone"] = stated_time[-6:]  # the only zone the source stated
    try:
        return msgspec.convert(fields, RawEvent)
    except msgspec.ValidationError as error:
        raise _rejected(str(error)) from error


def _original_text(value: dict[str, object]) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, OverflowError) as error:
        raise RejectedError(Reject.BAD_TEXT, "epcis", "UTF-8 text and numbers of 64 bits", str(error)) from error


def _rejected(text: str) -> RejectedError:
    """A ``msgspec.ValidationError`` in our words."""
    place = _AT.search(text)
    where, text = (place[1], text[: place.start()]) if place else ("", text)
    prefix = f"{where}." if where else ""
    if match := _UNKNOWN.fullmatch(text):
        return RejectedError(Reject.UNKNOWN_FIELD, prefix + match[1], "a field of the event", match[1])
    if match := _MISSING.fullmatch(text):
        return RejectedError(Reject.MISSING_FIELD, prefix + match[1], f"the field {match[1]}")
    if match := _TYPE.fullmatch(text):
        return RejectedError(Reject.WRONG_TYPE, where, match[1].replace("`", ""), match[2].replace("`", ""))
    return RejectedError(Reject.WRONG_TYPE, where, text)


def raw_of(event: Event) -> RawEvent:
    """``event`` in canonical text, ready to be published: ``check(raw_of(e)) == e``."""
    return RawEvent(
        id=event.id,
        event_time=event.event_time,
        sequence=event.sequence,
        epcs=tuple(map(digital_link, event.epcs)),
        parent=digital_link(event.parent) if event.parent else "",
        children=tuple(map(digital_link, event.children)),
        type=str(event.type),
        action="" if event.action is None else str(event.action),
        time_zone="" if event.zone_minutes is None else zone_text(event.zone_minutes),
        biz_step=event.biz_step,
        disposition=event.disposition,
        inputs=tuple(map(digital_link, event.inputs)),
        outputs=tuple(map(digital_link, event.outputs)),
        lots=tuple(lot_link(gtin_of(key), lot_of(key)) for key in event.lots),
        lot=event.lot,
        expiry=date_text(event.expiry),
        place=event.place,
        read_point=event.read_point,
        party=event.party,
        source_party=event.source_party,
        source_place=event.source_place,
        destination_party=event.destination_party,
        destination_place=event.destination_place,
        line=event.line,
        boot=event.boot,
        device=event.device,
        operator=event.operator,
        reason=event.reason,
        partial=event.partial,
        transactions=tuple(RawTransaction(one.type, one.id) for one in event.transactions),
        correction=None
        if event.correction is None
        else RawCorrection(event.correction.reason, event.correction.events, event.correction.corrective),
        extensions=event.extensions,
        epcis=event.epcis or None,
    )


_ORDER = (
    "id",
    "type",
    "action",
    "event_time",
    "time_zone",
    "biz_step",
    "disposition",
    "epcs",
    "parent",
    "children",
    "inputs",
    "outputs",
    "lots",
)


def raw_to_json(raw: RawEvent) -> bytes:
    """A raw event as one line of JSON, its identifiers as they came."""
    fields = msgspec.to_builtins(raw)
    fields["event_time"] = time_text(raw.event_time)
    if raw.extensions:
        fields["extensions"] = msgspec.Raw(raw.extensions.encode())
    if raw.epcis:
        fields["epcis"] = msgspec.Raw(raw.epcis.encode())
    if raw.correction is not None:
        fields["correction"] = {name: value for name, value in fields["correction"].items() if value}
    ordered = {name: fields[name] for name in _ORDER if name in fields}
    return msgspec.json.encode(ordered | fields)


def to_json(event: Event) -> bytes:
    """Canonical JSON: items as Digital Links, times ISO 8601 with Z; ``decode_event(to_json(e)) == e``."""
    return raw_to_json(raw_of(event))

"""``schemas/event.schema.json``, ``event.avsc`` and the raw event name the same fields and limits."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from packtrace.codec.event_check import EVENTS_CORRECTED_MAX, TRANSACTIONS_MAX
from packtrace.codec.event_shape import EPCS_MAX
from packtrace.codec.plain_text import EXTENSIONS_MAX
from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction
from packtrace.codec.vocabulary_words import TEXT_CHARACTERS_MAX
from packtrace.contracts import schema_text
from packtrace.domain.event import Event
from packtrace.domain.identifiers import EPC_CHARACTERS_MAX
from packtrace.domain.vocabulary import Action, EventType

SCHEMA: dict[str, Any] = json.loads(schema_text("event.schema.json"))
AVRO: dict[str, Any] = json.loads(schema_text("event.avsc"))
PROPERTIES = SCHEMA["properties"]


def names(struct: type[msgspec.Struct]) -> list[str]:
    return list(struct.__struct_fields__)


def test_avro_and_raw_event_have_the_same_fields_in_the_same_order() -> None:
    assert [field["name"] for field in AVRO["fields"]] == names(RawEvent)


def test_json_has_the_fields_of_the_raw_event() -> None:
    assert set(PROPERTIES) == set(names(RawEvent))
    assert set(PROPERTIES["transactions"]["items"]["properties"]) == set(names(RawTransaction))
    assert set(PROPERTIES["correction"]["properties"]) == set(names(RawCorrection))


def test_the_event_has_the_fields_of_the_raw_event_its_zone_in_minutes() -> None:
    assert set(names(Event)) - {"zone_minutes"} == set(names(RawEvent)) - {"time_zone"}


def test_json_and_raw_event_agree_on_types() -> None:
    generated = msgspec.json.schema(RawEvent)["$defs"]["RawEvent"]["properties"]
    for name, described in PROPERTIES.items():
        if name in ("event_time", "correction", "extensions", "epcis"):
            continue  # text in JSON; checked by the examples
        wanted = generated[name]
        kinds = {one.get("type") for one in wanted.get("anyOf", [wanted])} - {"null"}
        target = SCHEMA["$defs"][described["$ref"].rpartition("/")[2]] if "$ref" in described else described
        assert {target.get("type", "string")} == kinds, name


def test_json_names_the_closed_lists_and_limits_of_the_code() -> None:
    assert PROPERTIES["type"]["enum"] == list(EventType)
    assert PROPERTIES["action"]["enum"] == list(Action)
    assert {PROPERTIES[name]["maxItems"] for name in ("epcs", "children", "inputs", "outputs", "lots")} == {EPCS_MAX}
    assert PROPERTIES["transactions"]["maxItems"] == TRANSACTIONS_MAX
    assert PROPERTIES["correction"]["properties"]["events"]["maxItems"] == EVENTS_CORRECTED_MAX
    assert PROPERTIES["extensions"]["maxProperties"] == EXTENSIONS_MAX
    assert {SCHEMA["$defs"][name]["maxLength"] for name in ("item", "lot_class", "gln")} == {EPC_CHARACTERS_MAX}
    assert {SCHEMA["$defs"][name]["maxLength"] for name in ("word", "text")} == {TEXT_CHARACTERS_MAX}

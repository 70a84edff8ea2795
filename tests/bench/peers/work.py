"""What both peers do with an event; how they keep and write it is their own affair."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import fastavro
import msgspec

from packtrace.codec.identifiers import parse_item
from packtrace.contracts import schema_text

FRAME_BYTES = 5
ALERT = "duplicate-commissioning"
TABLE = "peer_history"
CREATE = (
    "CREATE OR REPLACE TABLE peer_history (item String, event_time Int64, event_id String, kind LowCardinality(String), "
    "outcome LowCardinality(String), parent String, place LowCardinality(String), lot LowCardinality(String)) "
    "ENGINE = MergeTree ORDER BY (item, event_time)"
)
COLUMNS = ["item", "event_time", "event_id", "kind", "outcome", "parent", "place", "lot"]

_SCHEMA: Any = fastavro.parse_schema(msgspec.json.decode(schema_text("event.avsc")))


class Item(NamedTuple):
    """What is known of an item: the event that commissioned it, and the container it is in."""

    born: str = ""
    parent: str = ""
    place: str = ""
    lot: str = ""
    last: str = ""


class Row(NamedTuple):
    """Of the history, in the order of ``COLUMNS``."""

    item: str
    event_time: int
    event_id: str
    kind: str
    outcome: str
    parent: str
    place: str
    lot: str


def read(value: bytes) -> dict[str, Any]:
    """The event of a record."""
    event: Any = fastavro.schemaless_reader(io.BytesIO(value[FRAME_BYTES:]), _SCHEMA, None)
    return dict(event)


def ops(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(item, container it was packed into), each identifier read and its check digit verified."""
    parent = parse_item(event["parent"]) if event["parent"] else ""
    if parent:
        yield parent, ""
    for text in event["epcs"]:
        yield parse_item(text), ""
    for text in event["children"]:
        yield parse_item(text), parent


def judge(item: Item, event: dict[str, Any], key: str, parent: str) -> tuple[Item, Row]:
    """The item after an event, and the row of it."""
    kind, event_id = event["biz_step"], event["id"]
    outcome = "applied"
    if event_id == item.last or event_id == item.born:
        outcome = "repeat"
    elif kind == "commissioning":
        if item.born:
            outcome = ALERT
        else:
            item = Item(event_id, item.parent, event["place"], event["lot"], event_id)
    else:
        item = Item(item.born, parent or item.parent, event["place"], item.lot, event_id)
    return item, Row(key, event["event_time"], event_id, kind, outcome, item.parent, item.place, item.lot)

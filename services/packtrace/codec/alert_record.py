"""Records of the topic ``alerts``: one change of an alert with its lineage (schemas/alert.avsc)."""

from __future__ import annotations

import io
from functools import cache
from typing import Any, NamedTuple

import fastavro
import msgspec

from packtrace.contracts import schema_text
from packtrace.domain.alert import AlertChange
from packtrace.domain.vocabulary import Severity, Status


class AlertRecord(NamedTuple):
    """``partition`` and ``offset`` are of ops, ``nth`` numbers the changes of that record."""

    change: AlertChange
    partition: int
    offset: int
    nth: int


def encode(record: AlertRecord) -> bytes:
    """The Avro body."""
    out = io.BytesIO()
    value = msgspec.structs.asdict(record.change)
    value["events"] = list(record.change.events)
    value["detail"] = dict(record.change.detail)
    value["status"], value["severity"] = record.change.status.value, record.change.severity.value
    value |= {"partition": record.partition, "offset": record.offset, "index": record.nth}
    fastavro.schemaless_writer(out, _schema(), value)
    return out.getvalue()


def decode(body: bytes) -> AlertRecord:
    """Read the Avro body."""
    value: Any = fastavro.schemaless_reader(io.BytesIO(body), _schema(), None)
    lineage = value.pop("partition"), value.pop("offset"), value.pop("index")
    value["events"] = tuple(value["events"])
    value["status"], value["severity"] = Status(value["status"]), Severity(value["severity"])
    return AlertRecord(AlertChange(**value), *lineage)


@cache
def _schema() -> Any:
    return fastavro.parse_schema(msgspec.json.decode(schema_text("alert.avsc")))

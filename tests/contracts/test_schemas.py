"""The Avro schemas as contracts: examples that hold, examples that do not, and a gate that tells good changes from bad ones."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import avro.io
import avro.schema
import fastavro
import pytest
from avro.errors import AvroException
from fastavro.validation import validate

from packtrace.codec import alert_record, event_avro, ops, reference_record, rejected_record
from packtrace.codec.avro_body import _refuse_bombs, incompatibilities
from packtrace.codec.event_check import check
from packtrace.contracts import schema_text, topics
from packtrace.domain.reference_file import read_change
from tests.contracts.schema_examples import SCHEMAS, examples, record_of

Schema = dict[str, Any]


def _all(kind: str, suffix: str) -> list[Any]:
    return [pytest.param(schema, path, id=f"{schema}-{path.stem}") for schema in SCHEMAS for path in examples(schema, kind, suffix)]


def test_every_topic_has_its_schema_and_every_schema_its_examples() -> None:
    assert {row.value for row in topics().values()} == set(SCHEMAS)
    for schema in SCHEMAS:
        assert examples(schema, "valid", "json") and examples(schema, "invalid", "json"), schema
        assert [path.stem for path in examples(schema, "valid", "json")] == [path.stem for path in examples(schema, "valid", "avro")]


@pytest.mark.parametrize(("schema", "path"), _all("valid", "json"))
def test_a_valid_example_is_written_and_read_alike_by_both_libraries(schema: str, path: Path) -> None:
    record = record_of(path, schema)
    ours, theirs = fastavro.parse_schema(json.loads(schema_text(schema))), avro.schema.parse(schema_text(schema))
    written = io.BytesIO()
    avro.io.DatumWriter(theirs).write(_with_defaults(record, json.loads(schema_text(schema))), avro.io.BinaryEncoder(written))
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, ours, record)
    assert buffer.getvalue() == written.getvalue()
    read = fastavro.schemaless_reader(io.BytesIO(buffer.getvalue()), ours, None)
    assert read == avro.io.DatumReader(theirs).read(avro.io.BinaryDecoder(io.BytesIO(buffer.getvalue())))
    assert {name: read[name] for name in record} == record  # type: ignore[index]


@pytest.mark.parametrize(("schema", "path"), _all("valid", "avro"))
def test_what_an_earlier_version_wrote_is_read_today(schema: str, path: Path) -> None:
    with path.open("rb") as file:
        reader = fastavro.reader(file, reader_schema=json.loads(schema_text(schema)))
        written = json.dumps(reader.writer_schema)
        (record,) = reader
    expected = record_of(path.with_suffix(".json"), schema)
    assert {name: record[name] for name in expected} == expected  # type: ignore[index]
    assert incompatibilities(reader=schema_text(schema), writer=written) == []


@pytest.mark.parametrize(("schema", "path"), _all("invalid", "json"))
def test_an_invalid_example_is_refused_by_both_libraries(schema: str, path: Path) -> None:
    record = record_of(path, schema)
    full = _with_defaults(record, json.loads(schema_text(schema)))
    with pytest.raises(AvroException):
        avro.io.DatumWriter(avro.schema.parse(schema_text(schema))).write(full, avro.io.BinaryEncoder(io.BytesIO()))
    assert not validate(full, fastavro.parse_schema(json.loads(schema_text(schema))), raise_errors=False)


def _with_defaults(record: Any, schema: Schema) -> Any:
    """``avro`` fills no defaults in."""
    defaults = {field["name"]: field["default"] for field in schema["fields"] if "default" in field}
    empty = {name: b"" if value == "" and _type(schema, name) == "bytes" else value for name, value in defaults.items()}
    return empty | record


def _type(schema: Schema, name: str) -> Any:
    return next(field["type"] for field in schema["fields"] if field["name"] == name)


@pytest.mark.parametrize(("schema", "path"), _all("valid", "json"))
def test_our_own_readers_understand_the_examples(schema: str, path: Path) -> None:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(json.loads(schema_text(schema))), record_of(path, schema))
    READERS[schema](buffer.getvalue())


READERS: dict[str, Callable[[bytes], object]] = {
    "event.avsc": lambda body: check(event_avro.decode(body)),
    "reference.avsc": lambda body: read_change(reference_record.decode(body).change),
    "rejected.avsc": rejected_record.decode,
    "ops.avsc": ops.decode,
    "alert.avsc": alert_record.decode,
    "history.avsc": lambda body: body,
    "incident.avsc": lambda body: body,
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_no_schema_of_ours_could_do_a_reader_harm(schema: str) -> None:
    _refuse_bombs(json.loads(schema_text(schema)), {}, (), 0)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_no_enum_turns_an_unknown_word_into_a_known_one(schema: str) -> None:
    """An enum's default stands for words a reader does not know: it is UNKNOWN or there is none."""
    assert all(enum.get("default", "UNKNOWN") == "UNKNOWN" for enum in _enums(json.loads(schema_text(schema))))


def test_an_enum_that_would_is_found() -> None:
    bad = {"type": "array", "items": {"type": "enum", "name": "Action", "symbols": ["ADD", "DELETE"], "default": "ADD"}}
    assert [enum["default"] for enum in _enums(bad)] == ["ADD"]


def _enums(schema: Any) -> Iterator[Schema]:
    if isinstance(schema, list):
        for one in schema:
            yield from _enums(one)
    elif isinstance(schema, dict):
        if schema.get("type") == "enum":
            yield schema
        for value in schema.values():
            yield from _enums(value)


# the gate


def _add_with_default(schema: Schema) -> None:
    schema["fields"].append({"name": "added", "type": "string", "default": ""})


def _add_optional(schema: Schema) -> None:
    schema["fields"].insert(0, {"name": "added", "type": ["null", "long"], "default": None})


def _remove(schema: Schema) -> None:
    schema["fields"].pop()


def _reorder(schema: Schema) -> None:
    schema["fields"].reverse()


def _document(schema: Schema) -> None:
    schema["doc"] = "other words"


def _widen(schema: Schema) -> None:
    """int -> long, or a field -> a union with it."""
    field = next((one for one in schema["fields"] if one["type"] == "int"), None)
    if field is not None:
        field["type"] = "long"
    else:
        field = next(one for one in schema["fields"] if one["type"] == "string")
        field["type"] = ["string", "null"]


def _add_without_default(schema: Schema) -> None:
    schema["fields"].append({"name": "added", "type": "string"})


def _rename_needed(schema: Schema) -> None:
    field = _needed(schema)
    field["name"] = "renamed"
    field.pop("default", None)


def _change_type(schema: Schema) -> None:
    field = next(one for one in schema["fields"] if one["type"] in ("string", "bytes", "long", "int"))
    field["type"] = "boolean"
    field.pop("default", None)


def _narrow(schema: Schema) -> None:
    """A union -> one of its types, long -> int, or text -> a list of texts."""
    for field in schema["fields"]:
        if isinstance(field["type"], list) or field["type"] == "long":
            field["type"] = "long" if isinstance(field["type"], list) else "int"
            field.pop("default", None)
            return
    field = _needed(schema)
    field["type"] = {"type": "array", "items": "string"}
    field.pop("default", None)


def _rename_record(schema: Schema) -> None:
    schema["name"] = "Another"


def _needed(schema: Schema) -> Schema:
    found: Schema = next((one for one in schema["fields"] if "default" not in one), schema["fields"][0])
    return found


@pytest.mark.parametrize("change", [_add_with_default, _add_optional, _remove, _reorder, _document, _widen])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_gate_lets_a_good_change_pass(schema: str, change: Callable[[Schema], None]) -> None:
    old = json.loads(schema_text(schema))
    new = copy.deepcopy(old)
    change(new)
    assert new != old
    assert incompatibilities(reader=json.dumps(new), writer=json.dumps(old)) == []


@pytest.mark.parametrize("change", [_add_without_default, _rename_needed, _change_type, _narrow, _rename_record])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_gate_stops_a_bad_change_and_says_where(schema: str, change: Callable[[Schema], None]) -> None:
    old = json.loads(schema_text(schema))
    new = copy.deepcopy(old)
    change(new)
    found = incompatibilities(reader=json.dumps(new), writer=json.dumps(old))
    assert found and all(found)

"""The reference file: every valid example is read, every invalid one refused with its place; the schema says what the reader reads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from packtrace.contracts import folder
from packtrace.domain.reference import Reference, parse_file
from packtrace.domain.reference_file import _SHAPES
from packtrace.domain.vocabulary import Level
from packtrace.errors import RejectedError

EXAMPLES = folder() / "examples"
VALID = [EXAMPLES / "reference.json", *sorted((EXAMPLES / "reference/valid").glob("*.json"))]
INVALID = sorted((EXAMPLES / "reference/invalid").glob("*.json"))


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_example_is_read(path: Any) -> None:
    changes = parse_file(path.read_bytes())
    Reference.empty().changed(changes)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_is_refused_with_what_was_expected(path: Any) -> None:
    with pytest.raises(RejectedError) as refused:
        parse_file(path.read_bytes())
    assert refused.value.expected


def test_the_schema_has_the_fields_the_reader_has() -> None:
    schema = msgspec.json.decode((folder() / "reference.schema.json").read_bytes())
    for shape in _SHAPES.values():
        entity = schema["properties"][shape.array]["items"]
        assert set(entity["properties"]) == {field.name for field in shape.fields}
        assert set(entity["required"]) == {field.name for field in shape.fields if field.required}
    assert set(schema["properties"]) == {shape.array for shape in _SHAPES.values()} | {"policy"}


def test_what_was_read_is_found() -> None:
    reference = Reference.empty().changed(parse_file((EXAMPLES / "reference.json").read_bytes()))
    product = reference.product("09506000134352")
    assert product is not None
    assert (product.own, product.level) == (True, Level.UNIT)
    lot = reference.lot("09506000134352", "L7")
    assert lot is not None
    assert lot.expiry == 20280531

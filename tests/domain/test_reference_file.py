"""The reference file: every valid example is read, every invalid one refused with its place; the schema says what the reader reads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from packtrace.contracts import folder
from packtrace.domain.reference import Reference, ReferenceChange, dated, parse_file
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


def test_a_policy_counts_for_what_is_logged_after_it_and_is_read_back_as_it_was_kept() -> None:
    stated = ReferenceChange("policy", "policy", '{"window_hours": 5}')
    loaded = Reference.empty().changed([stated], log_time=1_000)
    assert (loaded.policy_at(1_000).window_hours, loaded.policy_at(1_001).window_hours) == (72, 5)
    again = Reference.empty().changed([dated(stated, 1_000)])
    assert (again.policy_at(1_000).window_hours, again.policy_at(1_001).window_hours) == (72, 5)
    removed = loaded.changed([ReferenceChange("policy", "policy", None)], log_time=2_000)
    assert [removed.policy_at(time).window_hours for time in (1_000, 2_000, 2_001)] == [72, 5, 72]

"""Bodies joined into a block read back as the values they were made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.codec import native

TYPES = {
    "UInt8": st.integers(0, 2**8 - 1),
    "UInt16": st.integers(0, 2**16 - 1),
    "UInt32": st.integers(0, 2**32 - 1),
    "UInt64": st.integers(0, 2**64 - 1),
    "Int32": st.integers(-(2**31), 2**31 - 1),
    "Int64": st.integers(-(2**63), 2**63 - 1),
    "DateTime64(6, 'UTC')": st.integers(0, 2**53),
    "String": st.binary(max_size=300),
    "LowCardinality(String)": st.binary(max_size=5),
    "Array(String)": st.lists(st.binary(max_size=200), max_size=4).map(tuple),
}


@given(st.data(), st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=6), st.integers(0, 5))
def test_a_block_reads_back(data: st.DataObject, types: list[str], rows: int) -> None:
    columns = [(f"c{number}", type_) for number, type_ in enumerate(types)]
    values = [[data.draw(TYPES[type_]) for _ in range(rows)] for type_ in types]
    bodies = [native.body(type_, column) for type_, column in zip(types, values, strict=True)]
    read_columns, read_rows = native.read(native.block(columns, rows, bodies))
    assert read_columns == [(name, native.sent_type(type_)) for name, type_ in columns]
    assert read_rows == list(zip(*values, strict=True))


@given(st.lists(st.lists(st.binary(max_size=200), max_size=4), max_size=4))
def test_joined_bodies_are_the_body_of_the_joined_values(parts: list[list[bytes]]) -> None:
    joined = b"".join(native.texts(part) for part in parts)
    assert joined == native.texts([value for part in parts for value in part])
    assert list(native.split_texts(joined)) == [value for part in parts for value in part]


@given(st.data(), st.sampled_from(sorted(TYPES)), st.lists(st.integers(0, 3), max_size=4))
def test_bodies_of_any_type_join(data: st.DataObject, type_: str, rows: list[int]) -> None:
    parts = [[data.draw(TYPES[type_]) for _ in range(count)] for count in rows]
    joined = native.joined(type_, [native.body(type_, part) for part in parts], rows)
    assert joined == native.body(type_, [value for part in parts for value in part])


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(0, 6))
def test_a_text_body_is_cut_between_values(values: list[bytes], rows: int) -> None:
    rows = min(rows, len(values))
    body = native.texts(values)
    end = native.text_end(body, rows)
    assert body[:end] == native.texts(values[:rows])
    assert body[end:] == native.texts(values[rows:])


@given(st.integers(0, 2**64 - 1))
def test_one_row_is_a_body_of_one(number: int) -> None:
    assert native.number_encoder("Q")(number) == native.numbers("UInt64", [number])
    assert native.text(str(number)) == native.texts([str(number)])


@pytest.mark.parametrize("cut", [1, 3, 20])
def test_a_block_with_bytes_missing_is_refused(cut: int) -> None:
    whole = native.block((("a", "UInt64"), ("b", "String")), 2, [native.numbers("UInt64", [1, 2]), native.texts(["x", "yy"])])
    with pytest.raises(ValueError, match="native block"):
        native.read(whole[:-cut])
    with pytest.raises(ValueError, match="native block"):
        native.read(whole + b"x")


TEXT = st.text(max_size=4) | st.sampled_from(("", "A1B2", "x" * 127, "x" * 128, "y" * 2047, "y" * 2048, "é"))


@given(st.lists(TEXT, max_size=6))
def test_columns_of_one_kind_are_written_as_any(values: list[str]) -> None:
    data = [value.encode() for value in values]
    assert native.strings(values) == native.blobs(data) == native.texts(values)

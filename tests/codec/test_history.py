"""History records: decode(encode(rows)) == rows, bounded records, the table's own columns."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from packtrace.codec.history import COLUMNS, RECORD_BYTES_MAX, HistoryBuilder, Row, decode, rows_of
from packtrace.contracts import folder

TEXT = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
INT = st.integers(0, 2**40)


@st.composite
def row(draw: st.DrawFn) -> Row:
    values: list[object] = []
    for name, type_ in COLUMNS:
        if name == "partition":
            continue
        if name in ("fact", "state"):
            values.append(draw(st.binary(max_size=200)))
        elif "String" in type_:
            values.append(draw(TEXT))
        elif type_ == "UInt8":
            values.append(draw(st.integers(0, 1)))
        elif type_ in ("UInt32", "Int32"):
            values.append(draw(st.integers(0, 2**31 - 1)))
        else:
            values.append(draw(INT))
    return Row(*values)  # type: ignore[arg-type]


@given(st.lists(row(), min_size=1, max_size=8))
def test_what_is_written_is_read(rows: list[Row]) -> None:
    builder = HistoryBuilder(7)
    for one in rows:
        builder.add(one)
    (body,) = builder.take()
    record = decode(body)
    found = rows_of(record)
    assert [{name: value for name, value in one.items() if name != "partition"} for one in found] == [one._asdict() for one in rows]
    assert {one["partition"] for one in found} == {7}
    assert record.lineage() == [(one.offset, one.position) for one in rows]
    assert record.ends() == (record.lineage()[0], record.lineage()[-1])
    assert builder.take() == []


def test_records_are_bounded_in_bytes() -> None:
    builder = HistoryBuilder(0)
    big = Row(*["x" * 16 if "String" in type_ else 0 for name, type_ in COLUMNS if name != "partition"])._replace(  # type: ignore[arg-type]
        fact=b"", state=b"s" * 10_000
    )
    for n in range(200):
        builder.add(big._replace(offset=n))
    records = builder.take()
    assert len(records) > 1
    assert all(len(body) <= RECORD_BYTES_MAX for body in records)
    assert [offset for body in records for offset, _ in decode(body).lineage()] == list(range(200))


def test_the_table_has_these_columns_in_this_order() -> None:
    sql = (folder() / "clickhouse" / "0001_history.sql").read_text(encoding="utf-8")
    body = sql[sql.index("(") + 1 : sql.index("INDEX")]
    found = re.findall(r"^\s+(\w+)\s+(.+?)\s+COMMENT", body, re.MULTILINE)
    assert [(name, type_.strip()) for name, type_ in found] == list(COLUMNS)

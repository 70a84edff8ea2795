"""History records: decode(encode(rows)) == rows, bounded records, the table's own columns."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence

import fastavro
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec import native
from packtrace.codec.history import (
    COLUMNS,
    RECORD_BYTES_MAX,
    VERSION,
    HistoryBuilder,
    HistoryRecord,
    Like,
    Row,
    decode,
    encode,
    like,
    rows_of,
)
from packtrace.contracts import folder, schema_text

TEXT = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=20) | st.sampled_from(("", "é", "x" * 130))
INT = st.integers(0, 2**40)


@st.composite
def row(draw: st.DrawFn) -> Row:
    values: list[object] = []
    for name, type_ in COLUMNS:
        if name == "partition":
            continue
        if name in ("fact", "state"):
            values.append(draw(st.binary(max_size=200) | st.sampled_from((b"", b"s" * 3000))))
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


def plain(rows: Sequence[Row], partition: int) -> list[bytes]:
    """The records of ``rows``, one value after the other: what the builder must write."""
    records: list[list[Row]] = [[]]
    size = 0
    for one in rows:
        more = 288 + sum(map(len, (one.item, one.event_id, one.parent, one.other, one.fact, one.state)))
        if size + more > RECORD_BYTES_MAX and records[-1]:
            records.append([])
            size = 0
        records[-1].append(one)
        size += more
    bodies = []
    for group in records:
        columns = [[partition if name == "partition" else getattr(one, name) for one in group] for name, _ in COLUMNS]
        record = HistoryRecord(
            partition, len(group), [native.body(type_, values) for (_, type_), values in zip(COLUMNS, columns, strict=True)]
        )
        bodies.append(encode(record))
    return bodies


@given(st.lists(st.sampled_from((b"", b"x", b"y" * 63, b"z" * 64, b"w" * 20_000)), min_size=len(COLUMNS), max_size=len(COLUMNS)), INT, INT)
def test_a_record_is_what_an_avro_writer_writes(bodies: list[bytes], partition: int, rows: int) -> None:
    out = io.BytesIO()
    columns = dict(zip((name for name, _ in COLUMNS), bodies, strict=True))
    schema = fastavro.parse_schema(json.loads(schema_text("history.avsc")))
    fastavro.schemaless_writer(out, schema, {"version": VERSION, "partition": partition % 2**31, "rows": rows % 2**31, "columns": columns})
    assert encode(HistoryRecord(partition % 2**31, rows % 2**31, bodies)) == out.getvalue()


SHARED = (
    "row_type", "kind", "role", "outcome", "life", "reason", "parent", "custody", "place", "destination", "lot", "expiry",
    "fact_type", "fact_version", "fact_retracted",
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.tuples(row(), row(), st.sampled_from(("row", "like", "fact of the like"))), min_size=1, max_size=12), st.integers(0, 3))
def test_rows_are_written_alike_whichever_way_they_were_added(drawn: list[tuple[Row, Row, str]], kinds: int) -> None:
    likes: dict[Row, Like] = {}
    builder = HistoryBuilder(7)
    rows: list[Row] = []
    for n, (own, shared, way) in enumerate(drawn):
        model = drawn[n % (kinds + 1)][1] if kinds < len(drawn) else shared
        one = own._replace(**{name: getattr(model, name) for name in SHARED})
        if way == "fact of the like":
            one = one._replace(fact=model.fact)
        rows.append(one)
        if way == "row":
            builder.add(one)
            continue
        if model not in likes:
            likes[model] = like(**{name: getattr(model, name) for name in (*SHARED, "fact")})
        builder.add_like(
            likes[model], one.item, one.event_time, one.log_time, one.event_id, one.event_partition, one.event_offset, one.other,
            one.state, one.offset, one.position, None if way == "fact of the like" else one.fact,
        )  # fmt: skip
    assert builder.take() == plain(rows, 7)


def test_records_are_cut_where_the_plain_way_cuts_them() -> None:
    rows = [
        Row(*["x" * 16 if "String" in type_ else 0 for name, type_ in COLUMNS if name != "partition"])._replace(  # type: ignore[arg-type]
            fact=b"f" * (n % 7), state=b"s" * (9_000 + n * 7), parent="p" * (n % 3), offset=n
        )
        for n in range(150)
    ]
    builder = HistoryBuilder(3)
    for one in rows:
        builder.add(one)
    assert builder.take() == plain(rows, 3)


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

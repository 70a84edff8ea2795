"""Migrations: what may be applied, and what is refused before anything is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packtrace.adapters.clickhouse_migrate import compare, read_migrations
from packtrace.errors import RefusedError


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name.removeprefix('f')}.sql").write_text(text, encoding="utf-8")
    return folder


def test_files_are_read_in_order_statement_by_statement(tmp_path: Path) -> None:
    write(
        tmp_path,
        f0001_a="-- a note; with a semicolon\nCREATE TABLE a (x String COMMENT 'a;b');\n\nCREATE TABLE b (x String);\n-- end\n",
        f0002_b="SELECT 1",
    )
    files = read_migrations(tmp_path)
    assert [(file.number, file.name) for file in files] == [(1, "0001_a.sql"), (2, "0002_b.sql")]
    assert [len(file.statements) for file in files] == [2, 1]
    assert files[0].statements[1] == "CREATE TABLE b (x String)"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"f0002_b": "SELECT 1"}, "numbered 0001"),
        ({"f0001_a": "SELECT 1", "f0003_c": "SELECT 1"}, "numbered 0002"),
        ({"f0001_a": "SELECT 1", "f0001_b": "SELECT 1"}, "numbered 0002"),
        ({"notes": "SELECT 1"}, "NNNN_name.sql"),
        ({"f0001_a": "-- nothing\n"}, "no statement"),
        ({}, "at least one"),
    ],
)
def test_files_that_are_no_sequence_are_refused(tmp_path: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        read_migrations(write(tmp_path, **files))


def test_only_what_is_new_is_left(tmp_path: Path) -> None:
    files = read_migrations(write(tmp_path, f0001_a="SELECT 1", f0002_b="SELECT 2"))
    applied = [(file.number, file.name, file.checksum) for file in files]
    assert compare(files, []) == files
    assert compare(files, applied[:1]) == files[1:]
    assert compare(files, applied) == []


def test_what_was_applied_must_be_the_beginning_byte_for_byte(tmp_path: Path) -> None:
    files = read_migrations(write(tmp_path, f0001_a="SELECT 1", f0002_b="SELECT 2"))
    applied = [(file.number, file.name, file.checksum) for file in files]
    with pytest.raises(RefusedError, match=r"0001_a\.sql changed"):
        compare(files, [(1, "0001_a.sql", "0" * 64)])
    with pytest.raises(RefusedError, match="lacks number 0001"):
        compare(files, applied[1:])
    with pytest.raises(RefusedError, match="newer"):
        compare(files, [*applied, (3, "0003_c.sql", "0" * 64)])


def test_every_statement_of_ours_may_be_repeated() -> None:
    repeatable = re.compile(
        r"CREATE (TABLE|MATERIALIZED VIEW) IF NOT EXISTS |CREATE OR REPLACE VIEW |ALTER TABLE \w+ (ADD|DROP|COMMENT|MODIFY) \w+ IF (NOT )?EXISTS "
        r"|ALTER TABLE \w+ MODIFY SETTING |DROP \w+ IF EXISTS "
    )
    for file in read_migrations():
        for statement in file.statements:
            text = re.sub(r"(?m)^\s*--.*\n", "", statement).strip()
            assert repeatable.match(text), f"{file.name}: {text[:80]}"


def test_every_table_and_column_of_ours_says_what_it_is() -> None:
    for file in read_migrations():
        for statement in file.statements:
            text = re.sub(r"(?m)^\s*--.*\n", "", statement).strip()
            if text.startswith("CREATE TABLE"):
                columns, _, rest = text.partition("\n)\n")
                for line in columns.splitlines()[2:]:
                    if line.strip() and not line.strip().startswith("INDEX"):
                        assert "COMMENT '" in line, f"{file.name}: {line.strip()}"
                assert "COMMENT '" in rest, f"{file.name}: {text[:60]}"
                if rest.startswith("ENGINE = Null"):
                    continue  # it keeps nothing: the tables that it fills look for the token
                assert "non_replicated_deduplication_window" in rest, f"{file.name}: {text[:60]}"
            elif text.startswith("CREATE OR REPLACE VIEW"):
                assert "\nCOMMENT '" in text, f"{file.name}: {text[:60]}"

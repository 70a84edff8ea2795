"""Numbered migrations of the analytical store: forward only, each applied once, its checksum kept.

A migration is ``schemas/clickhouse/NNNN_name.sql``: statements that each end with ``;`` at the end of a line. Every statement
must be repeatable (``IF NOT EXISTS``, ``CREATE OR REPLACE``), because a crash inside a file applies it again from its start.
The table ``migrations`` holds what was applied; a changed, missing or unknown file is refused before anything is done.

The lock is a table: creating one is atomic. Its holder renews it before each file; a lock not renewed for
``LOCK_SECONDS`` belongs to a process that died, and the next one takes it over. Should two take it over at one moment,
both apply the same repeatable statements and store the same row under the same token.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.codec import native
from packtrace.contracts import folder
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import HistoryStore

LOCK_SECONDS = 60
LOCK_POLL_SECONDS = 0.5
MIGRATION_SECONDS_MAX = 300
"""Of one statement."""

_FILE = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")
_STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)
_COMMENT_LINE = re.compile(r"^[ \t]*--.*$", re.MULTILINE)

_COLUMNS = (("number", "UInt32"), ("name", "String"), ("checksum", "String"), ("applied_at", "DateTime64(6, 'UTC')"))

_CREATE = """
CREATE TABLE IF NOT EXISTS migrations
(
    number     UInt32 COMMENT 'of the file',
    name       String COMMENT 'file name',
    checksum   String COMMENT 'SHA-256 of the file, hexadecimal',
    applied_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree ORDER BY number
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Which migrations this database has; written by packtrace migrate only'
"""
_APPLIED = "SELECT number, name, checksum FROM migrations FINAL ORDER BY number"
_LOCK = "CREATE TABLE migrations_lock (holder UInt8) ENGINE = Null"
_RENEW = "ALTER TABLE migrations_lock MODIFY COMMENT 'held by packtrace migrate; renewed each file'"
_UNLOCK = "DROP TABLE IF EXISTS migrations_lock"
_LOCK_AGE = """
SELECT toInt64(toUnixTimestamp(now()) - toUnixTimestamp(metadata_modification_time))
FROM system.tables WHERE database = currentDatabase() AND name = 'migrations_lock'
"""


class Migration(NamedTuple):
    """One file."""

    number: int
    name: str
    checksum: str
    statements: tuple[str, ...]


class Report(NamedTuple):
    """What was there already and what was done, as file names."""

    present: tuple[str, ...]
    applied: tuple[str, ...]


def read_migrations(directory: Path | None = None) -> list[Migration]:
    """The files in order.

    Raises:
        RefusedError: a name that is no migration's, a number twice or left out, a file without a statement.
    """
    found: list[Migration] = []
    for path in sorted((directory or folder() / "clickhouse").iterdir()):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise RefusedError(f"migrations: expected files named NNNN_name.sql, found {path.name!r}")
        if int(match[1]) != len(found) + 1:
            raise RefusedError(f"migrations: expected a file numbered {len(found) + 1:04d}, found {path.name!r}")
        text = path.read_text(encoding="utf-8")
        statements = tuple(part.strip() for part in _STATEMENT_END.split(text) if _COMMENT_LINE.sub("", part).strip())
        if not statements:
            raise RefusedError(f"migrations: {path.name} holds no statement")
        found.append(Migration(int(match[1]), path.name, hashlib.sha256(text.encode()).hexdigest(), statements))
    if not found:
        raise RefusedError("migrations: expected at least one file, found none")
    return found


def compare(files: Sequence[Migration], applied: Sequence[tuple[int, str, str]]) -> list[Migration]:
    """The files still to be applied.

    Raises:
        RefusedError: what was applied is not the beginning of ``files``, byte for byte.
    """
    for index, (number, name, checksum) in enumerate(applied):
        if number != index + 1:
            raise RefusedError(f"migrations: the database lacks number {index + 1:04d} but has {name}")
        if index >= len(files):
            raise RefusedError(f"migrations: the database has {name}, which this version of packtrace does not know; it is newer")
        if files[index].checksum != checksum:
            raise RefusedError(
                f"migrations: {files[index].name} changed after it was applied: expected checksum {checksum[:12]}, "
                f"found {files[index].checksum[:12]}. Put it back and write a new file"
            )
    return list(files[len(applied) :])


def pending(store: HistoryStore, directory: Path | None = None) -> list[Migration]:
    """What ``apply`` would do now; reads only."""
    files = read_migrations(directory)
    exists = store.query("SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'migrations'")
    return compare(files, _applied(store) if exists[0][0] else [])


def migrate(url: str, database: str = "packtrace") -> Report:
    """Make the database where it does not exist, and bring it up to date; raises what ``apply`` raises."""
    store = ClickHouseStore(url, database, timeout_seconds=MIGRATION_SECONDS_MAX, client="packtrace-migrate")
    try:
        store.create_database()
        return apply(store)
    finally:
        store.close()


def apply(
    store: HistoryStore, directory: Path | None = None, lock_seconds: float = LOCK_SECONDS, wait_seconds: float = 2 * LOCK_SECONDS
) -> Report:
    """Bring an existing database up to date.

    1. take the lock;  2. compare files and table;  3. per file: renew the lock, run its statements, store its row;  4. unlock.

    A crash before a row is stored runs that file again; a crash before 4 makes the next one wait ``lock_seconds``.

    Args:
        lock_seconds: a lock not renewed for so long belongs to a process that died.
        wait_seconds: how long to wait for one that lives.

    Raises:
        RefusedError: a changed or unknown file, a gap, a statement the server does not take.
        UnavailableError: the server is away.
    """
    files = read_migrations(directory)
    _take_lock(store, lock_seconds, wait_seconds)
    try:
        store.command(_CREATE)
        todo = compare(files, _applied(store))
        for migration in todo:
            store.command(_RENEW)
            for statement in migration.statements:
                store.command(statement)
            store.insert(
                "migrations", _COLUMNS, 1, _row(migration, time.time_ns() // 1000), f"migration/{migration.number}/{migration.checksum}"
            )
    finally:
        store.command(_UNLOCK)
    done = tuple(migration.name for migration in todo)
    return Report(tuple(file.name for file in files if file.name not in done), done)


def _applied(store: HistoryStore) -> list[tuple[int, str, str]]:
    return [(int(str(number)), str(name), str(checksum)) for number, name, checksum in store.query(_APPLIED)]


def _take_lock(store: HistoryStore, lock_seconds: float, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            store.command(_LOCK)
            return
        except RefusedError:
            ages = store.query(_LOCK_AGE)
        if ages and int(str(ages[0][0])) >= lock_seconds:
            store.command(_UNLOCK)
            continue
        if time.monotonic() >= deadline:
            raise UnavailableError("migrations: another process has been migrating this database for long; see the table migrations_lock")
        time.sleep(LOCK_POLL_SECONDS)


def _row(migration: Migration, applied_at: int) -> bytes:
    """The Native block of one row of ``migrations``."""
    cells = (migration.number, migration.name, migration.checksum, applied_at)
    return native.block(_COLUMNS, 1, [native.body(type_, [cell]) for (_, type_), cell in zip(_COLUMNS, cells, strict=True)])

"""Named queries and the subscriptions to them: a SQLite file under the home folder, the one thing this service writes.

How far a subscriber is, is written after it has said yes, and forced to disk: after a crash it is told again, never too little.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Final

import msgspec

QUERIES_MAX: Final = 1_000
SUBSCRIPTIONS_MAX: Final = 1_000


class NamedQuery(msgspec.Struct, frozen=True):
    """``query``: parameter -> values, as ``search_parameters.from_body`` answers; ``stated``: as it was sent."""

    name: str
    query: dict[str, list[str]]
    stated: msgspec.Raw
    prefixes: dict[str, str] = {}


class Subscription(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is told, and when.

    Args:
        schedule: part -> text (``schedule.Schedule``); empty: whenever there is something new.
        since: microseconds; events logged before are not told.
    """

    id: str
    query: str
    dest: str
    created: int
    since: int
    secret: str = ""
    schedule: dict[str, str] = {}
    report_if_empty: bool = False


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a subscriber is.

    Args:
        offsets: partition of the log -> last offset told; JSON has its keys as text.
        looked: microseconds, up to when its schedule has been looked at.
        failures: in a row; ``not_before``: microseconds, no further attempt earlier; ``trouble``: why the last one failed.
    """

    offsets: dict[int, int] = {}
    looked: int = 0
    told: int = 0
    failures: int = 0
    not_before: int = 0
    trouble: str = ""


class FullError(Exception):
    """As many as are kept."""


class TakenError(Exception):
    """There is one of that name."""


class Named:
    """See the module. One connection, one writer at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("CREATE TABLE IF NOT EXISTS query (name TEXT PRIMARY KEY, body BLOB NOT NULL)")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS subscription (id TEXT PRIMARY KEY, query TEXT NOT NULL REFERENCES query(name) ON DELETE CASCADE, "
            "body BLOB NOT NULL, progress BLOB NOT NULL)"
        )

    def add(self, query: NamedQuery) -> None:
        """Raises TakenError, FullError."""
        with self._lock:
            if self._count("query") >= QUERIES_MAX:
                raise FullError
            try:
                self._connection.execute("INSERT INTO query VALUES (?, ?)", (query.name, msgspec.json.encode(query)))
            except sqlite3.IntegrityError as error:
                raise TakenError from error

    def find(self, name: str) -> NamedQuery | None:
        with self._lock:
            row = self._connection.execute("SELECT body FROM query WHERE name = ?", (name,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=NamedQuery)

    def all(self) -> list[NamedQuery]:
        """By name."""
        with self._lock:
            rows = self._connection.execute("SELECT body FROM query ORDER BY name").fetchall()
        return [msgspec.json.decode(row[0], type=NamedQuery) for row in rows]

    def remove(self, name: str) -> bool:
        """With its subscriptions; whether there was one."""
        with self._lock:
            return self._connection.execute("DELETE FROM query WHERE name = ?", (name,)).rowcount > 0

    def subscribe(self, one: Subscription) -> None:
        """Raises FullError; TakenError: its query is gone."""
        with self._lock:
            if self._count("subscription") >= SUBSCRIPTIONS_MAX:
                raise FullError
            progress = msgspec.json.encode(Progress(looked=one.created))
            try:
                self._connection.execute(
                    "INSERT INTO subscription VALUES (?, ?, ?, ?)", (one.id, one.query, msgspec.json.encode(one), progress)
                )
            except sqlite3.IntegrityError as error:
                raise TakenError from error

    def subscriptions(self, query: str = "") -> list[tuple[Subscription, Progress]]:
        """Of one query, or all of them."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT body, progress FROM subscription WHERE ? IN ('', query) ORDER BY id", (query,)
            ).fetchall()
        return [(msgspec.json.decode(row[0], type=Subscription), msgspec.json.decode(row[1], type=Progress)) for row in rows]

    def unsubscribe(self, query: str, id: str) -> bool:
        """Whether there was one."""
        with self._lock:
            return self._connection.execute("DELETE FROM subscription WHERE id = ? AND query = ?", (id, query)).rowcount > 0

    def advance(self, id: str, progress: Progress) -> None:
        """Remember how far the subscriber is; nothing where it has left meanwhile."""
        with self._lock:
            self._connection.execute("UPDATE subscription SET progress = ? WHERE id = ?", (msgspec.json.encode(progress), id))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _count(self, table: str) -> int:
        sql = {"query": "SELECT count(*) FROM query", "subscription": "SELECT count(*) FROM subscription"}[table]
        (count,) = self._connection.execute(sql).fetchone()
        return int(count)

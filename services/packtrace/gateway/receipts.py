"""What was answered, by capture id, so that ``GET /capture/{id}`` and a repeated document get the same answer.

A SQLite file under the home folder, the newest ``captures_max`` of them. It survives a kill of the process; a power cut may
take the newest entries (WAL without a sync per commit). What is forgotten costs nothing but the answer: the same document
sent again gets the same id, and its events are repeats that the tracker drops.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Literal

import msgspec

Behaviour = Literal["proceed", "rollback"]
"""What one bad event does to the others of its document (EPCIS 2.0, captureErrorBehaviour)."""


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event of a body. Withheld: it is good, but another is not and one bad event was to undo all."""

    index: int
    status: Literal["accepted", "rejected", "withheld"]
    id: str = ""
    code: str = ""
    where: str = ""
    expected: str = ""
    found: str = ""


class Warned(msgspec.Struct, frozen=True):
    """Something that was read although it is not as it should be; ``index`` -1: of the document."""

    index: int
    where: str
    text: str


class Receipt(msgspec.Struct, frozen=True):
    """The answer to one body. ``captured_at`` is ISO 8601 UTC.

    Args:
        events: verdict by verdict; of a document of more than 10,000 events the rejected alone.
        count: events of the document; 0: as many as ``events``.
        master_data: entities of reference data that the document has made known.
    """

    capture: str
    captured_at: str
    accepted: int
    rejected: int
    events: list[Verdict]
    behaviour: Behaviour = "proceed"
    count: int = 0
    master_data: int = 0
    warnings: list[Warned] = []

    @property
    def complete(self) -> bool:
        """Whether there is a verdict for every event."""
        return self.count in (0, len(self.events))


class Receipts:
    """See the module. One connection, one writer at a time."""

    def __init__(self, path: Path, captures_max: int = 10_000) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._captures_max = captures_max
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS capture (id TEXT PRIMARY KEY, number INTEGER NOT NULL, receipt BLOB NOT NULL)")
        self._connection.execute("CREATE INDEX IF NOT EXISTS capture_number ON capture (number)")
        (newest,) = self._connection.execute("SELECT coalesce(max(number), 0) FROM capture").fetchone()
        self._next = int(newest) + 1

    def find(self, capture: str) -> Receipt | None:
        with self._lock:
            row = self._connection.execute("SELECT receipt FROM capture WHERE id = ?", (capture,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Receipt)

    def store(self, receipt: Receipt) -> None:
        """Keep ``receipt``, replacing an older one of the same id; forget the oldest beyond the limit."""
        with self._lock:
            self._connection.execute("BEGIN")
            self._connection.execute(
                "INSERT OR REPLACE INTO capture (id, number, receipt) VALUES (?, ?, ?)",
                (receipt.capture, self._next, msgspec.json.encode(receipt)),
            )
            self._connection.execute("DELETE FROM capture WHERE number <= ?", (self._next - self._captures_max,))
            self._connection.execute("COMMIT")
            self._next += 1

    def page(self, before: int | None, size: int) -> tuple[list[Receipt], int | None]:
        """The newest ``size`` answers older than number ``before``, and the number to go on from; None: there are no more."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT number, receipt FROM capture WHERE number < ? ORDER BY number DESC LIMIT ?",
                (self._next if before is None else before, size + 1),
            ).fetchall()
        found = [msgspec.json.decode(row[1], type=Receipt) for row in rows[:size]]
        return found, int(rows[size - 1][0]) if len(rows) > size else None

    def close(self) -> None:
        with self._lock:
            self._connection.close()

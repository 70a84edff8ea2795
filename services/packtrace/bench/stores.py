"""What the two stores hold, in bytes and rows, and whether ClickHouse has a row for every op."""

from __future__ import annotations

from typing import NamedTuple

from packtrace.ports import HistoryStore

_PARTS = (
    "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts "
    "WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table"
)
_ROWS = "SELECT row_type, outcome IN ('repeat', 'resent'), count() FROM history FINAL GROUP BY 1, 2"


class TableSize(NamedTuple):
    """A table as it lies on the disk: repeats that no merge has met yet are rows, too."""

    rows: int
    bytes: int
    parts: int

    @property
    def bytes_per_row(self) -> float:
        return round(self.bytes / self.rows, 1) if self.rows else 0.0


class Rows(NamedTuple):
    """Of ``history``."""

    ops: int
    repeated_ops: int
    facts: int
    all: int


def tables(history: HistoryStore) -> dict[str, TableSize]:
    return {str(row[0]): TableSize(*(int(str(number)) for number in row[1:])) for row in history.query(_PARTS)}


def rows(history: HistoryStore) -> Rows:
    """Counted with FINAL."""
    counts = {(str(row[0]), bool(row[1])): int(str(row[2])) for row in history.query(_ROWS)}
    of = {kind: sum(number for (name, _), number in counts.items() if name == kind) for kind in ("op", "fact")}
    return Rows(of["op"], counts.get(("op", True), 0), of["fact"], sum(counts.values()))

"""The analytical store in memory: the fake beside ``clickhouse``, held to the same suite (tests/contracts/test_history_store.py).

It decodes the blocks it is given, remembers ``window`` tokens a table, and answers a small closed part of SQL:
``SELECT columns|count() FROM table [WHERE column = {name:Type} [AND ...]] [ORDER BY columns]``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence

from packtrace.codec.native import read
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import Position

# fmt: off
LINEAGE: dict[str, tuple[str, str, str, str]] = {
    #table       source      column           offset        position
    "history":   ("ops",       "partition",     "offset",     "position"),
    "alerts":    ("ops",       "partition",     "offset",     "position"),
    "events":    ("events",    "partition",     "offset",     ""),
    "rejected":  ("rejected",  "log_partition", "log_offset", ""),
    "incidents": ("incidents", "log_partition", "log_offset", ""),
}
# fmt: on

_SELECT = re.compile(r"SELECT (?P<columns>.+?) FROM (?P<table>\w+)(?: WHERE (?P<where>.+?))?(?: ORDER BY (?P<order>.+?))?", re.DOTALL)
_EQUALS = re.compile(r"(\w+) = \{(\w+):\w+\}")


class MemoryHistory:
    """See the module. ``away`` makes it answer nothing; ``lose_answers`` stores that many of the next inserts and says nothing."""

    def __init__(self, window: int = 10_000) -> None:
        self.away = False
        self.lose_answers = 0
        self.tables: dict[str, list[dict[str, object]]] = {table: [] for table in LINEAGE}
        self.completed: list[tuple[str, dict[str, Position]]] = []
        """Every call of ``complete``; nothing is derived in memory."""
        self._window = window
        self._tokens: dict[str, deque[str]] = {}

    def insert(self, table: str, columns: Sequence[tuple[str, str]], rows: int, native: bytes, token: str, *, derive: bool = True) -> None:
        if not token:
            raise RefusedError(f"insert, table {table}: expected a deduplication token, found none")
        self._answer()
        if table not in self.tables:
            raise RefusedError(f"memory history: there is no table {table}")
        tokens = self._tokens.setdefault(table, deque(maxlen=self._window))
        if token not in tokens:
            sent, values = read(native)
            if [name for name, _ in sent] != [name for name, _ in columns] or len(values) != rows:
                raise RefusedError(f"insert, table {table}: the block does not hold the {rows} rows and the columns announced")
            self.tables[table] += [{name: _text(value) for (name, _), value in zip(sent, row, strict=True)} for row in values]
            tokens.append(token)
        if self.lose_answers:
            self.lose_answers -= 1
            raise UnavailableError("memory history: the answer was lost")

    def forget_tokens(self) -> None:
        """The window of remembered tokens has passed, or the folder that held them was lost."""
        self._tokens.clear()

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[object, ...]]:
        self._answer()
        match = _SELECT.fullmatch(" ".join(sql.split()))
        if match is None or match["table"] not in self.tables:
            raise RefusedError(f"memory history: expected {_SELECT.pattern}, found {sql!r}")
        rows = self.tables[match["table"]]
        for condition in (match["where"] or "").split(" AND ") if match["where"] else ():
            equals = _EQUALS.fullmatch(condition)
            if equals is None:
                raise RefusedError(f"memory history: expected column = {{name:Type}}, found {condition!r}")
            rows = [row for row in rows if row[equals[1]] == (parameters or {})[equals[2]]]
        if match["columns"] == "count()":
            return [(len(rows),)]
        for column in reversed((match["order"] or "").split(", ")) if match["order"] else ():
            rows = sorted(rows, key=lambda row: _Comparable(row[column]))
        columns = match["columns"].split(", ")
        return [tuple(row[column] for column in columns) for row in rows]

    def command(self, sql: str) -> None:
        self._answer()

    def positions(self, table: str, at_least: Mapping[str, Position] | None = None) -> dict[str, Position]:
        self._answer()
        name, column, offset, position = LINEAGE[table]
        floor = min((one.offset for one in at_least.values()), default=0) if at_least else 0
        found: dict[str, Position] = {}
        for row in self.tables[table]:
            last = Position(_number(row[offset]), _number(row[position]) if position else 0)
            source = f"{name}/{row[column]}"
            if last.offset >= floor and last > found.get(source, Position(-1, -1)):
                found[source] = last
        return found

    def complete(self, table: str, above: Mapping[str, Position]) -> None:
        self._answer()
        self.completed.append((table, dict(above)))

    def _answer(self) -> None:
        if self.away:
            raise UnavailableError("memory history: away")


class _Comparable:
    """Orders values of one column, which are all of one type."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __lt__(self, other: _Comparable) -> bool:
        if isinstance(self.value, str) and isinstance(other.value, str):
            return self.value < other.value
        return _number(self.value) < _number(other.value)


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return tuple(_text(one) for one in value) if isinstance(value, tuple) else value


def _number(value: object) -> int:
    assert isinstance(value, int), value
    return value

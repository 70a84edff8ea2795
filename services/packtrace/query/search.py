"""Which events a SimpleEventQuery means, as conditions with bound parameters. Pure.

Three places answer: the columns of ``events``; ``history``, which has the items of an event by item; ``event_terms``, which
has everything else that an event says, in the spelling it came in. Asked is in every spelling that comes to the same.

Source: EPCIS 2.0, 8.2.7.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote


class Order(NamedTuple):
    """What the answer is sorted by."""

    column: str = "log_time"
    descending: bool = False


class Place(NamedTuple):
    """Where a page begins: after this event. ``at`` in microseconds, of the column that is sorted by."""

    at: int
    partition: int
    offset: int


class Hit(NamedTuple):
    """An event that was found, still without its text."""

    at: int
    partition: int
    offset: int


class Search:
    """Conditions, all of which an event must meet; each is constant SQL, what was asked for is bound."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._bound: dict[str, object] = {}

    def copy(self) -> Search:
        """One that may be narrowed further."""
        out = Search()
        out._parts, out._bound = list(self._parts), dict(self._bound)
        return out

    @property
    def size(self) -> int:
        """Characters of what is bound: it travels in the address of one question."""
        return sum(len(quote(str(value))) for value in self._bound.values())

    def _bind(self, value: object, kind: str) -> str:
        name = f"p{len(self._bound)}"
        self._bound[name] = value
        return f"{{{name}:{kind}}}"

    def _texts(self, values: Iterable[str]) -> str:
        return self._bind(list(dict.fromkeys(values)), "Array(String)")

    def column(self, name: str, values: Iterable[str]) -> None:
        """The column has one of ``values``."""
        self._parts.append(f"{_COLUMNS[name]} IN {self._texts(values)}")

    def time(self, name: str, least: int | None = None, below: int | None = None) -> None:
        """The time lies in the half-open interval; microseconds."""
        column = _COLUMNS[name]
        if least is not None:
            self._parts.append(f"{column} >= fromUnixTimestamp64Micro({self._bind(least, 'Int64')})")
        if below is not None:
            self._parts.append(f"{column} < fromUnixTimestamp64Micro({self._bind(below, 'Int64')})")

    def said(self, names: Sequence[str], values: Iterable[str] | None = None) -> None:
        """The event says one of ``values`` as one of ``names``; None: anything."""
        self._parts.append(f"({self._said(names, values)})")

    def said_not(self, names: Sequence[str]) -> None:
        self._parts.append(f"NOT ({self._said(names, None)})")

    def _said(self, names: Sequence[str], values: Iterable[str] | None) -> str:
        condition = f"name IN {self._texts(names)}"
        if values is not None:
            condition += f" AND value IN {self._texts(values)}"
        return _SAID + condition + ")"

    def said_number(self, names: Sequence[str], comparison: str, number: float) -> None:
        """A number that the event says compares so."""
        compared = f"toFloat64OrNull(value) {_COMPARISONS[comparison]} {self._bind(number, 'Float64')}"
        self._compared(names, compared)

    def said_time(self, names: Sequence[str], comparison: str, at: int) -> None:
        """A time that the event says compares so; microseconds."""
        time = f"fromUnixTimestamp64Micro({self._bind(at, 'Int64')})"
        self._compared(names, f"parseDateTime64BestEffortOrNull(value, 6, 'UTC') {_COMPARISONS[comparison]} {time}")

    def _compared(self, names: Sequence[str], condition: str) -> None:
        self._parts.append(_SAID + f"name IN {self._texts(names)} AND {condition})")

    def items(self, roles: Sequence[str], names: Sequence[str], keys: Iterable[str], openings: Sequence[str], texts: Iterable[str]) -> None:
        """The event names an item in one of ``roles``, or something else as one of ``names``.

        Args:
            keys: of items that are followed.
            openings: beginnings of keys, where a pattern was asked for.
            texts: spellings of things that are not followed.
        """
        either = []
        held = list(keys)
        if held or openings:
            named = [f"item IN {self._texts(held)}"] if held else []
            named += [f"startsWith(item, {self._bind(one, 'String')})" for one in openings]
            condition = f"({' OR '.join(named)}) AND row_type = 'op' AND role IN {self._texts(roles)}"
            either.append(_NAMED + condition + ")")
        either.append(self._said(names, texts))
        self._parts.append(f"({' OR '.join(either)})")

    def place(self, column: str, keys: Sequence[str], name: str, texts: Iterable[str], inside: bool = False) -> None:
        """The place is one of ``keys`` (``inside``: or a part of one), or is spelled as one of ``texts``."""
        held = _COLUMNS[column]
        either = [f"{held} IN {self._texts(keys)}"] if keys else []
        if inside:
            either += [f"startsWith({held}, {self._bind(f'{key}/', 'String')})" for key in keys]
        either.append(self._said([name], texts))
        self._parts.append(f"({' OR '.join(either)})")

    def correction(self, stated: bool) -> None:
        """Whether the event declares another to be wrong."""
        if stated:
            self.said(["error_reason"])
        else:
            self.said_not(["error_reason"])

    def log_partition(self, partition: int, above: int) -> None:
        """The event came after offset ``above`` of one partition of the log."""
        self._parts.append(f"partition = {self._bind(partition, 'UInt16')} AND offset > {self._bind(above, 'Int64')}")

    def page(self, order: Order, after: Place | None, limit: int) -> tuple[str, dict[str, object]]:
        """SQL and parameters that answer with rows of ``Hit``; the sort column is unique with the place in the log."""
        one = self.copy()
        at = f"toUnixTimestamp64Micro({_COLUMNS[order.column]})"
        if after is not None:
            compared = "<" if order.descending else ">"
            started = f"{one._bind(after.at, 'Int64')}, {one._bind(after.partition, 'UInt16')}, {one._bind(after.offset, 'Int64')}"
            one._parts.append(f"({at}, partition, offset) {compared} ({started})")
        direction = "DESC" if order.descending else "ASC"
        return (
            _PAGE[order.column] + one._where() + " "
            f"ORDER BY at {direction}, partition {direction}, offset {direction} LIMIT 1 BY partition, offset "
            f"LIMIT {one._bind(limit, 'UInt32')}",
            one._bound,
        )

    def in_log(self, limit: int) -> tuple[str, dict[str, object]]:
        """As ``page``, of one partition (``log_partition``), by offset."""
        one = self.copy()
        return (
            _PAGE["log_time"] + one._where() + f" ORDER BY offset LIMIT 1 BY offset LIMIT {one._bind(limit, 'UInt32')}",
            one._bound,
        )

    def count(self, most: int) -> tuple[str, dict[str, object]]:
        """SQL and parameters that count the events, up to ``most``."""
        one = self.copy()
        inner = _DISTINCT + one._where() + f" LIMIT {one._bind(most, 'UInt32')}"
        return _COUNT + inner + ")", one._bound

    def _where(self) -> str:
        return " AND ".join(self._parts) or "1"


_COLUMNS: Final = {
    name: name for name in ("event_time", "log_time", "id", "type", "action", "biz_step", "disposition", "place", "read_point")
}
_COMPARISONS: Final = {"EQ": "=", "GT": ">", "GE": ">=", "LT": "<", "LE": "<="}

_SAID: Final = "(partition, offset) IN (SELECT partition, offset FROM event_terms WHERE "
_NAMED: Final = "(partition, offset) IN (SELECT toUInt16(event_partition), event_offset FROM history WHERE "
_PAGE: Final = {
    "event_time": "SELECT toUnixTimestamp64Micro(event_time) AS at, partition, offset FROM events WHERE ",
    "log_time": "SELECT toUnixTimestamp64Micro(log_time) AS at, partition, offset FROM events WHERE ",
}
_DISTINCT: Final = "SELECT DISTINCT partition, offset FROM events WHERE "
_COUNT: Final = "SELECT count() FROM ("

"""Pieces of a table, cut to what is new, joined into one block. Pure.

A *piece* is what one record of a topic adds to its table: bodies of columns, and where it came from. Every piece has one
source (the ops partition whose tracker wrote it, or the topic partition itself) and covers a range of that source's
lineage, rising row by row. A table remembers per source how far it has seen, so what a restarted producer writes again,
in records cut at other borders, is dropped down to the row.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from packtrace.codec import native
from packtrace.ports import LogRecord, Position


class Piece(NamedTuple):
    """``lineage`` answers the position of every row; it is asked only when a piece must be cut. ``derive``: see ``HistoryStore.insert``."""

    source: str
    first: Position
    last: Position
    rows: int
    bodies: Sequence[bytes]
    lineage: Callable[[], Sequence[Position]]
    derive: bool = True


class Table(Protocol):
    """What a topic's records become."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> Sequence[tuple[str, str]]:
        """(name, ClickHouse type), in the order of a piece's bodies."""

    @property
    def layout(self) -> int:
        """Counts the changes of what a record becomes: part of the token, which must determine the content."""

    @property
    def latency_seconds(self) -> float:
        """How long a row waits for others when nothing was stored of late."""

    @property
    def spacing_seconds(self) -> float:
        """Least time between two blocks of a partition that are not full: an insert costs 10 to 25 ms of CPU whatever its size."""

    def owns(self, partition: int, source: str) -> bool:
        """Whether records of ``source`` travel in this partition of the topic."""

    def read(self, record: LogRecord) -> Piece | None:
        """None where the record adds no row.

        Raises:
            RefusedError: a record that only we write and that cannot be read.
            UnavailableError: what is needed to read it (a schema) cannot be had now.
        """


class Block(NamedTuple):
    """The rows of records [start, end) of one topic partition that are new to the table."""

    start: int
    end: int
    rows: int
    repeats: int
    native: bytes
    watermarks: Mapping[str, Position]
    """Of the table's sources, once it is stored."""
    derive: bool
    """See ``HistoryStore.insert``."""


def newer(piece: Piece, columns: Sequence[tuple[str, str]], seen: Position | None) -> Piece | None:
    """What of ``piece`` lies above ``seen``."""
    if seen is None or piece.first > seen:
        return piece
    if piece.last <= seen:
        return None
    positions = piece.lineage()
    drop = bisect_right(positions, seen)
    bodies = [_without(body, type_, drop, piece.rows) for (_, type_), body in zip(columns, piece.bodies, strict=True)]
    kept = positions[drop:]
    return Piece(piece.source, kept[0], piece.last, piece.rows - drop, bodies, lambda: kept, piece.derive)


def _without(body: bytes, type_: str, drop: int, rows: int) -> bytes:
    """``body`` without its first ``drop`` of ``rows`` values; a piece with arrays has one row and is never cut."""
    if native.number_code(type_) is not None:
        return body[drop * (len(body) // rows) :]
    return body[native.text_end(body, drop) :]


def form(
    columns: Sequence[tuple[str, str]], start: int, end: int, pieces: Sequence[Piece | None], watermarks: Mapping[str, Position]
) -> Block:
    """The block of ``pieces``: the same pieces above the same watermarks make the same bytes."""
    seen = dict(watermarks)
    kept: list[Piece] = []
    came = 0
    for piece in pieces:
        if piece is None or not piece.rows:
            continue
        came += piece.rows
        last = seen.get(piece.source)
        new = piece if last is None or piece.first > last else newer(piece, columns, last)
        if new is not None:
            kept.append(new)
            seen[new.source] = new.last
    rows = sum(piece.rows for piece in kept)
    joined = _native(columns, rows, kept) if rows else b""
    return Block(start, end, rows, came - rows, joined, seen, any(piece.derive for piece in kept))


def _native(columns: Sequence[tuple[str, str]], rows: int, pieces: Sequence[Piece]) -> bytes:
    counts = [piece.rows for piece in pieces]
    by_column = zip(*(piece.bodies for piece in pieces), strict=True)
    return native.block(
        columns, rows, [native.joined(type_, bodies, counts) for (_, type_), bodies in zip(columns, by_column, strict=True)]
    )

"""One topic partition on its way into its table. Pure: told the time, told the records, asked what to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from packtrace.errors import RefusedError
from packtrace.ports import Committed, LogRecord, Position, TopicPartition
from packtrace.sink.blocks import Block, Piece, Table, form
from packtrace.sink.intent import Intent, decode, encode, token
from packtrace.sink.poison import Note, Watch

RUSH_ROWS_PER_SECOND = 500
RUSH_SPACINGS = 4
"""While rows come faster than that and without a pause, blocks are so many times their usual spacing apart: an insert costs 13 to 20 ms
of CPU before its first row and 4 us for each, so blocks of a second's rows would cost twice as much as blocks of four."""


class Limits(NamedTuple):
    """Of one block. A single record may exceed them; it is a block by itself then."""

    block_rows_max: int = 50_000
    block_bytes_max: int = 16 * 1024 * 1024
    poison_kills: int = 0
    """Processes that may end at one record of ``events`` alone before it is set aside; 0: it is never."""


class _Waiting(NamedTuple):
    offset: int
    rows: int
    size: int
    piece: Piece | None


class Lane:
    """``position`` is the offset below which everything is stored.

    Args:
        limits: of one block.
    """

    def __init__(self, partition: TopicPartition, table: Table, limits: Limits) -> None:
        self.partition = partition
        self.table = table
        self._limits = limits
        self._unread: deque[LogRecord] = deque()
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self.bytes = 0
        self._oldest_at = 0.0
        self._newest_at = 0.0
        self._stored_at = float("-inf")
        self._rush = False
        self.recovered = False
        self.position = 0
        self.generation = 0
        self.watermarks: Mapping[str, Position] = {}
        self.reform_end: int | None = None
        """End of a range that a predecessor intended; None once it is stored."""
        self.pending: Block | None = None
        """Intended by us, not yet known to be stored."""
        self.in_doubt = False
        """An insert of ``pending`` was begun and not answered."""
        self.unconfirmed = False
        self.watch: Watch | None = None
        """While a record that kills may come."""
        self.aside = -1
        """Offset of the last record that was set aside."""
        self.found: Intent | None = None
        """What a predecessor intended, where ``reform_end`` says so."""

    @property
    def may_read_alone(self) -> bool:
        """Nothing is on its way, and what was set aside is passed: else the next one that kills would lead back to it."""
        return self.pending is None and self.position > self.aside

    @property
    def next(self) -> LogRecord | None:
        """The next record that is not read yet."""
        return self._unread[0] if self._unread else None

    def add(self, record: LogRecord, now: float) -> None:
        """Take the next record."""
        if not self._waiting and not self._unread:
            self._oldest_at = now
        self._newest_at = now
        self._unread.append(record)
        self.bytes += _size(record)

    def read(self) -> None:
        """Turn the records taken into pieces. Raises what ``Table.read`` raises; what was not read stays."""
        while self._unread:
            self.read_one()

    def read_one(self, unread: bool = False) -> None:
        """As ``read``, of the next record; ``unread``: it is set aside and adds no row."""
        record = self._unread[0]
        piece = None if unread else self.table.read(record)
        self._unread.popleft()
        self._waiting.append(_Waiting(record.offset, piece.rows if piece else 0, _size(record), piece))
        self._rows += piece.rows if piece else 0

    def due_at(self) -> float | None:
        """When the next block should be formed; None while nothing waits for it."""
        if not self.recovered or self.pending is not None or not self._waiting:
            return None
        if self.reform_end is not None:
            return self._oldest_at if self._waiting[-1].offset >= self.reform_end - 1 else None
        if self._rows >= self._limits.block_rows_max or self.bytes >= self._limits.block_bytes_max:
            return self._oldest_at
        due = max(self._oldest_at + self.table.latency_seconds, self._stored_at + self.table.spacing_seconds)
        if self._rush:
            due = max(due, min(self._newest_at + self.table.latency_seconds, self._stored_at + RUSH_SPACINGS * self.table.spacing_seconds))
        return due

    def form(self) -> Block:
        """The next block. Nothing is taken from what waits until it is ``stored``."""
        pieces: list[Piece | None] = []
        rows = size = 0
        end = self.position
        for waiting in self._waiting:
            if self.reform_end is not None:
                if waiting.offset >= self.reform_end:
                    break
            elif pieces and (rows + waiting.rows > self._limits.block_rows_max or size + waiting.size > self._limits.block_bytes_max):
                break
            pieces.append(waiting.piece)
            rows += waiting.rows
            size += waiting.size
            end = waiting.offset + 1
        return form(self.table.columns, self.position, self.reform_end or end, pieces, self.watermarks)

    def intend(self, block: Block) -> Committed:
        """What the group keeps before ``block`` is inserted."""
        return Committed(block.start, encode(Intent(self.generation, block.end, self.watermarks)))

    def confirmation(self) -> Committed:
        """What the group keeps when nothing is on its way."""
        return Committed(self.position, encode(Intent(self.generation, self.position, self.watermarks)))

    def noted(self, note: Note) -> Committed:
        """What the group has kept since this partition was taken or last stored, and ``note``."""
        stands = Intent(self.generation, self.position, self.watermarks)
        kept = self.found if self.reform_end is not None and self.found is not None else stands
        return Committed(self.position, encode(kept._replace(note=note)))

    def token(self, block: Block) -> str:
        return token(self.generation, self.table.layout, *self.partition, block.start, block.end, self.table.name)

    def stored(self, block: Block, now: float) -> None:
        """``block`` is in the table."""
        while self._waiting and self._waiting[0].offset < block.end:
            done = self._waiting.popleft()
            self._rows -= done.rows
            self.bytes -= done.size
        self._oldest_at = now
        if block.rows:
            self._rush = block.rows >= RUSH_ROWS_PER_SECOND * max(now - self._stored_at, self.table.spacing_seconds)
            self._stored_at = now
        self.position = block.end
        self.watermarks = block.watermarks
        self.pending = None
        self.in_doubt = False
        self.reform_end = None
        self.unconfirmed = True

    def forget(self) -> None:
        """Drop what waits: it will be read again."""
        self._unread.clear()
        self._waiting.clear()
        self._rows = self.bytes = 0


def _size(record: LogRecord) -> int:
    return len(record.value or b"") + len(record.key or b"")


class Recovery(NamedTuple):
    """How a lane goes on.

    Args:
        reform_end: end of the range to form again from ``position``; None where none was on its way.
        seek: read again from this offset instead of the committed one.
        behind: sources of which the table lacks rows that were confirmed.
    """

    position: int
    generation: int
    watermarks: Mapping[str, Position]
    reform_end: int | None = None
    seek: int | None = None
    behind: tuple[str, ...] = ()


def recover(stored: Committed, held: Mapping[str, Position], oldest: int, end: int, fresh_generation: int) -> Recovery:
    """Decide from the group's position, what the table holds (``held``) and the ends of the log.

    - nothing stored: start at the oldest record, above what the table holds;
    - an intent: form its range again, above what the table holds: nothing of it is left if it was stored;
    - a position set by a tool: go on from there, above what the table holds, under a new generation of tokens;
    - the table lacks confirmed rows (it was restored, or lost its last writes with the power): read everything the log
      still has again, above what the table holds, under a new generation, since the lost blocks' tokens may be remembered.

    Raises:
        RefusedError: the log ends before the intended range does.
    """
    if stored.offset < 0:
        return Recovery(oldest, fresh_generation, held)
    intent = decode(stored.metadata)
    if intent is None:
        return Recovery(stored.offset, fresh_generation, held)
    behind = tuple(source for source, last in sorted((intent.watermarks or {}).items()) if held.get(source, Position(-1, -1)) < last)
    if behind:
        return Recovery(oldest, fresh_generation, held, seek=oldest, behind=behind)
    if intent.end > end:
        raise RefusedError(f"the log ends at offset {end}, but records up to {intent.end} were about to be stored: it lost some")
    reform_end = intent.end if intent.end > stored.offset else None
    return Recovery(stored.offset, intent.generation, {**(intent.watermarks or {}), **held}, reform_end)

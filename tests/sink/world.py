"""A small world for the sink: a tracker that writes rows, crashes and writes them again; a table; sinks that die."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from packtrace.adapters.history_memory import MemoryHistory
from packtrace.adapters.log_memory import MemoryLog, MemoryReader
from packtrace.codec import native
from packtrace.ports import LogRecord, Position, TopicPartition
from packtrace.sink.blocks import Piece
from packtrace.sink.lane import Limits
from packtrace.sink.shell import Noticed, Sink

Row = tuple[int, int, int, str]
"""Ops partition, offset, position, item."""

COLUMNS = (("partition", "UInt16"), ("offset", "Int64"), ("position", "UInt32"), ("item", "String"))


def encoded(rows: Sequence[Row]) -> bytes:
    """A record of the topic: the block of its rows, which all are of one partition."""
    bodies = [native.body(type_, [row[number] for row in rows]) for number, (_, type_) in enumerate(COLUMNS)]
    return native.block(COLUMNS, len(rows), bodies)


class Rows:
    """The table ``history`` of this world."""

    name = "history"
    columns = COLUMNS
    layout = 1
    latency_seconds = 0.25
    spacing_seconds = 0.5

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions

    def owns(self, partition: int, source: str) -> bool:
        return int(source.removeprefix("ops/")) % self.partitions == partition

    def read(self, record: LogRecord) -> Piece | None:
        if not record.value:
            return None
        _, rows = native.read(record.value)
        bodies = [native.body(type_, [row[number] for row in rows]) for number, (_, type_) in enumerate(COLUMNS)]
        positions = [Position(int(str(row[1])), int(str(row[2]))) for row in rows]
        return Piece(f"ops/{rows[0][0]}", positions[0], positions[-1], len(rows), bodies, lambda: positions)


class Crash(Exception):
    """Raised at a point between two effects."""


class CrashAt:
    """Raises at the n-th passage of any point, once."""

    def __init__(self, passages: int) -> None:
        self._left = passages

    def __call__(self, name: str) -> None:
        self._left -= 1
        if self._left == 0:
            raise Crash(name)


class CrashOn:
    """Raises at the first passage of one point."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, name: str) -> None:
        if name == self._name:
            raise Crash(name)


class World:
    """Log, table and one sink at a time, with a clock moved by hand."""

    def __init__(self, partitions: int = 2) -> None:
        self.log = MemoryLog({"history": partitions})
        self._rows = Rows(partitions)
        self.history = MemoryHistory()
        self.now = 0.0
        self.generation = 0

    def write(self, rows: Sequence[Row]) -> None:
        """One record; empty: one that adds nothing."""
        partition = TopicPartition("history", (rows[0][0] if rows else 0) % self._rows.partitions)
        self.log.append(partition, None, encoded(rows) if rows else b"")

    def fresh(self) -> int:
        self.generation += 1
        return self.generation

    def sink(
        self,
        pass_point: Callable[[str], None] = lambda name: None,
        limits: Limits = Limits(),
        poll_records_max: int = 1_000,
        noticed: Noticed | None = None,
    ) -> tuple[Sink, MemoryReader]:
        reader = MemoryReader(self.log, "packtrace-sink")
        sink = Sink(
            reader, self.history, {"history": self._rows}, clock=lambda: self.now, fresh_generation=self.fresh,
            limits=limits, pass_point=pass_point, poll_records_max=poll_records_max, noticed=noticed,
        )  # fmt: skip
        sink.start()
        return sink, reader

    def run(self, sink: Sink, steps: int = 400) -> None:
        """Until everything in the log is stored and confirmed."""
        for _ in range(steps):
            sink.step()
            self.now += 0.3
            if sink.trouble is None and sink.idle and self.settled():
                return
        raise AssertionError(f"not settled after {steps} steps: {sink.trouble}")

    def settled(self) -> bool:
        """The group stands at the end of every partition."""
        positions = self.log.group("packtrace-sink").positions
        return all(
            not self.log.records[partition] or (partition in positions and positions[partition].offset == len(self.log.records[partition]))
            for partition in self.log.partitions("history")
        )

    def stored(self) -> list[tuple[object, ...]]:
        return self.history.query("SELECT partition, offset, position, item FROM history ORDER BY partition, offset, position")

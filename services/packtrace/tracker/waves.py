"""Records read and not folded yet, handed on wave by wave.

A router writes what it makes of one batch of events as one wave: a record or more to each partition of ops. What the children of a
case tell it is one step of the case where all of them are folded in one bite, and a step each where they are not; so a bite is made
of whole waves, of all partitions, though the broker hands out one partition after the other. Waves order nothing else: within a
partition the log does.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Sequence

from packtrace.codec.wire import wave_of
from packtrace.ports import LogRecord


class Waves:
    """See the module. A record without a wave is one of its own, at its log time."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[tuple[int, LogRecord]]] = {}
        self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, records: Sequence[LogRecord]) -> None:
        """What was read next."""
        for record in records:
            queue = self._waiting.setdefault(record.partition, deque())
            wave = wave_of(record.headers)
            wave = record.log_time if wave is None else wave
            queue.append((max(wave, queue[-1][0]) if queue else wave, record))
            self.bytes += _size(record)

    def end(self, partition: int) -> int | None:
        """The offset after the last record that waits; None where none does."""
        queue = self._waiting.get(partition)
        return None if queue is None else queue[-1][1].offset + 1

    def forget(self, partition: int) -> None:
        """It is not ours any more, or will be read again."""
        for _, record in self._waiting.pop(partition, ()):
            self.bytes -= _size(record)

    def clear(self) -> None:
        """Forget every partition."""
        self._waiting.clear()
        self.bytes = 0

    def take(self, bytes_max: int, behind: Collection[int] = ()) -> list[LogRecord]:
        """The next waves, of ``bytes_max`` together or one alone; none that partitions ``behind``, of which more is to come, have
        not reached."""
        waiting = self._waiting
        if any(partition not in waiting for partition in behind):
            return []
        last = min((waiting[partition][-1][0] for partition in behind), default=None)
        heads = [(queue[0][0], partition) for partition, queue in waiting.items() if last is None or queue[0][0] <= last]
        heapq.heapify(heads)
        taken: list[LogRecord] = []
        size = 0
        wave = None
        while heads:
            next_wave, partition = heads[0]
            queue = waiting[partition]
            if next_wave != wave and taken and size + _size(queue[0][1]) > bytes_max:
                break
            wave, record = queue.popleft()
            taken.append(record)
            size += _size(record)
            if not queue:
                del waiting[partition]
            if queue and (last is None or queue[0][0] <= last):
                heapq.heapreplace(heads, (queue[0][0], partition))
            else:
                heapq.heappop(heads)
        self.bytes -= size
        return taken


def _size(record: LogRecord) -> int:
    return len(record.value or b"")

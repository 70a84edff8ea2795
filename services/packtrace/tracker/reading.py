"""What the tracker reads: records of ops in order of each partition, nothing skipped, folded in bites of whole waves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from packtrace.errors import RefusedError
from packtrace.ports import LogReader, LogRecord, TopicPartition
from packtrace.tracker.waves import Waves

OPS = "ops"
WAITING_BYTES_MAX = 64 * 1024 * 1024
"""Of records read while others of their wave are to come; beyond that they are folded as they came."""
OTHERS_SECONDS_MAX = 0.2
"""So long records wait for those of other partitions that the broker has."""


class Reading:
    """See the module. ``standing`` is where each partition that is ours is folded to: partition -> next offset.

    Args:
        bite_bytes: most record bytes of a bite, or one wave.
        clock: seconds, never going back.
    """

    def __init__(self, reader: LogReader, bite_bytes: int, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._bite_bytes = bite_bytes
        self._clock = clock
        self._waves = Waves()
        self._held_since: float | None = None
        """When records began to wait for others."""
        self._sought: dict[int, int] = {}
        """Partition -> the offset that a second reading must find."""

    def forget(self, partition: int) -> None:
        """It is not ours any more, or is read again from where the store stands."""
        self._waves.forget(partition)
        self._sought.pop(partition, None)

    def clear(self) -> None:
        """Forget every partition."""
        self._waves.clear()
        self._sought.clear()

    def add(self, records: Collection[LogRecord], standing: Mapping[int, int]) -> None:
        """Take in those that go on where their partition was read to. Where they do not, it is read once more from there.

        Raises:
            RefusedError: the log has a hole.
        """
        for partition, mine in by_partition(records).items():
            if partition not in standing:
                continue
            place = self._waves.end(partition) or standing[partition]
            hole = next((one for one, record in enumerate(mine, place) if one != record.offset), None)
            if hole is None:
                self._sought.pop(partition, None)
                self._waves.add(mine)
            elif self._sought.get(partition) == place:
                found = mine[hole - place].offset
                raise RefusedError(f"ops/{partition}: expected offset {hole}, found {found}: the log has a hole. Nothing is skipped")
            else:
                self._sought[partition] = place
                self._reader.seek(TopicPartition(OPS, partition), place)

    def bite(self, standing: Mapping[int, int]) -> list[LogRecord]:
        """What to fold next; nothing where it is worth waiting for more."""
        waves, now = self._waves, self._clock()
        bite = waves.take(self._bite_bytes, self._behind(standing)) if waves else []
        if bite or not waves:
            self._held_since = None
            return bite
        self._held_since = now if self._held_since is None else self._held_since
        if now - self._held_since < OTHERS_SECONDS_MAX and waves.bytes < WAITING_BYTES_MAX:
            return []
        return waves.take(self._bite_bytes)

    def _behind(self, standing: Mapping[int, int]) -> list[int]:
        """Partitions of which the broker has more than was read."""
        known_end, end = self._reader.known_end, self._waves.end
        return [
            partition for partition, offset in standing.items() if known_end(TopicPartition(OPS, partition)) > (end(partition) or offset)
        ]


def by_partition(records: Collection[LogRecord]) -> dict[int, list[LogRecord]]:
    """In the order they came."""
    found: dict[int, list[LogRecord]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record)
    return found

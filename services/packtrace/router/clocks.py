"""What log time each source is known to have reached: "every record of it logged before this has been routed".

Graces and deadlines end by this clock, so it must never run ahead of a backlog that may hold the explanation.
"""

from __future__ import annotations

from dataclasses import dataclass

from packtrace.ports import TopicPartition


@dataclass(slots=True)
class _Source:
    position: int
    """Next offset to route."""
    clock: int = 0
    moved: bool = False
    """Records came since the last tick."""


class Clocks:
    """Of the partitions of ``events`` this router holds. Times are log times in microseconds.

    Args:
        margin: how far a source that is caught up is taken to be behind the clock of this host, microseconds.
    """

    def __init__(self, margin: int) -> None:
        self._margin = margin
        self._sources: dict[TopicPartition, _Source] = {}

    def assigned(self, partition: TopicPartition, position: int) -> None:
        self._sources[partition] = _Source(position)

    def revoked(self, partition: TopicPartition) -> None:
        self._sources.pop(partition, None)

    def routed(self, partition: TopicPartition, offset: int, log_time: int) -> None:
        """Everything up to ``offset`` was routed; ``log_time`` is that record's."""
        source = self._sources.get(partition)
        if source is not None:
            source.position = offset + 1
            source.clock = max(source.clock, log_time)
            source.moved = True

    def quiet(self) -> list[TopicPartition]:
        """Sources nothing came from since this was last asked: they may be caught up."""
        quiet = [partition for partition, source in self._sources.items() if not source.moved]
        for source in self._sources.values():
            source.moved = False
        return quiet

    def seen_end(self, partition: TopicPartition, end: int, asked_at: int) -> None:
        """The broker said that the partition ended at offset ``end``, when asked after ``asked_at``.

        Whatever is logged later bears a later log time, give or take the clocks of two hosts: that is the margin.
        """
        source = self._sources.get(partition)
        if source is not None and source.position >= end:
            source.clock = max(source.clock, asked_at - self._margin)

    def reached(self) -> dict[str, int]:
        """Source -> clock, of those that have one."""
        return {f"{p.topic}/{p.partition}": source.clock for p, source in sorted(self._sources.items()) if source.clock}

"""How far the history is: the log time up to which ClickHouse holds everything the live state has.

Pairs are noted in order: the live state had reached log time t, and then the topics that the sink reads ended at these
offsets. All that follows from records logged before t lies below those ends, because a tracker writes its output before it
moves its clock. So once the sink has confirmed those ends, the history is complete up to t.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from packtrace.ports import TopicPartition

NOTES_MAX = 600
"""While the sink is away the oldest are kept: they are the next to be reached."""


class Horizon:
    """See the module. Pure: told what was seen."""

    def __init__(self) -> None:
        self._notes: deque[tuple[int, Mapping[TopicPartition, int]]] = deque()
        self._reached: int | None = None

    def note(self, reached: int, ends: Mapping[TopicPartition, int]) -> None:
        """The live state had reached log time ``reached``; only then did the topics end at ``ends``."""
        if len(self._notes) < NOTES_MAX:
            self._notes.append((reached, ends))

    def confirm(self, stored: Mapping[TopicPartition, int]) -> None:
        """The sink has confirmed these offsets."""
        while self._notes and all(stored.get(partition, -1) >= end or end == 0 for partition, end in self._notes[0][1].items()):
            reached, _ = self._notes.popleft()
            self._reached = max(reached, self._reached or 0)

    @property
    def reached(self) -> int | None:
        """Log time in microseconds; None until the first pair is confirmed."""
        return self._reached

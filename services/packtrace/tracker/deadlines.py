"""When the items of one partition want to be woken: each item's own log time, the earliest at hand."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Final

STALE_MAX: Final = 1_000
"""Beyond as many as there are live ones: an item scanned every minute moves its deadline each time."""


class Deadlines:
    """All of a partition. ``changes``: those that moved since it was taken, None where one is gone."""

    __slots__ = ("_heap", "_of", "changes")

    def __init__(self, known: Mapping[str, int]) -> None:
        self._of = dict(known)
        self.changes: dict[str, int | None] = {}
        self._plan_anew()

    def __len__(self) -> int:
        return len(self._of)

    def of(self, key: str) -> int | None:
        """The item's deadline."""
        return self._of.get(key)

    def put(self, key: str, deadline: int) -> None:
        """The item wants to be woken then, and not at another time."""
        self.changes[key] = self._of[key] = deadline
        heapq.heappush(self._heap, (deadline, key))

    def move(self, key: str, deadline: int | None) -> None:
        """The same, where it may not have moved; None: it wants to sleep."""
        if deadline == self._of.get(key):
            return
        if deadline is None:
            del self._of[key]
            self.changes[key] = None
        else:
            self.put(key, deadline)

    def passed(self, clock: int) -> list[str]:
        """Keys of the deadlines passed at ``clock``; looks at no more of the heap than that."""
        heap, found, places = self._heap, [], [0]
        while places:
            place = places.pop()
            if place < len(heap) and heap[place][0] <= clock:
                time, key = heap[place]
                if self._of.get(key) == time:
                    found.append(key)
                places += (2 * place + 1, 2 * place + 2)
        return found

    def take_passed(self, clock: int) -> dict[str, int]:
        """The deadlines passed at ``clock``, each item's own; they are its own until it moves them."""
        due: dict[str, int] = {}
        while self._heap and self._heap[0][0] <= clock:
            time, key = heapq.heappop(self._heap)
            if self._of.get(key) == time:
                due[key] = time
        return due

    def take_changes(self) -> dict[str, int | None]:
        """What moved since the last time."""
        if len(self._heap) > 2 * len(self._of) + STALE_MAX:
            self._plan_anew()
        changes, self.changes = self.changes, {}
        return changes

    def _plan_anew(self) -> None:
        self._heap = [(time, key) for key, time in self._of.items()]
        heapq.heapify(self._heap)

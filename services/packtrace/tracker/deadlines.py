"""When the items of one partition want to be woken: each item's own log time, the earliest at hand.

In memory are those up to a horizon; the store holds all. An open pack wants to settle three days later, and there are as many of
them as the lines make in that time: what is far away is fetched when the clock comes near (``AHEAD_MICROSECONDS``).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Final

AHEAD_MICROSECONDS: Final = 600_000_000
"""Of log time: how far beyond the clock deadlines are held."""
STALE_MAX: Final = 1_000
"""Beyond as many as there are live ones: an item scanned every minute moves its deadline each time."""


class Deadlines:
    """Those of a partition up to ``horizon``; none before the first page has been taken in."""

    __slots__ = ("_changes", "_heap", "_of", "horizon")

    def __init__(self) -> None:
        self.horizon = -1
        self._of: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._changes: dict[str, int | None] = {}

    def __len__(self) -> int:
        return len(self._of)

    def of(self, key: str) -> int | None:
        """The item's deadline; None where it has none before the horizon."""
        return self._of.get(key)

    def wants(self, clock: int) -> int | None:
        """Up to when deadlines must be fetched before the clock moves to ``clock``; None where they are at hand."""
        return clock + AHEAD_MICROSECONDS if clock >= self.horizon else None

    def take_in(self, stored: Mapping[str, int], waiting: Mapping[str, int | None], horizon: int) -> None:
        """What the store holds up to ``horizon``, and what it is about to hold (None: about to lose)."""
        near = dict(stored)
        for key, deadline in waiting.items():
            if deadline is None or deadline > horizon:
                near.pop(key, None)
            else:
                near[key] = deadline
        self.horizon = horizon
        self._of = near
        self._plan_anew()

    def move(self, key: str, deadline: int | None) -> None:
        """The item wants to be woken then, and not at another time; None: it wants to sleep."""
        self._changes[key] = deadline
        if deadline is None or deadline > self.horizon:
            self._of.pop(key, None)
        else:
            self._of[key] = deadline
            heapq.heappush(self._heap, (deadline, key))

    def passed(self, clock: int) -> list[str]:
        """Keys of the deadlines passed at ``clock``, some perhaps twice; looks at no more of the heap than that."""
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
        if clock > self.horizon:
            raise AssertionError(f"the clock stands at {clock}, deadlines are known up to {self.horizon}")
        due: dict[str, int] = {}
        while self._heap and self._heap[0][0] <= clock:
            time, key = heapq.heappop(self._heap)
            if self._of.get(key) == time:
                due[key] = time
        return due

    def take_changes(self) -> dict[str, int | None]:
        """What moved since the last time; None where an item wants to sleep."""
        if len(self._heap) > 2 * len(self._of) + STALE_MAX:
            self._plan_anew()
        changes, self._changes = self._changes, {}
        return changes

    def _plan_anew(self) -> None:
        self._heap = [(time, key) for key, time in self._of.items()]
        heapq.heapify(self._heap)

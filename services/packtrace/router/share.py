"""How much of the last minute was rejected: more than 1 % says that a source or this program is broken."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_SECONDS: Final = 60
SHARE_MAX: Final = 0.01


class RejectedShare:
    """A window of whole seconds. Times are seconds of any clock that only moves forward."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int, int]] = deque()

    def count(self, now: float, records: int, rejected: int) -> None:
        """``rejected`` of ``records`` were rejected at ``now``."""
        if not records:
            return
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            _, before, rejected_before = self._seconds.pop()
            records, rejected = records + before, rejected + rejected_before
        self._seconds.append((second, records, rejected))

    def share(self, now: float) -> float:
        """From 0 to 1 of the last minute; 0 where nothing came."""
        while self._seconds and self._seconds[0][0] <= now - WINDOW_SECONDS:
            self._seconds.popleft()
        records = sum(count for _, count, _ in self._seconds)
        return sum(count for _, _, count in self._seconds) / records if records else 0.0

    def trouble(self, now: float) -> str | None:
        """One sentence when it is more than 1 %."""
        share = self.share(now)
        return (
            f"{share:.1%} of the records of the last minute were rejected; packtrace rejected list says why" if share > SHARE_MAX else None
        )

"""When a scheduled query runs, as EPCIS writes it: each part a number, a range ``[1-5]``, or several of them. Pure.

Source: EPCIS 2.0, 8.2.5.3. Times are UTC. The parts not stated are any; seconds are 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

# fmt: off
_PARTS: Final = {
    #            least  most
    "second":     (0,   59),
    "minute":     (0,   59),
    "hour":       (0,   23),
    "dayOfMonth": (1,   31),
    "month":      (1,   12),
    "dayOfWeek":  (1,    7),
}
# fmt: on
_RANGE = re.compile(r"\[([0-9]{1,2})-([0-9]{1,2})\]|([0-9]{1,2})")
LOOK_BACK_SECONDS_MAX: Final = 3_600
"""A run missed while the service was down is made up for, if it is no older."""


class Schedule:
    """See the module.

    Raises:
        ValueError: with one sentence.
    """

    def __init__(self, stated: Mapping[str, str]) -> None:
        unknown = sorted(set(stated) - set(_PARTS))
        if unknown or not stated:
            raise ValueError(f"schedule: expected one or more of {', '.join(_PARTS)}, found {', '.join(unknown) or 'none'}")
        self._parts = {name: _numbers(name, text) for name, text in stated.items()}
        self._parts.setdefault("second", frozenset({0}))

    def due(self, after: int, now: int) -> bool:
        """Whether it runs at an instant in ``(after, now]``; microseconds."""
        last = now // 1_000_000
        first = max(after // 1_000_000 + 1, last - LOOK_BACK_SECONDS_MAX)
        return any(self._at(second) for second in range(first, last + 1))

    def _at(self, second: int) -> bool:
        at = datetime.fromtimestamp(second, UTC)
        found = {
            "second": at.second, "minute": at.minute, "hour": at.hour, "dayOfMonth": at.day, "month": at.month, "dayOfWeek": at.isoweekday(),
        }  # fmt: skip
        return all(found[name] in numbers for name, numbers in self._parts.items())


def _numbers(name: str, text: str) -> frozenset[int]:
    least, most = _PARTS[name]
    out: set[int] = set()
    for one in text.split(","):
        match = _RANGE.fullmatch(one.strip())
        first, last = (0, -1) if match is None else (int(match[1] or match[3]), int(match[2] or match[3]))
        if not least <= first <= last <= most:
            raise ValueError(f"schedule.{name}: expected numbers from {least} to {most} such as 5, [1-5] or 1,2, found {text[:40]!r}")
        out |= set(range(first, last + 1))
    return frozenset(out)

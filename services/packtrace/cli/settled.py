"""What ``packtrace wait`` waits for: everything captured before the call is in Redis, in alerts and in ClickHouse.

Positions only grow, so each step takes the ends of a log once and waits until its reader has passed them:

1. the router has committed beyond the ends of ``events`` and ``reference``: every event is now ops, or rejected;
2. every ops partition is applied in Redis up to its end. Applying ops may make facts for other partitions, which are in ``ops``
   before the commit that this step sees. So the step is taken again until one round applies no fact at all (then there was none
   left that could follow from ours), and at most ``ROUNDS_MAX`` times, because a chain of facts has at most 8 hops;
3. the sink has confirmed the ends of ``history``, ``alerts``, ``rejected`` and ``events``, taken after step 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from packtrace.ports import Position, TopicPartition

FACT_HOPS_MAX = 8
ROUNDS_MAX = FACT_HOPS_MAX + 1
ROUTED = ("events", "reference")
STORED = ("history", "alerts", "rejected", "events")
POLL_SECONDS = 0.1


class TrackerPosition(NamedTuple):
    """Of one ops partition: the next offset to apply, and the last fact applied per source partition."""

    offset: int
    facts: Mapping[str, Position]


class Positions(Protocol):
    """How far everybody is. Each method may raise UnavailableError."""

    def ends(self, topic: str) -> dict[TopicPartition, int]:
        """End offset of each partition; partitions that hold nothing any more are left out."""

    def routed(self, topic: str) -> dict[TopicPartition, int]:
        """The next offset the router will read, 0 where it never was."""

    def tracked(self) -> dict[int, TrackerPosition]:
        """ops partition -> where Redis stands."""

    def stored(self, topic: str) -> dict[TopicPartition, int]:
        """The next offset the sink has not confirmed, 0 where it never was."""


class Lag(NamedTuple):
    """What is still behind: ``records`` of ``what`` for ``who``."""

    who: str
    what: str
    records: int

    @property
    def text(self) -> str:
        return f"{self.who} is {self.records:,} {'record' if self.records == 1 else 'records'} behind the end of {self.what}"


class LateError(Exception):
    """Time is up; ``lags`` say what was still behind."""

    def __init__(self, lags: list[Lag]) -> None:
        self.lags = lags
        super().__init__("; ".join(lag.text for lag in lags))


class Waiter:
    """Takes the steps of the module.

    Args:
        seconds_left: until the call gives up.
        sleep: waits that many seconds.
        tell: called with what is behind, about as often as positions are read; empty when a step is done.
    """

    def __init__(
        self, positions: Positions, seconds_left: Callable[[], float], sleep: Callable[[float], None], tell: Callable[[list[Lag]], None]
    ) -> None:
        self._positions = positions
        self._seconds_left = seconds_left
        self._sleep = sleep
        self._tell = tell

    def wait(self) -> int:
        """Return the number of rounds of step 2 that it took.

        Raises:
            LateError: time was up before.
        """
        for topic, ends in [(topic, self._positions.ends(topic)) for topic in ROUTED]:
            self._reach("the router", topic, ends, lambda topic=topic: self._positions.routed(topic))  # type: ignore[misc]
        rounds = self._follow_facts()
        for topic, ends in [(topic, self._positions.ends(topic)) for topic in STORED]:
            self._reach("the sink", topic, ends, lambda topic=topic: self._positions.stored(topic))  # type: ignore[misc]
        return rounds

    def _follow_facts(self) -> int:
        before = self._facts()
        for number in range(1, ROUNDS_MAX + 1):
            self._reach("the tracker", "ops", self._positions.ends("ops"), self._applied)
            after = self._facts()
            if number > 1 and after == before:
                return number
            before = after
        return ROUNDS_MAX

    def _applied(self) -> dict[TopicPartition, int]:
        return {TopicPartition("ops", number): position.offset for number, position in self._positions.tracked().items()}

    def _facts(self) -> dict[int, Mapping[str, Position]]:
        return {number: position.facts for number, position in self._positions.tracked().items()}

    def _reach(self, who: str, what: str, ends: Mapping[TopicPartition, int], at: Callable[[], Mapping[TopicPartition, int]]) -> None:
        while True:
            found = at()
            behind = sum(max(0, end - found.get(partition, 0)) for partition, end in ends.items())
            lags = [Lag(who, what, behind)] if behind else []
            self._tell(lags)
            if not behind:
                return
            if self._seconds_left() <= 0:
                raise LateError(lags)
            self._sleep(POLL_SECONDS)

"""A world judged in memory by the real domain: each event told to its items, each fact to its target, deadlines as they fall due."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Any

from packtrace.codec.concern import concern_of
from packtrace.codec.event_check import check
from packtrace.codec.identifiers import digital_link
from packtrace.codec.state import content_of, pack
from packtrace.domain.alert import AlertChange
from packtrace.domain.explode import own_events, recall_of_lots
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.judge import Judged, apply_clock, apply_event, apply_fact, apply_reference
from packtrace.domain.reference import Reference, ReferenceChange, parse_file
from packtrace.simulator.chain.recipe import DAY, HOUR
from packtrace.simulator.chain.world import World
from packtrace.simulator.messages import raw_event
from packtrace.simulator.truth import iso

FACTS_MAX = 100_000


class Memory:
    """Items and alerts of a world.

    Args:
        planned: events are logged when the world planned it, over its whole month; else all within a minute after its end.
    """

    def __init__(self, *, planned: bool = False) -> None:
        self.reference = Reference.empty()
        self.items: dict[str, Item] = {}
        self.alerts: dict[str, AlertChange] = {}
        self.clock = 0
        self.planned = planned
        self._due: list[tuple[int, str]] = []

    def tell(self, world: World) -> Memory:
        """All of it, then log time until every grace is over."""
        self.load(world.reference)
        start = world.recipe.end + HOUR
        for number, made in enumerate(world):
            if number == world.late_after:
                self.load(world.late_reference)
            log_time = made.at if self.planned else start + number * 1_000
            self.tick(log_time)
            event = check(raw_event(made), log_time=log_time)
            recall = recall_of_lots(event)
            if recall is not None:
                self.change([recall])
            for key, own in own_events(event, log_time):
                item = self._item(key)
                self._note(apply_event(item, own, self.reference, self.clock))
                self._wake(item)
        if world.late_after >= len(world.messages):
            self.load(world.late_reference)
        self.tick(self.clock + DAY)
        return self

    def load(self, file: bytes) -> None:
        """Reference data, and every item it concerns is judged again."""
        self.change(parse_file(file))

    def change(self, changes: list[ReferenceChange]) -> None:
        """Changes of reference data."""
        before, self.reference = self.reference, self.reference.changed(changes, self.clock)
        concern = concern_of(changes, before)
        if concern is None:
            return
        for item in list(self.items.values()):
            if concern.touches(item.key, pack(item), content_of(item)):
                self._note(apply_reference(item, before, self.reference, self.clock))
                self._wake(item)

    def tick(self, clock: int) -> None:
        """Log time passes."""
        while self._due and self._due[0][0] <= clock:
            at, key = heappop(self._due)
            item = self.items[key]
            if item.deadline is None or item.deadline > at:
                continue
            self.clock = max(self.clock, at)
            self._note(apply_clock(item, self.reference, self.clock))
            if item.deadline == at:
                raise AssertionError(f"{key}: the deadline {at} does not pass")
            self._wake(item)
        self.clock = max(self.clock, clock)

    def told(self) -> list[dict[str, Any]]:
        """Its alerts as the query service tells them."""
        return [_told(alert) for alert in self.alerts.values()]

    def _item(self, key: str) -> Item:
        item = self.items.get(key)
        if item is None:
            item = self.items[key] = Item(key)
        return item

    def _wake(self, item: Item) -> None:
        if item.deadline is not None:
            heappush(self._due, (item.deadline, item.key))

    def _note(self, judged: Judged) -> None:
        waiting: deque[Fact] = deque()
        for _ in range(FACTS_MAX):
            for alert in judged.alerts:
                self.alerts[alert.id] = alert
            waiting += judged.facts
            if not waiting:
                return
            fact = waiting.popleft()
            item = self._item(fact.target)
            judged = apply_fact(item, fact, self.reference, self.clock)
            self._wake(item)
        raise AssertionError("facts never come to rest")


def _told(alert: AlertChange) -> dict[str, Any]:
    time = iso(alert.event_time)
    cause = "item" if alert.cause == "item" else {"kind": alert.cause.split("@")[0], "event_time": time}
    return {
        "id": alert.id, "rule": alert.rule, "status": str(alert.status), "epc": digital_link(alert.item), "cause": cause,
        "event_time": time, "events": list(alert.events), "found": alert.found, "expected": alert.expected,
    }  # fmt: skip

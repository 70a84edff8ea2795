"""Several items and the facts between them in one process: what router and tracker do, without them."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

from packtrace.codec.concern import concern_of
from packtrace.codec.state import content_of, counted, pack, unpack
from packtrace.domain import judge
from packtrace.domain.alert import AlertChange
from packtrace.domain.event import Event
from packtrace.domain.explode import own_events, recall_of_lots
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference, ReferenceChange
from packtrace.domain.vocabulary import Outcome, Status

FACTS_MAX = 20_000
"""More than any small world can send: a fact that keeps changing another is a fault, not a long run."""

Snapshot = tuple[bytes, tuple[tuple[bytes, bytes], ...]]


class World:
    """Items by key. Facts wait in one queue per pair of items, as they do in the partitions of ``ops``."""

    def __init__(self, reference: Reference, *, shuffled: random.Random | None = None, cold: bool = False, grouped: bool = False) -> None:
        self.reference = reference
        self.clock = 0
        self.items: dict[str, Item] = {}
        self.changes: list[AlertChange] = []
        self.outcomes: list[Outcome] = []
        self.waiting: dict[tuple[str, str], deque[Fact]] = {}
        self.shuffled = shuffled
        self.cold = cold
        """Whether every item is packed and unpacked between any two steps."""
        self.grouped = grouped
        """Whether all facts that wait for an item are taken in one step."""

    def item(self, key: str) -> Item:
        item = self.items.get(key)
        if item is None:
            item = self.items[key] = Item(key)
        if self.cold:
            item = self.items[key] = unpack(key, pack(item), content_of(item))
        return item

    def publish(self, event: Event, log_time: int, deliver: bool = True) -> list[Outcome]:
        """All ops of an event, then facts until all is quiet; first what it changes in reference data."""
        recall = recall_of_lots(event)
        if recall is not None:
            self.load([recall])
        return [self.apply(key, own, deliver) for key, own in own_events(event, log_time)]

    def apply(self, key: str, own: OwnEvent, deliver: bool = True) -> Outcome:
        item = self.item(key)
        judged = self._take(item, judge.apply_event(item, own, self.reference, self.clock))
        self.outcomes.append(judged.outcome)
        if deliver:
            self.deliver()
        return judged.outcome

    def deliver(self, count: int = FACTS_MAX) -> None:
        """Facts, one at a time or all to one item, until none waits or ``count`` steps have been made."""
        for _ in range(count):
            pairs = list(self.waiting)
            if not pairs:
                return
            pair = self.shuffled.choice(pairs) if self.shuffled else pairs[0]
            target = pair[1]
            facts = [self._next(one) for one in (self._to(target) if self.grouped else [pair])]
            item = self.item(target)
            self._take(item, judge.apply_facts(item, facts, self.reference, self.clock))
        assert count < FACTS_MAX, "facts never come to rest"

    def _to(self, target: str) -> list[tuple[str, str]]:
        """The pair of each fact that waits for an item, its sources in any order."""
        pairs = [pair for pair in self.waiting if pair[1] == target]
        if self.shuffled:
            self.shuffled.shuffle(pairs)
        return [pair for pair in pairs for _ in self.waiting[pair]]

    def _next(self, pair: tuple[str, str]) -> Fact:
        fact = self.waiting[pair].popleft()
        if not self.waiting[pair]:
            del self.waiting[pair]
        return fact

    def tick(self, clock: int) -> None:
        """Let log time pass: every deadline on the way, in order."""
        while True:
            due = [(item.deadline, key) for key, item in self.items.items() if item.deadline is not None and item.deadline <= clock]
            if not due:
                break
            at, key = min(due)
            self.clock = max(self.clock, at or 0)
            item = self.item(key)
            self._take(item, judge.apply_clock(item, self.reference, self.clock))
            assert item.deadline != at, f"{key}: the deadline {at} does not pass"
            self.deliver()
        self.clock = max(self.clock, clock)

    def load(self, changes: Sequence[ReferenceChange], log_time: int = 0) -> None:
        """A change of reference data reaches every item that it touches."""
        before, self.reference = self.reference, self.reference.changed(changes, log_time)
        concern = concern_of(changes, before)
        if concern is None:
            return
        for key in list(self.items):
            item = self.item(key)
            if concern.touches(key, pack(item), content_of(item)):
                self._take(item, judge.apply_reference(item, before, self.reference, self.clock))
        self.deliver()

    def _take(self, item: Item, judged: judge.Judged) -> judge.Judged:
        self.changes += judged.alerts
        for fact in judged.facts:
            self.waiting.setdefault((fact.source, fact.target), deque()).append(fact)
        return judged

    def standing(self) -> dict[str, Status]:
        """Every alert that is not withdrawn: id -> status."""
        return {
            alert.id: alert.status for item in self.items.values() for alert in item.alerts.values() if alert.status is not Status.WITHDRAWN
        }

    def rules(self, key: str) -> dict[str, Status]:
        """The alerts an item has ever raised: rule -> status (the worst of several)."""
        found: dict[str, Status] = {}
        for alert in self.items[key].alerts.values():
            if found.get(alert.rule, Status.WITHDRAWN) is Status.WITHDRAWN:
                found[alert.rule] = alert.status
        return found

    def snapshot(self) -> dict[str, Snapshot]:
        """What counts for the digest, of every item that holds anything."""
        empty = pack(Item(""))
        out: dict[str, Snapshot] = {}
        for key, item in self.items.items():
            content = tuple(sorted((name, entry) for name, entry in content_of(item).items() if counted(name)))
            packed = pack(item)
            if packed != empty or content:
                out[key] = packed, content
        return out

    def told(self) -> list[tuple[object, ...]]:
        """What the standing alerts say when read from their last change."""
        last = {change.id: change for change in self.changes}
        return sorted(
            (
                c.id,
                c.rule,
                c.severity,
                c.item,
                c.cause,
                c.event_time,
                c.events,
                c.expected,
                c.found,
                c.place,
                c.device,
                tuple(c.detail.items()),
            )
            for c in last.values()
            if c.status is not Status.WITHDRAWN
        )

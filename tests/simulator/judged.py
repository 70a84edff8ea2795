"""A whole site judged in memory by the real domain: each event told to its items, each fact told to its target."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from packtrace.codec.event_check import check
from packtrace.codec.identifiers import digital_link
from packtrace.codec.raw_event import RawEvent
from packtrace.domain.alert import AlertChange
from packtrace.domain.explode import own_events
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.judge import Judged, apply_clock, apply_event, apply_fact
from packtrace.domain.reference import Reference, parse_file
from packtrace.domain.vocabulary import Status
from packtrace.simulator.truth import iso

DAY = 86_400_000_000


class Site:
    """Items and alerts after everything told so far."""

    def __init__(self, reference_file: bytes) -> None:
        self.reference = Reference.empty().changed(parse_file(reference_file))
        self.items: dict[str, Item] = {}
        self.changes: list[AlertChange] = []
        self.alerts: dict[str, AlertChange] = {}
        self.clock = 0

    def tell(self, events: Iterable[tuple[int, RawEvent]]) -> Site:
        """Events with their log times, in the order of arrival."""
        for log_time, raw in events:
            self.clock = max(self.clock, log_time)
            for key, own in own_events(check(raw, log_time=log_time), log_time):
                self._note(apply_event(self._item(key), own, self.reference, self.clock))
        return self

    def settle(self) -> Site:
        """A day passes: every grace is over."""
        self.clock += DAY
        for item in list(self.items.values()):
            for _ in range(100):
                if item.deadline is None or item.deadline > self.clock:
                    break
                self._note(apply_clock(item, self.reference, self.clock))
            else:
                raise AssertionError(f"{item.key} wants to be woken again and again")
        return self

    def told(self) -> list[dict[str, Any]]:
        """Its alerts as the query service tells them."""
        return [_told(alert) for alert in self.alerts.values()]

    @property
    def standing(self) -> list[AlertChange]:
        return [alert for alert in self.alerts.values() if alert.status != Status.WITHDRAWN]

    def _item(self, key: str) -> Item:
        item = self.items.get(key)
        if item is None:
            item = self.items[key] = Item(key)
        return item

    def _note(self, judged: Judged) -> None:
        waiting: deque[Fact] = deque()
        while True:
            self.changes += judged.alerts
            self.alerts.update((alert.id, alert) for alert in judged.alerts)
            waiting += judged.facts
            if not waiting:
                return
            fact = waiting.popleft()
            judged = apply_fact(self._item(fact.target), fact, self.reference, self.clock)


def _told(alert: AlertChange) -> dict[str, Any]:
    time = iso(alert.event_time)
    cause = "item" if alert.cause == "item" else {"kind": alert.cause.split("@")[0], "event_time": time}
    return {
        "id": alert.id, "rule": alert.rule, "status": str(alert.status), "epc": digital_link(alert.item), "cause": cause,
        "event_time": time, "events": list(alert.events),
    }  # fmt: skip

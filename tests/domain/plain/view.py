"""What the other items were at a moment (rules.md 7): chains of containers, roots and contents.

Each item publishes its state after each of its events, and another item sees it from that event's own moment on. Of two
neighbours that were exchanged both are seen from the later moment on: there is no state that only the second of them made.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from packtrace.domain.identifiers import gtin_of
from tests.domain.plain.repeats import Key
from tests.domain.plain.state import Held, State

HOPS_MAX: Final = 8
LAST: Final[Key] = (1 << 62, 0, "")


class Timeline(NamedTuple):
    """States of one item after each event, and from which moment on each is seen."""

    keys: Sequence[Key] = ()
    states: Sequence[State] = ()
    own_keys: Sequence[Key] = ()

    def before(self, key: Key) -> State | None:
        if key in self.own_keys:  # just before that very event, whatever it was exchanged with
            n = self.own_keys.index(key)
        else:
            n = bisect_left(self.keys, key)
        return self.states[n - 1] if n else None

    def after(self, key: Key, order: Mapping[Key, int]) -> State | None:
        """Seen by a container just after its event ``key``; ``order``: places of its events as it judged them.

        An event that both have stands at the place it has for the container, any other at its own moment.
        """
        if key in self.own_keys:
            return self.states[self.own_keys.index(key)]
        place = order.get(key)
        n = bisect_right(self.keys, key)
        if place is not None:
            shared = [order[k] <= place if k in order else self.keys[i] <= key for i, k in enumerate(self.own_keys)]
            n = shared.index(False) if False in shared else len(shared)
        return self.states[n - 1] if n else None


class Inside(NamedTuple):
    """One item inside a container."""

    item: str
    gtin: str
    lot: str
    expiry: int
    holds: frozenset[str]


class View:
    def __init__(self, *, is_blind: bool = False) -> None:
        self.timelines: dict[str, Timeline] = {}
        self.orders: dict[str, dict[Key, int]] = {}
        """Of each item, the places of its events as it judged them."""
        self.is_blind = is_blind
        """Whether nothing is known of other items: an exchange is decided by the own events alone."""

    def before(self, item: str, key: Key) -> State:
        timeline = self.timelines.get(item)
        return (timeline.before(key) if timeline else None) or State()

    def after(self, item: str, key: Key, container: str) -> State:
        timeline = self.timelines.get(item)
        return (timeline.after(key, self.orders.get(container, {})) if timeline else None) or State()

    def chain(self, item: str, parent: str, key: Key) -> list[str]:
        """The containers around ``item``, from its parent to its root."""
        found: list[str] = []
        while parent and parent != item and parent not in found:
            found.append(parent)
            parent = self.before(parent, key).parent
        return found

    def custody(self, item: str, state: State, key: Key) -> Held:
        """Of its root, just before ``key``."""
        chain = self.chain(item, state.parent, key)
        return self.before(chain[-1], key).held if chain else state.held

    def children(self, container: str, key: Key, judging: str = "") -> list[tuple[str, State]]:
        """Its direct children just after ``key``, an event of ``judging`` (the container itself, where it is not said)."""
        order = self.orders.get(judging or container, {})
        found = []
        for item, timeline in self.timelines.items():
            state = timeline.after(key, order)
            if state is not None and state.parent == container:
                found.append((item, state))
        return found

    def inside(self, container: str, key: Key, judging: str = "", hops: int = HOPS_MAX) -> Iterator[Inside]:
        """Everything in it, however deep, just after ``key``."""
        if hops == 0:
            return
        judging = judging or container
        for item, state in self.children(container, key, judging):
            yield Inside(item, gtin_of(item), state.lot, state.expiry, state.holds)
            yield from self.inside(item, key, judging, hops - 1)

    def height(self, container: str, key: Key, around: tuple[str, ...] = ()) -> int:
        """How many levels are in it just before ``key``; 0: it is empty. A loop has no levels of its own."""
        inside = [
            item
            for item, timeline in self.timelines.items()
            if item not in around and (state := timeline.before(key)) and state.parent == container
        ]
        return 1 + max(self.height(item, key, (*around, container)) for item in inside) if inside else 0

    def empty_since(self, container: str, key: Key) -> int | None:
        """When its last child went, if it is empty just before ``key`` and was not always."""
        moments = sorted({k for timeline in self.timelines.values() for k in timeline.keys if k < key})
        joins = {
            k
            for timeline in self.timelines.values()
            for k, state in zip(timeline.keys, timeline.states, strict=True)
            if state.parent == container
        }
        since = None
        filled = False
        for moment in moments:
            now = any(
                timeline.states[n - 1].parent == container
                for timeline in self.timelines.values()
                if (n := bisect_right(timeline.keys, moment))
            )
            if (filled or moment in joins) and not now:
                since = moment[0]
            filled = now
        return None if filled else since


def published(moments: Sequence[tuple[Key, State]]) -> Timeline:
    """A timeline of what a fold went through: no state is seen before all events that led to it."""
    keys: list[Key] = []
    for key, _ in moments:
        keys.append(max(key, keys[-1]) if keys else key)
    return Timeline(keys, [state for _, state in moments], [key for key, _ in moments])


Timelines = Mapping[str, Timeline]

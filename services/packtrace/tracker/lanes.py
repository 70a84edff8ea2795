"""What an event does to an item, worked out once for all items that are alike.

Packs of a lot go through the same events: commissioned at one line, packed by one event. For each of them the fold would ask
the same questions and get the same answers; only times, ids and serials differ. So the first few are folded, and then the
fold is taken once more with these unknown (``domain.unknown``): it answers which conditions it looked at, and what follows
as expressions. Both become a ``Lane``, a function: where the conditions hold it answers what the fold would, and where they
do not the fold is asked. Nothing here knows a rule.

An item that came by lanes alone has a ``Shape``: its state as expressions over its events. It stays packed, and is made an
``Item`` when something else happens to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from packtrace.codec import state
from packtrace.codec.packed_event import Reader, read_event
from packtrace.domain.item import Item
from packtrace.domain.own_event import Context, OwnEvent
from packtrace.domain.reference import Reference
from packtrace.domain.vocabulary import Role
from packtrace.tracker.lane import Lane, Shape, beginning, traced

LEARN_AFTER: Final = 20
"""Folds of items that are alike, before one is taken with unknowns: that costs about as much as fifty."""
ALTERNATIVES_MAX: Final = 4
"""Lanes from one shape by one kind of event: other conditions, other answers."""
FAILURES_MAX: Final = 8
"""Steps of items that are alike which could not be taken with unknowns, before none is tried any more."""
LANES_MAX: Final = 4_096
"""Learnt; then all is learnt anew."""
TABLES_MAX: Final = 20_000
"""Kinds of event of one value of the reference data, likewise: a ship names its order, and is the only one of its kind."""
FIRSTS_MAX: Final = 8
"""Of one product: first events that items read back are recognised by."""
REFERENCES_MAX: Final = 32
"""Partitions follow a change of reference data one after the other."""


class Table:
    """The lanes of one kind of event, by the shape of the item, or by the beginning of its key where it is new."""

    __slots__ = ("failures", "lanes", "misses")

    def __init__(self) -> None:
        self.lanes: dict[Shape | str, list[Lane]] = {}
        self.misses: dict[Shape | str, int] = {}
        self.failures: dict[Shape | str, int] = {}


class First(NamedTuple):
    """The lane of a first event as it is read back from packed state: what its items look like."""

    lane: Lane
    role: Role
    context: Context


class Recognised(NamedTuple):
    """What a packed item is: the one event that made it, and the shape that it gave it."""

    shape: Shape
    event: OwnEvent


class Learnt:
    """What was learnt with one value of the reference data."""

    __slots__ = ("firsts", "tables", "unlike")

    def __init__(self) -> None:
        self.tables: dict[tuple[Context, int, str], Table] = {}
        self.firsts: dict[str, list[First]] = {}
        """By the beginning of the key."""
        self.unlike: dict[str, int] = {}
        """How many items that were read back are not what a lane makes."""


class Lanes:
    """All that has been learnt, by the value of the reference data; one for all partitions of a process."""

    def __init__(self, learn_after: int = LEARN_AFTER) -> None:
        self._learn_after = learn_after
        self._of: dict[int, Learnt] = {}
        self._count = 0
        self.taken = 0
        """Steps that took a lane."""

    def with_reference(self, mark: int) -> Learnt:
        """What was learnt with the reference data of that mark."""
        learnt = self._of.get(mark)
        if learnt is None:
            if len(self._of) >= REFERENCES_MAX:
                del self._of[next(iter(self._of))]
            learnt = self._of[mark] = Learnt()
        return learnt

    def table(self, mark: int, context: Context, role: int, other: str) -> Table | None:
        """The lanes of events like this one; None where there are none: a container is folded.

        Args:
            mark: of the reference data.
            other: the event's other item.
        """
        if role == Role.PARENT:
            return None
        tables = self.with_reference(mark).tables
        kind = (context, role, beginning(other))
        table = tables.get(kind)
        if table is None:
            if len(tables) >= TABLES_MAX:
                tables.clear()
            table = tables[kind] = Table()
        return table

    def learn(
        self, table: Table, start: Shape | str, key: str, event: OwnEvent, events: Sequence[OwnEvent], reference: Reference, clock: int
    ) -> Lane | None:
        """A new lane that ``event`` takes, or None where it is too early for one, or there can be none."""
        misses = table.misses[start] = table.misses.get(start, 0) + 1
        lanes = table.lanes.get(start, ())
        if misses < self._learn_after or len(lanes) >= ALTERNATIVES_MAX or table.failures.get(start, 0) >= FAILURES_MAX:
            return None
        lane = traced(Shape(start) if isinstance(start, str) else start, key, event, events, reference, clock)
        if lane is None:
            table.failures[start] = table.failures.get(start, 0) + 1
            return None
        self._count += 1
        if self._count > LANES_MAX:
            self._count = 0
            self._of.clear()
        table.lanes.setdefault(start, []).append(lane)
        return lane

    def recognised(self, mark: int, key: str, packed: bytes, clock: int) -> Recognised | None:
        """What an item that was read back is, where it is what a lane makes of a first event; it is not unpacked for that."""
        for lane, role, context in self.with_reference(mark).firsts.get(beginning(key), ()):
            head_bytes = lane.shape.head_bytes
            if len(packed) <= head_bytes or packed[:2] != lane.shape.front or packed[head_bytes - 1] != state.ONE_EVENT:
                continue
            reader = Reader(packed, head_bytes)
            event = read_event(reader)
            if reader.at != len(packed) or event.role is not role or event.context != context:
                continue
            taken = lane.step(key, event, (), clock)
            if taken is not None and taken[0] == packed[:head_bytes]:
                return Recognised(lane.shape, event)
        return None

    def learn_first(self, mark: int, item: Item, packed: bytes, reference: Reference, clock: int) -> None:
        """Learn what an item of one event looks like, from one that was read back and not recognised."""
        learnt, start = self.with_reference(mark), beginning(item.key)
        firsts = learnt.firsts.get(start, ())
        if len(firsts) >= FIRSTS_MAX or learnt.unlike.get(start, 0) >= FAILURES_MAX:
            return
        if len(item.window) == 1 and item.base is None and not item.told and item.window[0].role is not Role.PARENT:
            event = item.window[0]
            lane = traced(Shape(start), item.key, event, (), reference, clock)
            taken = None if lane is None else lane.step(item.key, event, (), clock)
            if lane is not None and taken is not None and taken[0] == packed[: lane.shape.head_bytes]:
                learnt.firsts[start] = [*firsts, First(lane, event.role, event.context)]
                return
        learnt.unlike[start] = learnt.unlike.get(start, 0) + 1

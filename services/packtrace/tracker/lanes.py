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

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from packtrace.codec import state
from packtrace.codec.history import Like
from packtrace.codec.packed_event import Reader, read_event
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.judge import Judged, append_event
from packtrace.domain.own_event import Context, OwnEvent
from packtrace.domain.reference import Reference
from packtrace.domain.state import State
from packtrace.domain.unknown import Bytes, Number, Tape, Text, Unknown, UntraceableError
from packtrace.domain.vocabulary import Outcome, Role
from packtrace.tracker import rows

LEARN_AFTER: Final = 3
"""Folds of items that are alike, before one is taken with unknowns: that costs about as much as a hundred."""
ALTERNATIVES_MAX: Final = 4
"""Lanes from one shape by one kind of event: other conditions, other answers."""
FAILURES_MAX: Final = 8
"""Steps of items that are alike which could not be taken with unknowns, before none is tried any more."""
LANES_MAX: Final = 4_096
"""Of one value of the reference data; then all is learnt anew."""
REFERENCES_MAX: Final = 4

_CLOCK: Final = "clock"
_COLUMNS: Final = {"i": "id", "t": "time", "l": "log_time", "m": "mark", "g": "message_mark", "o": "other"}
"""First letter of an unknown's name -> field of the own event; the number behind it is the event's."""
_PLAIN: Final = {name: getattr(State(), name) for name in State.__slots__}


class Shape:
    """What an item is whose events are not known: ``state`` and ``memo`` hold expressions."""

    __slots__ = ("contexts", "front", "head_bytes", "known", "make", "memo", "prefix", "prefixes", "roles", "state")

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.contexts: tuple[Context, ...] = ()
        self.roles: tuple[Role, ...] = ()
        self.prefixes: tuple[str, ...] = ()
        """Of each event's other item."""
        self.state: dict[str, Any] = {}
        self.memo: dict[str, Any] = {}
        """What the item knows of itself beside its state and its window."""
        self.head_bytes = 0
        """Of its packed form, before the events."""
        self.front = b""
        """The first two bytes of that."""
        self.known: frozenset[str] = frozenset()
        self.make: Callable[[str, Sequence[OwnEvent]], Item] = _no_item


Taken = tuple[bytes, int | None, str, tuple[Fact, ...]]
"""What a lane answers for one item: the head of its packed form, its deadline, its parent, what it tells others."""


class Lane:
    """One step of items that are alike. ``step(key, event, events before it, clock)``: None where its conditions do not hold."""

    __slots__ = ("_like", "_orphan", "_parent", "moves_deadline", "shape", "step")

    def __init__(
        self, step: Callable[[str, OwnEvent, Sequence[OwnEvent], int], Taken | None], shape: Shape, moves_deadline: bool, orphan: Like
    ) -> None:
        self.step = step
        self.shape = shape
        """After it."""
        self.moves_deadline = moves_deadline
        self._orphan = self._like = orphan
        self._parent = ""

    def like(self, parent: str) -> Like:
        """What the rows of items share that took the lane into one parent."""
        if parent != self._parent:
            self._parent, self._like = parent, self._orphan.inside(parent)
        return self._like


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


class Lanes:
    """All that has been learnt, by the value of the reference data it was learnt with; one for all partitions of a process."""

    def __init__(self, learn_after: int = LEARN_AFTER) -> None:
        self._learn_after = learn_after
        self._of: dict[int, dict[tuple[Context, int, str], Table]] = {}
        self._firsts: dict[tuple[int, str], list[First]] = {}
        self._first_failures: dict[tuple[int, str], int] = {}
        self._count = 0
        self.taken = 0
        """Steps that took a lane."""

    def table(self, reference: int, context: Context, role: int, other: str) -> Table | None:
        """The lanes of events like this one; None where there are none: a container is folded.

        Args:
            reference: names the value of the reference data.
            other: the event's other item.
        """
        if role == Role.PARENT:
            return None
        tables = self._of.get(reference)
        if tables is None:
            if len(self._of) >= REFERENCES_MAX:
                del self._of[next(iter(self._of))]
            tables = self._of[reference] = {}
        kind = (context, role, beginning(other))
        table = tables.get(kind)
        if table is None:
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

    def recognised(self, reference: int, key: str, packed: bytes, clock: int) -> Recognised | None:
        """What an item that was read back is, where it is what a lane makes of a first event; it is not unpacked for that."""
        for lane, role, context in self._firsts.get((reference, beginning(key)), ()):
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

    def wants_first(self, reference: int, key: str) -> bool:
        """Whether another lane of a first event that was read back may be learnt."""
        kind = (reference, beginning(key))
        return len(self._firsts.get(kind, ())) < ALTERNATIVES_MAX and self._first_failures.get(kind, 0) < FAILURES_MAX

    def learn_first(self, mark: int, key: str, event: OwnEvent, packed: bytes, reference: Reference, clock: int) -> None:
        """Learn what an item of one event looks like, from one that was read back and unpacked."""
        kind = (mark, beginning(key))
        lane = None if event.role is Role.PARENT else traced(Shape(kind[1]), key, event, (), reference, clock)
        taken = None if lane is None else lane.step(key, event, (), clock)
        if lane is None or taken is None or taken[0] != packed[: lane.shape.head_bytes]:
            self._first_failures[kind] = self._first_failures.get(kind, 0) + 1
            return
        if len(self._firsts) >= LANES_MAX:
            self._firsts.clear()
        self._firsts.setdefault(kind, []).append(First(lane, event.role, event.context))


def beginning(key: str) -> str:
    """What of a key says what its item is: all of an SGTIN but the serial, of an SSCC that it is one."""
    return key[:16] if key[:2] == "01" else key[:2]


def traced(shape: Shape, key: str, event: OwnEvent, events: Sequence[OwnEvent], reference: Reference, clock: int) -> Lane | None:
    """The lane of items of ``shape`` that such an event takes; None where the fold asks what is no condition."""
    tape = Tape(shape.known)
    values = _values(key, (*events, event), clock)
    item = _unknown_item(shape, tape, values)
    number = len(shape.contexts)
    own = _unknown_event(tape, values, number, event.role, event.context, beginning(event.other))
    try:
        judged = append_event(item, own, reference, Number(tape, _CLOCK, clock))  # type: ignore[arg-type]
        if judged is None or not _is_plain(item, judged):
            return None
        return _lane(shape, item, own, beginning(event.other), judged, tape)
    except (UntraceableError, TypeError):  # TypeError: an encoder in C that was handed an unknown
        return None


def _is_plain(item: Item, judged: Judged) -> bool:
    """Whether the item is its present and its window, and nothing but facts is told of it."""
    if judged.outcome is not Outcome.APPLIED or judged.alerts or judged.content:
        return False
    return item.base is None and item.content is None and not (item.told or item.alerts or item.correcting)


def _lane(shape: Shape, item: Item, own: OwnEvent, prefix: str, judged: Judged, tape: Tape) -> Lane | None:
    after = Shape(shape.prefix)
    after.contexts = (*shape.contexts, own.context)
    after.roles = (*shape.roles, own.role)
    after.prefixes = (*shape.prefixes, prefix)
    after.state = {name: value for name in State.__slots__ if _differs(value := getattr(item.now, name), _PLAIN[name])}
    after.memo = {name: getattr(item, name) for name in ("last", "settles_at", "overdue_at", "window_hours")}
    head: Any = state.head(item)
    if isinstance(head, bytes):
        head = Bytes((head,), len(head))
    after.head_bytes = head.length
    after.front = head.pieces[0][:2] if isinstance(head.pieces[0], bytes) else b""
    deadline, before = _deadline(after), _deadline(shape)
    if before is not None and deadline is None:
        return None
    moves = deadline is not None and (before is None or deadline.source != before.source)
    if any(isinstance(one, Unknown) for one in (item.life, item.reason, item.custody, item.place, item.destination, item.lot, item.expiry)):
        return None  # rows would not be alike
    conditions = list(tape.conditions)
    after.known = shape.known | {condition for condition in conditions if _CLOCK not in condition}
    source = _Source(len(after.contexts))
    answer = f"({source.join(head)}, {source.of(deadline)}, {source.of(item.now.parent)}, {source.facts(judged.facts)})"
    step = source.function(
        "key, event, events, clock", len(after.contexts), conditions, answer, "*events, event" if shape.contexts else "event"
    )
    after.make = _maker(after)
    return Lane(step, after, moves, rows.like_of(item, own))


def _differs(value: object, plain: object) -> bool:
    return isinstance(value, Unknown) or type(value) is tuple or value != plain


def _deadline(shape: Shape) -> Number | None:
    """``Item.deadline`` of an item that has no alerts."""
    times = [time for time in (shape.memo.get("settles_at"), shape.memo.get("overdue_at")) if time is not None]
    return min(times, default=None)


# --- unknowns in the place of what is known


def _values(key: str, events: Sequence[OwnEvent], clock: int) -> dict[str, int | str]:
    """Name of an unknown -> what it is of the sample."""
    values: dict[str, int | str] = {"key": key, _CLOCK: clock}
    for number, event in enumerate(events):
        for letter, field in _COLUMNS.items():
            values[f"{letter}{number}"] = getattr(event, field)
    return values


def _unknown_item(shape: Shape, tape: Tape, values: dict[str, int | str]) -> Item:
    item = Item(Text(tape, "key", str(values["key"]), shape.prefix))  # type: ignore[arg-type]
    for name, value in shape.state.items():
        setattr(item.now, name, _again(value, tape, values))
    for name, value in shape.memo.items():
        setattr(item, name, _again(value, tape, values))
    rows = zip(shape.roles, shape.contexts, shape.prefixes, strict=True)
    item.window = [_unknown_event(tape, values, n, role, context, prefix) for n, (role, context, prefix) in enumerate(rows)]
    return item


def _unknown_event(tape: Tape, values: dict[str, int | str], number: int, role: Role, context: Context, prefix: str) -> OwnEvent:
    def number_of(letter: str) -> Any:
        return Number(tape, f"{letter}{number}", values[f"{letter}{number}"])

    other: Any = Text(tape, f"o{number}", str(values[f"o{number}"]), prefix) if prefix else ""
    id: Any = Text(tape, f"i{number}", str(values[f"i{number}"]))
    return OwnEvent(id, number_of("t"), number_of("l"), role, context, number_of("m"), number_of("g"), other)


def _again(value: Any, tape: Tape, values: dict[str, int | str]) -> Any:
    """An expression of an earlier step, on this step's tape and with its sample."""
    if isinstance(value, Text):
        return Text(tape, value.source, str(values[value.source]), value.prefix)
    if isinstance(value, Number):
        return Number(tape, value.source, eval(value.source, {"__builtins__": {}}, values))
    if type(value) is tuple:
        return tuple(_again(one, tape, values) for one in value)
    return value


# --- what was found, as a function


class _Source:
    """Writes expressions as Python source; what is known is bound by name."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._bound: dict[str, Any] = {"Fact": Fact}

    def of(self, value: Any) -> str:
        if isinstance(value, Unknown):
            return value.source
        if type(value) is tuple and any(isinstance(one, (Unknown, tuple)) for one in value):
            return f"({', '.join(map(self.of, value))},)"
        if value is None or value == "" or value == ():
            return repr(value)
        name = f"known_{len(self._bound)}"
        self._bound[name] = value
        return name

    def join(self, packed: Bytes) -> str:
        """Bytes; neighbours that are known are one."""
        pieces: list[bytes | str] = []
        for piece in packed.pieces:
            if isinstance(piece, bytes) and pieces and isinstance(pieces[-1], bytes):
                pieces[-1] += piece
            else:
                pieces.append(piece)
        return " + ".join(repr(piece) if isinstance(piece, bytes) else piece for piece in pieces)

    def facts(self, facts: Sequence[Fact]) -> str:
        return f"({', '.join(self._fact(fact) for fact in facts)}{',' if facts else ''})"

    def _fact(self, fact: Fact) -> str:
        values = [getattr(fact, name) for name in Fact.__struct_fields__]
        return f"Fact({', '.join(map(self.of, values))})"

    def function(self, arguments: str, events: int, conditions: Sequence[str], answer: str, all_events: str) -> Any:
        """``def step(arguments)``: None where a condition does not hold, else ``answer``."""
        body = " and ".join(conditions) or "True"
        lines = [f"def step({arguments}):"]
        lines += self._names(f"{body} {answer}", all_events)
        lines += [f"    if {body}:", f"        return {answer}", "    return None"]
        return self.compiled(lines)

    def _names(self, text: str, all_events: str) -> list[str]:
        used = [
            (number, letter, field)
            for number in range(self._events)
            for letter, field in _COLUMNS.items()
            if f"{letter}{number}" in _words(text)
        ]
        if not used:
            return []
        names = ", ".join(f"e{number}" for number in range(self._events))
        lines = [f"    {names}, = {all_events}," if all_events else f"    {names}, = events"]
        return lines + [f"    {letter}{number} = e{number}.{field}" for number, letter, field in used]

    def compiled(self, lines: Sequence[str]) -> Any:
        exec(compile("\n".join(lines), "<lane>", "exec"), self._bound)
        return self._bound.pop("step")


def _words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in text).split())


def _maker(shape: Shape) -> Callable[[str, Sequence[OwnEvent]], Item]:
    source = _Source(len(shape.contexts))
    body = [f"    item.now.{name} = {source.of(value)}" for name, value in shape.state.items()]
    body += [f"    item.{name} = {source.of(value)}" for name, value in shape.memo.items()]
    lines = ["def step(key, events):", *source._names(" ".join(body), "")]
    lines += ["    item = Item(key)", *body, "    item.window = list(events)", "    return item"]
    source._bound["Item"] = Item
    made: Callable[[str, Sequence[OwnEvent]], Item] = source.compiled(lines)
    return made


def _no_item(key: str, events: Sequence[OwnEvent]) -> Item:
    raise AssertionError("an item without events has no shape")

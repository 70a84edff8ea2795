"""One step of items that are alike, as a function: how it is worked out.

The fold is taken with unknown times, ids and serials (``domain.unknown``). The conditions it asked and the expressions it answers
become a ``Lane``; the state it leaves, expressions too, a ``Shape``. Nothing here knows a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from packtrace.codec import state
from packtrace.codec.history import Like
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.judge import Judged, append_event
from packtrace.domain.own_event import Context, OwnEvent
from packtrace.domain.reference import Reference
from packtrace.domain.state import State
from packtrace.domain.unknown import Bytes, Number, Tape, Text, Unknown, UntraceableError
from packtrace.domain.vocabulary import Outcome, Role
from packtrace.tracker import rows

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

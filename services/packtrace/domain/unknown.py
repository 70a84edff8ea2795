"""Numbers and texts of which only a sample is known: what the code asks of them is written down as conditions.

A step of the fold that is taken with unknown times, ids and serials answers what follows for every item for which the same
conditions hold. Whatever cannot be written down as a condition (a division, a text in a message, an encoder in C) raises:
there is no unknown that passes for known.
"""

from __future__ import annotations

from typing import Final, NoReturn

_INVERSE: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class UntraceableError(Exception):
    """Something was asked of an unknown that is no condition on it."""


class Tape:
    """The conditions of one step, as Python expressions, in the order they were asked; those in ``known`` hold anyway."""

    def __init__(self, known: frozenset[str] = frozenset()) -> None:
        self.known = known
        self.conditions: dict[str, None] = {}

    def note(self, left: str, operator: str, right: str, holds: bool) -> bool:
        """Write down that ``left operator right`` was asked and what the sample answered; answers that."""
        condition = f"{left} {operator if holds else _INVERSE[operator]} {right}"
        if condition not in self.known:
            self.conditions[condition] = None
        return holds


class Unknown:
    """``source`` is a Python expression over the names of unknowns, ``value`` that of the sample."""

    __slots__ = ("source", "tape", "value")

    def __init__(self, tape: Tape, source: str, value: int | str) -> None:
        self.tape = tape
        self.source = source
        self.value = value

    def __hash__(self) -> int:
        """All are alike, so that a dict must ask whether two are equal; what is known is never looked for among unknowns."""
        return 0

    def __repr__(self) -> str:
        return f"<{self.source}>"

    def __getattr__(self, name: str) -> NoReturn:
        raise UntraceableError(f"{self.source}.{name}")

    def __str__(self) -> NoReturn:
        raise UntraceableError(f"the text of {self.source}")

    def __format__(self, spec: str) -> NoReturn:
        raise UntraceableError(f"the text of {self.source}")


class Number(Unknown):
    """An unknown integer. Sums and differences are numbers, comparisons are conditions."""

    __slots__ = ()
    value: int

    def _asked(self, operator: str, other: object, holds: bool) -> bool:
        right = other.source if isinstance(other, Number) else repr(other)
        return self.tape.note(self.source, operator, right, holds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (int, Number)):
            return False
        if isinstance(other, Number) and other.source == self.source:
            return True
        return self._asked("==", other, self.value == _number(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Unknown.__hash__

    def __lt__(self, other: int | Number) -> bool:
        return self._asked("<", other, self.value < _number(other))

    def __le__(self, other: int | Number) -> bool:
        return self._asked("<=", other, self.value <= _number(other))

    def __gt__(self, other: int | Number) -> bool:
        return self._asked(">", other, self.value > _number(other))

    def __ge__(self, other: int | Number) -> bool:
        return self._asked(">=", other, self.value >= _number(other))

    def __bool__(self) -> bool:
        return self != 0

    def __add__(self, other: int | Number) -> Number:
        return self._of("+", other, self.value + _number(other))

    def __radd__(self, other: int) -> Number:
        return Number(self.tape, f"({other} + {self.source})", other + self.value)

    def __sub__(self, other: int | Number) -> Number:
        return self._of("-", other, self.value - _number(other))

    def __rsub__(self, other: int) -> Number:
        return Number(self.tape, f"({other} - {self.source})", other - self.value)

    def __neg__(self) -> Number:
        return Number(self.tape, f"(-{self.source})", -self.value)

    def _of(self, operator: str, other: int | Number, value: int) -> Number:
        right = other.source if isinstance(other, Number) else repr(other)
        return Number(self.tape, f"({self.source} {operator} {right})", value)

    def to_bytes(self, length: int, order: str, *, signed: bool = False) -> Bytes:
        """As of an integer; its bytes are as unknown as it is."""
        return Bytes((f"{self.source}.to_bytes({length}, {order!r}, signed={signed})",), length)


class Text(Unknown):
    """An unknown text, of which the first characters may be known: of an item's key those that say what it is."""

    __slots__ = ("prefix",)
    value: str

    def __init__(self, tape: Tape, source: str, value: str, prefix: str = "") -> None:
        super().__init__(tape, source, value)
        self.prefix = prefix

    def _asked(self, operator: str, other: str | Text, holds: bool) -> bool:
        right = other.source if isinstance(other, Text) else repr(other)
        return self.tape.note(self.source, operator, right, holds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (str, Text)):
            return False
        if isinstance(other, Text) and other.source == self.source:
            return True
        start = other.prefix if isinstance(other, Text) else other
        alike = min(len(start), len(self.prefix))
        if start[:alike] != self.prefix[:alike] or (isinstance(other, str) and len(other) < len(self.prefix)):
            return False  # whatever the rest of it is
        return self._asked("==", other, self.value == _text(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Unknown.__hash__

    def __lt__(self, other: str | Text) -> bool:
        return self._asked("<", other, self.value < _text(other))

    def __le__(self, other: str | Text) -> bool:
        return self._asked("<=", other, self.value <= _text(other))

    def __gt__(self, other: str | Text) -> bool:
        return self._asked(">", other, self.value > _text(other))

    def __ge__(self, other: str | Text) -> bool:
        return self._asked(">=", other, self.value >= _text(other))

    def __bool__(self) -> bool:
        return True if self.prefix else self != ""

    def __getitem__(self, place: slice) -> str:
        start, stop, step = place.start or 0, place.stop, place.step
        if step is not None or stop is None or not 0 <= start <= stop <= len(self.prefix):
            raise UntraceableError(f"{self.source}[{start}:{stop}]")
        return self.prefix[start:stop]


class Bytes:
    """Bytes of which some are unknown: pieces in order, each known bytes or the source of unknown ones; ``length`` of all."""

    __slots__ = ("length", "pieces")

    def __init__(self, pieces: tuple[bytes | str, ...], length: int) -> None:
        self.pieces = pieces
        self.length = length

    def __add__(self, other: bytes | Bytes) -> Bytes:
        if isinstance(other, Bytes):
            return Bytes(self.pieces + other.pieces, self.length + other.length)
        return Bytes((*self.pieces, other), self.length + len(other))

    def __radd__(self, other: bytes) -> Bytes:
        return Bytes((other, *self.pieces), self.length + len(other))

    def __bool__(self) -> bool:
        return self.length > 0


def _number(one: int | Number) -> int:
    return one.value if isinstance(one, Number) else one


def _text(one: str | Text) -> str:
    return one.value if isinstance(one, Text) else one

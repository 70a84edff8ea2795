"""A rule is a row: code, the events it looks at, severity, cause, grace, the question, what would explain it, source."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

from packtrace.domain.alert import Evidence
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Kind, Role, Severity

Decide = Callable[[State, Step], Evidence | None]
"""Judges an event with the state just before it; None where the rule holds."""


class Cause(Enum):
    ITEM = "item"
    """One alert per item and rule; its evidence grows."""
    EVENT = "event"
    """One alert per offending event."""


class Rule(NamedTuple):
    code: str
    kinds: frozenset[Kind]
    roles: frozenset[Role]
    severity: Severity
    cause: Cause
    grace_s: int
    decide: Decide
    explained_by: str
    source: str
    after: bool = False
    """Whether it is judged with what is inside just after the event."""
    version: int = 1


EVERY: Final = frozenset(Kind) - {Kind.CORRECT}
ANY: Final = frozenset(Role)
CHILD: Final = frozenset({Role.CHILD})
PARENT: Final = frozenset({Role.PARENT})
ITEM: Final = frozenset({Role.ITEM})


def kinds(*of: Kind) -> frozenset[Kind]:
    return frozenset(of)


def outside(state: State, step: Step) -> Evidence | None:
    """The question of a rule that is judged outside the fold: here it never breaks."""
    return None

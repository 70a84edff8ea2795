"""The axis holds: reasons not to sell (rules.md 3.5). Set by hold and recall, lifted by release.

A release lifts its reason; without one all but RECALLED, which only a release that names it lifts.
"""

from __future__ import annotations

from packtrace.domain.kinds import RECALLED
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Kind


def lifts_nothing(state: State, step: Step) -> bool:
    """Whether a release would change nothing: then it is judged as an observe (rules.md 2)."""
    reason = step.context.reason
    return reason not in state.holds if reason else all(one == RECALLED for one in state.holds)


def hold(state: State, step: Step) -> None:
    """Move the axis by one event."""
    kind = step.kind
    if kind is Kind.HOLD or kind is Kind.RECALL:
        state.holds = tuple(sorted({*state.holds, step.context.reason or "HOLD"}))
    elif kind is Kind.RELEASE and state.holds:
        reason = step.context.reason
        state.holds = tuple(one for one in state.holds if (one != reason if reason else one == RECALLED))

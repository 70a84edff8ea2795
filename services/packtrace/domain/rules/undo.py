"""Undoing: may an item that became inactive be active again? (EU 2016/161, Art. 13: same place, ten days, not after all reasons.)"""

from __future__ import annotations

from typing import Final

from packtrace.domain.alert import Evidence
from packtrace.domain.dates import HOUR, time_text
from packtrace.domain.place import another_place
from packtrace.domain.rules.state_of import is_expired, recall_of
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import TERMINAL, Life

UNDO_HOURS_MAX: Final = 240
"""Ten days (EU 2016/161, Art. 13(1)(b))."""


def not_allowed(state: State, step: Step) -> Evidence | None:
    """An expired, recalled, destroyed or stolen item."""
    if state.life is not Life.INACTIVE:
        return None
    found = ""
    if state.reason in TERMINAL:
        found = state.reason.name.lower()
    elif (recalled := recall_of(state, step)) is not None:
        found = recalled
    elif is_expired(state, step):
        found = "expired"
    if not found:
        return None
    return Evidence(expected="an item that may be sold again", found=f"reactivate of an item that is {found}", events=(state.inactive_id,))


def elsewhere(state: State, step: Step) -> Evidence | None:
    """At another place than made it inactive."""
    if state.life is not Life.INACTIVE or another_place(state.inactive_side, step.side) is not True:
        return None
    return Evidence(expected=f"at {state.inactive_side.premises}", found=f"at {step.side.premises}", events=(state.inactive_id,))


def too_late(state: State, step: Step) -> Evidence | None:
    """More than ten days after it became inactive."""
    if state.life is not Life.INACTIVE or step.event.time - state.inactive <= UNDO_HOURS_MAX * HOUR:
        return None
    return Evidence(
        expected=f"within {UNDO_HOURS_MAX} hours of {time_text(state.inactive)}",
        found=time_text(step.event.time),
        events=(state.inactive_id,),
    )


def mismatch(state: State, step: Step) -> Evidence | None:
    """With another reason than the current one."""
    reason = step.context.reason
    if state.life is not Life.INACTIVE or not reason or reason == state.reason.name:
        return None
    return Evidence(expected=f"reason {state.reason.name}", found=f"reason {reason}", events=(state.inactive_id,))


UNDO_RULES: Final = (not_allowed, elsewhere, too_late, mismatch)


def refused(state: State, step: Step) -> bool:
    """Whether a reactivate changes nothing: one of the four holds, silenced or switched off too (rules.md 3.1)."""
    return any(rule(state, step) is not None for rule in UNDO_RULES)

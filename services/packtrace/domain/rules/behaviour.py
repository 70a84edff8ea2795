"""Behaviour: what no single event shows, and clocks that cannot be right."""

from __future__ import annotations

from packtrace.domain.alert import Evidence
from packtrace.domain.dates import MINUTE, time_text
from packtrace.domain.rules.rule import ANY, EVERY, Cause, Rule, outside
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Severity

AHEAD_MAX = 5 * MINUTE
"""How far a clock may run ahead of the log, microseconds."""


def ahead(state: State, step: Step) -> Evidence | None:
    """The event says it happened more than five minutes after the log took it."""
    event = step.event
    if event.time - event.log_time <= AHEAD_MAX:
        return None
    return Evidence(expected=f"at most 5 minutes after {time_text(event.log_time)}", found=time_text(event.time))


# fmt: off
BEHAVIOUR: tuple[Rule, ...] = (
    #    code                 kinds  roles  severity      cause        grace_s  decide   explained by                         source
    Rule("future-event",       EVERY, ANY,   Severity.LOW, Cause.EVENT, 0,       ahead,   "the clock of the device",           "R58"),
    Rule("late-beyond-window", EVERY, ANY,   Severity.LOW, Cause.EVENT, 0,       outside, "an upload after the window closed", "rules.md 4.7"),
)
# fmt: on

"""What was shipped and did not arrive: the one rule that breaks because log time passes (rules.md 5, data-no-product)."""

from __future__ import annotations

from typing import Final

from packtrace.domain.alert import Evidence
from packtrace.domain.dates import DAY, time_text
from packtrace.domain.place import party_of
from packtrace.domain.rules import BY_CODE
from packtrace.domain.state import State
from packtrace.domain.step import Subject
from packtrace.domain.told import Breach, Out
from packtrace.domain.vocabulary import Custody, Kind

REPORTS_RECEIPTS: Final = "reports_receipts"
OVERDUE_DAYS: Final = 7
_RULE: Final = BY_CODE["data-no-product"]


def overdue_at(state: State, subject: Subject) -> int | None:
    """The log time from which an item in transit counts as not arrived; None where nobody would report its receipt."""
    if state.custody is not Custody.IN_TRANSIT or state.parent or not state.shipped_log:
        return None
    known = subject.reference.party(party_of(state.to, subject.reference))
    if known is None or REPORTS_RECEIPTS not in known.roles:
        return None
    policy = subject.reference.policy_at(state.shipped_log).rules.get(_RULE.code)
    days = OVERDUE_DAYS if policy is None else policy.numbers.get("days", OVERDUE_DAYS)
    return state.shipped_log + days * DAY + 1


def wake_at(state: State, subject: Subject) -> int | None:
    """``overdue_at`` where that is still to come."""
    due = overdue_at(state, subject)
    return due if due is not None and due > subject.clock else None


def overdue(state: State, subject: Subject, out: Out) -> None:
    """Still in transit when its time is up: whatever ends the transit takes it back."""
    due = overdue_at(state, subject)
    if due is None or subject.clock < due or state.shipped is None:
        return
    time, place, _ = state.shipped
    evidence = Evidence(expected=f"received by {state.to.place or state.to.party}", found=f"in transit since {time_text(time)}")
    out.breaches.append(Breach(_RULE, evidence, Kind.SHIP, place, state.lot, state.shipped_id, time, state.shipped_log, ""))

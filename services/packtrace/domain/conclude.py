"""Breaches become conclusions: one per item and rule, or one per offending event, with their evidence (rules.md 5, 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from packtrace.domain.alert import EVENTS_MAX, ITEM_CAUSE, Conclusion, alert_id, event_cause
from packtrace.domain.dates import SECOND
from packtrace.domain.reference import RulePolicy
from packtrace.domain.rules.rule import Cause
from packtrace.domain.step import Subject
from packtrace.domain.told import Breach
from packtrace.domain.vocabulary import Kind

_AS_WRITTEN = RulePolicy()


def conclude(breaches: Iterable[Breach], settled: Mapping[str, Conclusion], subject: Subject) -> dict[str, Conclusion]:
    """The alerts that follow, by id: those of settled events, with what the open ones add."""
    found = dict(settled)
    for breach in breaches:
        one = conclusion(breach, subject)
        if one is not None:
            before = found.get(one.id)
            found[one.id] = one if before is None else _grown(before, one)
    return found


def conclusion(breach: Breach, subject: Subject) -> Conclusion | None:
    """One breach alone; None where the policy switches its rule off."""
    rule, evidence, kind, place, lot, event_id, event_time, log_time, device = breach
    policy = subject.reference.policy_at(log_time).rules.get(rule.code, _AS_WRITTEN)
    if not policy.enabled:
        return None
    cause = ITEM_CAUSE if rule.cause is Cause.ITEM else event_cause(Kind(kind).word, event_time, place[:13])
    grace = rule.grace_s if policy.grace_seconds is None else policy.grace_seconds
    return Conclusion(
        id=alert_id(rule.code, subject.key, cause),
        rule=rule.code,
        cause=cause,
        severity=policy.severity or evidence.severity or rule.severity,
        event_time=event_time,
        due=log_time + grace * SECOND if grace else 0,
        events=tuple(id for id in (event_id, *evidence.events) if id),
        expected=evidence.expected,
        found=evidence.found,
        explained_by=rule.explained_by,
        detail=evidence.detail,
        place=place,
        device=device,
        lot=lot,
    )


def _grown(first: Conclusion, later: Conclusion) -> Conclusion:
    """The same alert with one more breach: the first in event order tells it, later ones add their ids and are counted."""
    events = first.events
    if later.events[0] not in events and len(events) < EVENTS_MAX:
        events = (*events, later.events[0])
    return msgspec.structs.replace(first, events=events, due=min(first.due, later.due), breaches=first.breaches + 1)

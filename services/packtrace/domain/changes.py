"""Conclusions before and after one step become changes of alerts: raised, revised, confirmed, withdrawn (rules.md 8)."""

from __future__ import annotations

from collections.abc import Mapping

from packtrace.domain.alert import AlertChange, AlertState, Conclusion
from packtrace.domain.item import Item
from packtrace.domain.rules import BY_CODE
from packtrace.domain.step import Subject
from packtrace.domain.vocabulary import Status


def alert_changes(
    item: Item,
    before: Mapping[str, Conclusion],
    after: Mapping[str, Conclusion],
    subject: Subject,
    at: int,
    clock: int,
    explained_by: str,
) -> list[AlertChange]:
    """What readers must be told; the item remembers it.

    Args:
        before, after: what followed before the step and what follows now.
        at: log time of what caused the step.
        clock: log time the partition has reached.
        explained_by: what a withdrawn alert names as its explanation.
    """
    changes: list[AlertChange] = []
    for id in sorted(after):
        conclusion = after[id]
        known = item.alerts.get(id)
        standing = known is not None and known.status is not Status.WITHDRAWN
        due = clock >= conclusion.due or (standing and known is not None and known.status is Status.CONFIRMED)
        status = Status.CONFIRMED if due else Status.PROVISIONAL
        if standing and known is not None and known.status is status and conclusion == before.get(id, conclusion):
            continue
        changes.append(_changed(item, conclusion, status, subject, max(at, clock), conclusion.explained_by))
    for known in sorted(item.alerts.values(), key=lambda one: one.id):
        if known.status is not Status.WITHDRAWN and known.id not in after:
            was = before.get(known.id) or Conclusion(known.id, known.rule, known.cause, known.severity, known.event_time, known.due, ())
            changes.append(_changed(item, was, Status.WITHDRAWN, subject, max(at, clock), explained_by))
    return changes


def _changed(item: Item, conclusion: Conclusion, status: Status, subject: Subject, at: int, explained_by: str) -> AlertChange:
    known = item.alerts.get(conclusion.id)
    version = 1 if known is None else known.version + 1
    raised_at = at if known is None else known.raised_at
    item.alerts[conclusion.id] = AlertState(
        conclusion.id,
        conclusion.rule,
        conclusion.cause,
        status,
        conclusion.severity,
        version,
        conclusion.event_time,
        raised_at,
        conclusion.due,
    )
    detail = dict(conclusion.detail)
    if conclusion.breaches > 1:
        detail["breaches"] = str(conclusion.breaches)
    product = subject.product
    return AlertChange(
        id=conclusion.id,
        version=version,
        rule=conclusion.rule,
        rule_version=BY_CODE[conclusion.rule].version,
        status=status,
        severity=conclusion.severity,
        item=item.key,
        cause=conclusion.cause,
        event_time=conclusion.event_time,
        raised_at=raised_at,
        changed_at=max(at, raised_at),
        events=conclusion.events,
        expected=conclusion.expected,
        found=conclusion.found,
        explained_by=explained_by,
        detail=detail,
        place=conclusion.place,
        device=conclusion.device,
        gtin=subject.gtin,
        lot=conclusion.lot or item.now.lot,
        tenant="" if product is None else product.tenant,
    )

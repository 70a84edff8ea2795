"""The only way an item changes: an event, a fact, the clock or reference data is applied, and what follows is answered.

The slow path is the meaning: fold what was known, put the new thing in its place, fold again, compare. The fast path does the
same for what sorts strictly last and breaks no rule; a property holds the two equal.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import NamedTuple

from packtrace.domain import containment, receive, settle, trail
from packtrace.domain.advance import advance, judge_content
from packtrace.domain.alert import AlertChange, Conclusion
from packtrace.domain.changes import alert_changes
from packtrace.domain.content import MEMORY
from packtrace.domain.custody import brought
from packtrace.domain.dates import HOUR
from packtrace.domain.fact import Fact, alike
from packtrace.domain.fold import Folded, fold
from packtrace.domain.inside import Inside, summary_of
from packtrace.domain.item import Item
from packtrace.domain.memory import pack_memory
from packtrace.domain.order import Key, is_named, key_of, tolerance_of, unordered, window_key
from packtrace.domain.overdue import wake_at
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference
from packtrace.domain.repeats import repeat_of_settled
from packtrace.domain.rules.identity import STILL
from packtrace.domain.step import Step, Subject
from packtrace.domain.told import Out, fact_of, facts_changed
from packtrace.domain.vocabulary import FactType, Kind, Level, Outcome, Role, Status

_OF_THE_PRESENT = frozenset({"data-no-product"})
"""Rules that any later event may take back: they follow from the state at the end."""


class Judged(NamedTuple):
    """What follows from one step. ``content``: entries of the item's content record, None where one is gone."""

    outcome: Outcome
    alerts: list[AlertChange]
    facts: list[Fact]
    content: dict[bytes, bytes | None]


def apply_event(item: Item, event: OwnEvent, reference: Reference, clock: int) -> Judged:
    """Put ``event`` in its place among the item's events and conclude anew.

    Args:
        clock: log time the partition has reached.
    """
    judged = append_event(item, event, reference, clock)
    if judged is not None:
        return judged
    subject = Subject(item.key, reference, clock)
    settle.settle(item, subject, clock, settle.OPEN_EVENTS_MAX - 1)
    base = item.base
    late = base is not None and event.context.kind is not Kind.CORRECT and key_of(event) <= base.last
    if late or _corrects_settled(item, event):
        return _late(item, event, subject, clock)
    place = _exact_repeat(item, event)
    if place is not None and item.window[place].log_time <= event.log_time:
        return Judged(Outcome.REPEAT, [], [], {})
    before = fold(item, subject)
    if place is not None:
        item.window[place] = event
    else:
        insort(item.window, event, key=window_key)
        item.correcting = item.correcting or event.context.kind is Kind.CORRECT
    item.row_bytes = []
    after = fold(item, subject)
    alerts, facts = _compare(item, before, after, subject, subject, event.log_time, clock, event.id)
    outcome = Outcome.REPEAT if place is not None else _outcome(item, event, after)
    return Judged(outcome, alerts, facts, _content_changes(item, alerts))


def append_event(item: Item, event: OwnEvent, reference: Reference, clock: int) -> Judged | None:
    """The fast path of ``apply_event``; None where the whole must be folded (the present is then spoilt)."""
    if not _sorts_last_alone(item, event, reference, clock):
        return None
    return _appended(item, event, Subject(item.key, reference, clock))


def apply_fact(item: Item, fact: Fact, reference: Reference, clock: int) -> Judged:
    """Take in what another item concluded, or took back."""
    return apply_facts(item, (fact,), reference, clock)


def apply_facts(item: Item, facts: Sequence[Fact], reference: Reference, clock: int) -> Judged:
    """Take in what other items told this one, in the order of the log.

    What the fast path takes is taken one by one; from the first that needs a fold on, one fold answers for all: a case with
    the facts of its fifty children is folded once. What would have been told in between, and taken back, is not told.
    """
    subject = Subject(item.key, reference, clock)
    told: list[Fact] = []
    runs, n = alike(facts), 0
    while n < len(runs):
        run = runs[n]
        if not receive.changes_nothing_else(item, run[0], subject):
            return _folded(item, runs[n:], told, subject, clock)
        together = _taken_together(item, run, subject) if len(run) > 1 else None
        if together is None and len(run) > 1:
            runs[n : n + 1] = [(fact,) for fact in run]
        one = _taken(item, runs[n][0], subject) if together is None else [] if together else None
        if one is None:
            return _folded(item, runs[n:], told, subject, clock)
        told += one
        n += 1
    return Judged(Outcome.APPLIED, [], told, item.content.take_changes() if item.content else {})


def _folded(item: Item, runs: Sequence[Sequence[Fact]], told: list[Fact], subject: Subject, clock: int) -> Judged:
    """The slow path of ``apply_facts``; ``told`` is what those before made the item tell."""
    if item.settles_at is not None and item.settles_at <= clock:
        settle.settle(item, subject, clock)
    before = fold(item, subject)
    for run in runs:
        receive.take_run(item, run)
    after = fold(item, subject)
    last = max((run[0] for run in runs), key=_logged)
    alerts, more = _compare(item, before, after, subject, subject, last.log_time, clock, last.event_id)
    return Judged(Outcome.APPLIED, alerts, told + more, _content_changes(item, alerts))


def _logged(fact: Fact) -> tuple[int, str]:
    return fact.log_time, fact.event_id


def apply_clock(item: Item, reference: Reference, clock: int) -> Judged:
    """Confirm what has outlived its grace, settle what is old. Idempotent."""
    subject = Subject(item.key, reference, clock)
    if item.settles_at is not None and item.settles_at <= clock:
        settle.settle(item, subject, clock)
    folded = fold(item, subject)
    alerts, facts = _compare(item, folded, folded, subject, subject, clock, clock, "")
    return Judged(Outcome.APPLIED, alerts, facts, _content_changes(item, alerts))


def apply_reference(item: Item, before: Reference, after: Reference, clock: int, log_time: int = 0) -> Judged:
    """Judge what is open again after a change of reference data, logged at ``log_time``."""
    was, now = Subject(item.key, before, clock), Subject(item.key, after, clock)
    settle.settle(item, was, clock)
    old = fold(item, was)
    base = item.base
    if base is not None and base.conclusions:
        base.conclusions = {id: one for id, one in base.conclusions.items() if _still_follows(one, now)}
    new = fold(item, now)
    alerts, facts = _compare(item, old, new, was, now, log_time, clock, "reference data")
    return Judged(Outcome.APPLIED, alerts, facts, _content_changes(item, alerts))


def _still_follows(one: Conclusion, subject: Subject) -> bool:
    still = STILL.get(one.rule)
    return still is None or still(subject, dict(one.detail))


def _compare(
    item: Item, before: Folded, after: Folded, was: Subject, now: Subject, at: int, clock: int, explained_by: str
) -> tuple[list[AlertChange], list[Fact]]:
    """Make ``after`` the item's present; answer what differs."""
    item.now = after.state
    if item.content is not None:
        item.content.forget_inside()
    item.last = newest(item)
    item.settles_at = settle.settles_at(item, after, now)
    item.overdue_at = wake_at(item.now, now)
    item.window_hours = now.reference.window_hours_min
    alerts = alert_changes(item, before.conclusions, after.conclusions, now, at, clock, explained_by)
    return alerts, facts_changed(item.key, before.facts, after.facts)


def newest(item: Item) -> Key | None:
    """Where the newest thing the item knows sorts."""
    keys = [key_of(item.window[-1])] if item.window else []
    if item.base is not None:
        keys.append(item.base.last)
    keys += item.told
    if item.content is not None and item.content.last is not None:
        keys.append(item.content.last)
    return max(keys, default=None)


def _content_changes(item: Item, alerts: list[AlertChange]) -> dict[bytes, bytes | None]:
    changes = {} if item.content is None else item.content.take_changes()
    if alerts:
        changes[MEMORY] = pack_memory(item.alerts.values())
    return changes


# --- the fast path


def _sorts_last_alone(item: Item, event: OwnEvent, reference: Reference, clock: int) -> bool:
    """Whether nothing about order, repeats or settling can change by ``event``: it is simply the next."""
    last = item.last
    kind = event.context.kind
    if kind is Kind.CORRECT:
        return False
    if last is None:
        return True
    window = item.window
    if key_of(event) <= last or item.correcting or len(window) >= settle.OPEN_EVENTS_MAX:
        return False
    if item.settles_at is not None and item.settles_at <= clock:
        return False
    id, mark = event.id, event.message_mark
    for other in window:
        if other.context.kind is kind or other.id == id or (mark and other.message_mark == mark) or other.mark == event.mark:
            return False
    if item.base is not None and event.kind in item.base.kinds and event.time - item.base.kinds[event.kind][0] <= 24 * HOUR:
        return False
    if item.alerts and any(alert.rule in _OF_THE_PRESENT and alert.status is not Status.WITHDRAWN for alert in item.alerts.values()):
        return False
    if window and unordered(window[-1], event, tolerance_of(window[-1], event, reference)):
        return not item.alerts and not reference.switches_rules
    return True


def _appended(item: Item, event: OwnEvent, subject: Subject) -> Judged | None:
    """Move the present by one event; None where it breaks a rule and the whole must be folded (the present is then spoilt)."""
    out = Out()
    step = Step(event, subject)
    content, state = item.content, item.now
    inside = None
    if content is not None:
        inside = content.inside(state.emptied)
        step.brought = brought(content, step)
    if advance(state, step, inside, out):
        return None
    if step.role is Role.PARENT and judge_content(state, step, inside, out):
        return None
    if not item.window:
        item.settles_at = _sooner(item.settles_at, settle.window_end(event.log_time, subject))
        item.window_hours = subject.reference.window_hours_min
    item.window.append(event)
    item.last = key_of(event)
    item.overdue_at = wake_at(state, subject)
    if content is not None and state.emptied is not None:
        content.forget_inside()
    facts = [fact_of(item.key, key, telling) for key, telling in sorted(out.facts.items())] if out.facts else []
    return Judged(Outcome.APPLIED, [], facts, {})


def _taken(item: Item, fact: Fact, subject: Subject) -> list[Fact] | None:
    """Take in a fact that sorts after all that moves the item; answers what it makes the item tell, None where it breaks a rule and
    the whole must be folded."""
    key = receive.key_of_fact(fact)
    state, out = item.now, Out()
    reads = not receive.is_settled(item, fact) and receive.is_after_own(item, key, subject.reference)
    before, was_empty = b"", True
    if reads and state.parent and item.window and key_of(item.window[-1]) == key:
        return None  # what it asks itself goes up in one fact with what is asked by others
    if reads:
        inside = None if item.content is None else item.content.inside(state.emptied)
        was_empty = inside is None or not inside.children
        before = summary_of(state.lot, state.expiry, state.holds, inside) if state.parent else b""
    went_on = bool(state.parent) and bool(receive.rows_at(item, key))
    asks = fact.type is FactType.LEFT and not receive.has_asked(item, key, fact.source)
    receive.take(item, fact)
    content = item.content
    if reads and content is not None:
        inside = content.inside(state.emptied)
        if _breaks_at_own_pack(item, key, subject, inside):
            receive.undo_direct(content, key, fact)
            return None
        if went_on and summary_of(state.lot, state.expiry, state.holds, inside) != before:
            receive.undo_direct(content, key, fact)
            return None  # with the other rows of its event it may come to what was before them all: nothing is told then
        # to a parent goes all that was told of the event, as one fact; a root answers the one that asks
        rows = receive.rows_at(item, key) if state.parent else receive.rows_of(item, key, fact.source)
        named = is_named(key, item.window)
        containment.pass_on(state, key, item.key, rows, named, out)
        trail.note_content(state, key[0], was_empty, not inside.children)
        if state.parent:
            containment.tell_change(state, before, inside, key, content.log_time(key), out)
    _plan_content(item, subject)
    # what other rows of this event say or ask has been passed on or answered
    gone = {FactType.ANSWER, FactType.SIGHTING} if not asks else set()
    if fact.type is not FactType.JOINED:
        gone.add(FactType.CONTENT)
    told = [
        (name, telling)
        for name, telling in sorted(out.facts.items())
        if name[0] not in gone and (name[0] is not FactType.ANSWER or name[2] == fact.source)
    ]
    return [fact_of(item.key, name, telling) for name, telling in told]


def _taken_together(item: Item, run: Sequence[Fact], subject: Subject) -> bool | None:
    """``_taken`` of joined facts of one event that make the item tell nothing; False where they break a rule and the whole must be
    folded, None where they must be taken one by one."""
    if not receive.joins_together(item, run):
        return None
    key = receive.key_of_fact(run[0])
    state = item.now
    reads = not receive.is_settled(item, run[0]) and receive.is_after_own(item, key, subject.reference)
    if reads and state.parent:
        return None
    was_empty = not reads or item.content is None or not item.content.inside(state.emptied).children
    receive.take_run(item, run)
    content = item.content
    if reads and content is not None:
        inside = content.inside(state.emptied)
        if _breaks_at_own_pack(item, key, subject, inside):
            for fact in run:
                receive.undo_direct(content, key, fact)
            return False
        trail.note_content(state, key[0], was_empty, not inside.children)
    _plan_content(item, subject)
    return True


def _breaks_at_own_pack(item: Item, key: Key, subject: Subject, inside: Inside) -> bool:
    """Whether what is inside breaks a rule of the container's own last pack, the one of ``key``."""
    last = item.window[-1] if item.window and subject.level is not Level.LOGISTIC else None
    if last is None or last.kind is not Kind.PACK or last.role is not Role.PARENT or key_of(last) != key:
        return False
    return bool(judge_content(item.now, Step(last, subject), inside, Out()))


def _sooner(one: int | None, other: int) -> int:
    return other if one is None or other < one else one


def _plan_content(item: Item, subject: Subject) -> None:
    """A new row may be the first of its container to settle."""
    content = item.content
    if content is not None and content.open:
        first = min(content.open)
        if not item.window or first < key_of(item.window[0]):
            item.settles_at = _sooner(item.settles_at, settle.content_due(content.log_time(first), subject))
    item.last = newest(item)


# --- what is odd


def _exact_repeat(item: Item, event: OwnEvent) -> int | None:
    """The place of the same event, delivered before."""
    for n, other in enumerate(item.window):
        if other.id == event.id and window_key(other) == window_key(event):
            return n
    return None


def _corrects_settled(item: Item, event: OwnEvent) -> bool:
    """Whether an error declaration names what is no longer open, and was not merely faster than what it names."""
    if event.context.kind is not Kind.CORRECT or item.base is None or event.time > item.base.last[0]:
        return False
    ids = {other.id for other in item.window if other.context.kind is not Kind.CORRECT}
    return ids.isdisjoint(event.context.corrects)


def _late(item: Item, event: OwnEvent, subject: Subject, clock: int) -> Judged:
    """An event older than what has settled: a repeat of it, or late."""
    base = item.base
    if base is not None and event.context.kind is not Kind.CORRECT:
        repeat = Outcome.REPEAT if key_of(event) == base.last else repeat_of_settled(event, base, subject.reference)
        if repeat is not None:
            return Judged(repeat, [], [], {})
    before = fold(item, subject)
    settle.take_late(item, event, subject)
    after = fold(item, subject)
    alerts, facts = _compare(item, before, after, subject, subject, event.log_time, clock, event.id)
    return Judged(Outcome.LATE, alerts, facts, _content_changes(item, alerts))


def _outcome(item: Item, event: OwnEvent, folded: Folded) -> Outcome:
    """What became of ``event``."""
    for n, other in enumerate(item.window):
        if other is event:
            outcome = folded.standing.outcomes.get(n)
            if outcome is not None:
                return outcome
    return Outcome.REFUSED if event.id in folded.refused else Outcome.APPLIED

"""Settling (rules.md 4.5-4.7): old events leave the open window and become the base; what comes later than that is late.

An event settles with its repeats, in the order it was judged, ``window_hours`` of log time after the last of them was logged,
and never before an earlier one that is still open. A correction stays as long as anything it takes out is in the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from packtrace.domain import life, trail
from packtrace.domain.advance import Element, Emptied, element_key
from packtrace.domain.alert import Conclusion, Evidence
from packtrace.domain.conclude import conclude, conclusion
from packtrace.domain.dates import HOUR
from packtrace.domain.exchange import exchanged
from packtrace.domain.fold import Folded, fold, walk
from packtrace.domain.item import Base, Item
from packtrace.domain.order import Key, key_after, key_of, tolerance_of, unordered
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.repeats import Standing, changes_the_item, mark32
from packtrace.domain.rules import BY_CODE
from packtrace.domain.state import NEVER, State
from packtrace.domain.step import Step, Subject
from packtrace.domain.told import Out, breach_of
from packtrace.domain.vocabulary import Kind, Life, Role

OPEN_EVENTS_MAX: Final = 256
"""Own open events of one item (rules.md 4.6)."""


def window_end(logged: int, subject: Subject) -> int:
    """When the open window closes for what was logged then, log time: as the policy of that moment says (rules.md 4.7)."""
    return logged + subject.reference.policy_at(logged).window_hours * HOUR


def settle(item: Item, subject: Subject, clock: int, leave_open_max: int = OPEN_EVENTS_MAX) -> None:
    """Settle what is due at ``clock``, and what exceeds ``leave_open_max``."""
    if _in_plain_order(item, subject, clock):
        _settle_all(item, subject)
    elif item.window or item.told:
        folded = fold(item, subject)
        due = _due(folded, item, subject, clock, leave_open_max)
        gone = set(folded.standing.taken_out)
        if not gone or any(window_end(item.window[n].log_time, subject) > clock for n in gone):
            gone = set()
        if due:
            gone |= _settle_first(item, subject, folded.ordered[:due], folded.standing)
        if gone:
            item.window = [event for n, event in enumerate(item.window) if n not in gone]
            item.row_bytes = []
    _settle_content(item, subject, clock)


def _in_plain_order(item: Item, subject: Subject, clock: int) -> bool:
    """Whether all events of the item settle now, each alone and after the one before, and nothing else was ever said of it.

    Then what has settled is what it is: nothing need be folded to know it.
    """
    if not item.window or item.base is not None or item.content is not None or item.told or item.alerts or item.correcting:
        return False
    before: list[OwnEvent] = []
    has_free_neighbours = False
    for event in item.window:
        if window_end(event.log_time, subject) > clock or event.context.kind is Kind.UNPACK:
            return False
        for other in before:
            if (
                other.kind is event.kind
                or other.id == event.id
                or other.mark == event.mark
                or other.message_mark == event.message_mark != 0
            ):
                return False
        if before:
            if key_of(before[-1]) >= key_of(event):
                return False
            has_free_neighbours |= unordered(before[-1], event, tolerance_of(before[-1], event, subject.reference))
        before.append(event)
    return not has_free_neighbours or exchanged(list(item.window), State(), subject) == item.window


def _settle_all(item: Item, subject: Subject) -> None:
    """What ``_settle_first`` does to an item in plain order."""
    last = key_of(item.window[-1])
    base = item.base = Base(item.now.copy(), last)
    _forget_evidence(base.state)
    for event in item.window:
        base.kinds[event.kind] = (event.time, mark32(event, subject.reference))
        if changes_the_item(event):
            base.last_change = event.kind
    item.window = []
    item.row_bytes = []


def _logged(element: Element, members: dict[int, list[int]], item: Item) -> int:
    """When the last of an event and its repeats was logged."""
    if isinstance(element, Emptied):
        return element.log_time
    return max(item.window[n].log_time for n in members[id(element)])


def _members(standing: Standing) -> dict[int, list[int]]:
    return {id(event): members for event, members in zip(standing.events, standing.members, strict=True)}


def _due(folded: Folded, item: Item, subject: Subject, clock: int, leave_open_max: int) -> int:
    """How many of the judged order settle, from the first."""
    ordered, members = folded.ordered, _members(folded.standing)
    due, excess = 0, len(item.window) - leave_open_max
    while due < len(ordered) and (excess > 0 or window_end(_logged(ordered[due], members, item), subject) <= clock):
        element = ordered[due]
        if not isinstance(element, Emptied):
            excess -= len(members[id(element)])
        due += 1
    return due


def _settle_first(item: Item, subject: Subject, settling: Sequence[Element], standing: Standing) -> set[int]:
    """Walk ``settling`` into the base; answers the places in the window that it leaves."""
    members = _members(standing)
    last = _last(settling, item.base)
    base = Base(State(), last) if item.base is None else item.base.copy()
    out = Out()
    base.state = walk(settling, base.state.copy(), item, subject, out, until=last)
    _forget_evidence(base.state)
    base.last = max(base.last, last)
    base.conclusions = conclude(out.breaches, base.conclusions, subject)
    gone: set[int] = set()
    for element in settling:
        if isinstance(element, Emptied):
            continue
        gone.update(members[id(element)])
        kind = element.kind
        if kind is not Kind.COMMISSION or kind not in base.kinds:
            base.kinds[kind] = (element.time, mark32(element, subject.reference))
        if changes_the_item(element):
            base.last_change = kind
        if kind is Kind.UNPACK and element.role is Role.PARENT and not element.children_count:
            if item.content is not None:
                item.content.empty_before(key_of(element))
            base.state.emptied = None  # whether the content was empty before, or gone, must not show
    item.base = base
    still_open = {key_of(event) for n, event in enumerate(item.window) if n not in gone}
    item.told = {key: told for key, told in item.told.items() if key > base.last or key in still_open}
    return gone


def _last(settling: Sequence[Element], base: Base | None) -> Key:
    """Where the last of them sorts, for the item and for others."""
    latest = None if base is None else base.last
    for element in settling:
        latest = key_after(element_key(element), latest)
    if latest is None:
        raise AssertionError("nothing settles")
    return latest


def _forget_evidence(state: State) -> None:
    """A base keeps no event ids."""
    state.commissioned_id = state.packed_id = state.inactive_id = state.sighted_id = ""


def _settle_content(item: Item, subject: Subject, clock: int) -> None:
    """Content settles by the hour, event after event, and never before an own event that is still open."""
    content = item.content
    if content is None:
        return
    first_open = key_of(item.window[0]) if item.window else None
    for key in sorted(content.open):
        if (first_open is not None and key >= first_open) or content_due(content.log_time(key), subject) > clock:
            break
        was_empty = not content.settled
        content.settle(key)
        base = item.base
        if base is not None and base.state.use is not None and key > base.last:
            base = item.base = base.copy()
            trail.note_content(base.state, key[0], was_empty, not content.settled)


def content_due(logged: int, subject: Subject) -> int:
    """When content settles: by the hour, so that a pallet filled for minutes is swept once."""
    return -(-window_end(logged, subject) // HOUR) * HOUR


def settles_at(item: Item, folded: Folded, subject: Subject) -> int | None:
    """The log time at which ``settle`` has something to do again."""
    times = []
    if folded.ordered:
        times.append(window_end(_logged(folded.ordered[0], _members(folded.standing), item), subject))
    if folded.standing.taken_out:
        times.append(max(window_end(item.window[n].log_time, subject) for n in folded.standing.taken_out))
    content = item.content
    if content is not None and content.open:
        first = min(content.open)
        if not item.window or first < key_of(item.window[0]):
            times.append(content_due(content.log_time(first), subject))
    return min(times, default=None)


def take_late(item: Item, event: OwnEvent, subject: Subject) -> None:
    """An event that sorts before the base: a commission joins it, any other is history only; both are told."""
    base = item.base
    if base is None:
        raise AssertionError("without a base nothing is late")
    base = item.base = base.copy()
    step = Step(event, subject)
    if step.kind is Kind.COMMISSION:
        _commission_late(base, step, subject)
    rule = BY_CODE["late-beyond-window"]
    evidence = Evidence("an event before the window closed", "an event older than the settled ones")
    _add(base, conclusion(breach_of(rule, step, evidence), subject))


def _commission_late(base: Base, step: Step, subject: Subject) -> None:
    state = base.state
    if state.commissioned != NEVER:
        rule = BY_CODE["duplicate-commissioning"]
        evidence = Evidence("one commission", "another, older than the settled events")
        _add(base, conclusion(breach_of(rule, step, evidence), subject))
    if state.commissioned == NEVER or step.event.time < state.commissioned:
        state.commissioned = NEVER
        was = state.life
        life.commission(state, step)
        state.life = Life.ACTIVE if was is Life.NONE else was
        _forget_evidence(state)
        base.kinds[Kind.COMMISSION] = (step.event.time, mark32(step.event, subject.reference))
    base.conclusions = {id: one for id, one in base.conclusions.items() if one.rule not in ("unknown-serial", "child-not-commissioned")}


def _add(base: Base, one: Conclusion | None) -> None:
    if one is not None and one.id not in base.conclusions:
        base.conclusions[one.id] = one

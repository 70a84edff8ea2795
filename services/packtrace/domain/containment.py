"""The axis containment: who is in whom (rules.md 3.3), and what children and containers tell each other about it.

===============================  =====================================================================
event                            effect
===============================  =====================================================================
pack, as child                   the parent is set (the newest pack wins); *joined* to it, *left* to the one before
unpack, as child                 clears the parent it states; *left* to it
dispense, decommission, destroy  leaving is implied; *left* to the parent
ship, receive of it alone        leaving is implied, where it breaks child-shipped-alone; *left* to the parent
unpack without children          *emptied* to each child in it just before
observe, verify, ship, receive   nothing; *sighting* to the parent, for what the root was then
===============================  =====================================================================

*Sighting* and *left* travel up to the root, and its *answer* comes back; a child that leaves takes over the root's custody.
What a child says of itself travels with *joined*, and with *changed* when it says something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from packtrace.domain import fact_payload, trail
from packtrace.domain.content import CLASS, Rows, Told
from packtrace.domain.dates import DAY
from packtrace.domain.fact_payload import HOPS_MAX, Answer, Joined, Passed
from packtrace.domain.inside import Inside, summary_of
from packtrace.domain.order import Key
from packtrace.domain.state import UNKNOWN_CUSTODY, CustodyValue, State
from packtrace.domain.step import Step
from packtrace.domain.told import Out
from packtrace.domain.vocabulary import FactType, Kind, Role

LEFT_WITHIN: Final = DAY
"""How long an unpack may come after an implied leaving, microseconds."""
LEFT_MAX: Final = 16
"""Leavings kept, the latest."""
_LEAVING = frozenset({Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY})
_ALONE = frozenset({Kind.SHIP, Kind.RECEIVE})
_LOOKING = frozenset({Kind.OBSERVE, Kind.VERIFY})
_PACKING = frozenset({Kind.PACK, Kind.UNPACK})
_JOINING = CLASS[Told.JOINED]


def contain(state: State, step: Step, inside: Inside | None, out: Out, alone: bool) -> None:
    """Move the axis by one event.

    Args:
        alone: whether it is a ship or receive that breaks child-shipped-alone.
    """
    kind = step.kind
    if kind is Kind.PACK:
        if step.role is Role.CHILD:
            join(state, step, inside, out)
    elif kind is Kind.UNPACK:
        if step.role is Role.CHILD:
            if state.parent and state.parent == step.event.other:
                leave(state, step, out)
        elif not step.event.children_count:
            empty(state, step, inside, out)
    elif state.parent and (kind in _LEAVING or alone):
        time = step.event.time
        state.left = (*(one for one in state.left if time - one[0] <= LEFT_WITHIN), (time, state.parent))[-LEFT_MAX:]
        leave(state, step, out)


def asks_the_root(state: State, step: Step) -> bool:
    """Whether a rule needs to know the root: the event is about a packed item and does not take it out by itself."""
    kind = step.kind
    if kind in _LOOKING or kind in _ALONE:
        return True
    if kind not in _PACKING:
        return False
    return step.role is Role.PARENT or (kind is Kind.PACK and step.event.other == state.parent)


def sight(state: State, step: Step, out: Out) -> None:
    """Ask the root what it was just before this event."""
    itself = step.subject.key
    out.ask(step.key, itself, state.parent, [(itself,)], step.event.log_time)


def join(state: State, step: Step, inside: Inside | None, out: Out) -> None:
    """Into the stated parent; out of the one before, if another."""
    event = step.event
    if state.parent and state.parent != event.other:
        leave(state, step, out)
    custody = None if step.side.place else state.custody_value()
    if custody == UNKNOWN_CUSTODY:
        custody = None
    summary = summary_of(state.lot, state.expiry, state.holds, inside)
    payload = fact_payload.pack(Joined(True, summary, custody)) if summary or custody else b""
    out.tell(FactType.JOINED, step.key, event.other, payload, event.log_time)
    state.parent = event.other
    state.packed = event.time
    state.packed_id = event.id
    state.take_custody(UNKNOWN_CUSTODY)


def probe(step: Step, out: Out) -> None:
    """A pack that is not applied still asks whether it closes a loop, so that the answer stays."""
    out.tell(FactType.JOINED, step.key, step.event.other, fact_payload.pack(Joined(False)), step.event.log_time)


def leave(state: State, step: Step, out: Out) -> None:
    """Out of the parent, with the root's custody as far as it has answered."""
    out.tell(FactType.LEFT, step.key, state.parent, b"", step.event.log_time)
    state.parent = ""
    state.seen = ()
    state.take_custody(step.answer.custody if step.answer is not None else UNKNOWN_CUSTODY)


def empty(state: State, step: Step, inside: Inside | None, out: Out) -> None:
    """An unpack that names the container only: what is in it leaves, with the root's custody."""
    key = step.key
    custody: CustodyValue = state.custody_value()
    if state.parent:
        custody = step.answer.custody if step.answer is not None else UNKNOWN_CUSTODY
    if inside is not None and inside.children:
        payload = fact_payload.pack(Answer(custody, (step.subject.key,)))
        for child in inside.children:
            out.tell(FactType.EMPTIED, key, child, payload, step.event.log_time)
        inside.clear()
        trail.note_content(state, step.event.time, was_empty=False, is_empty=True)
    state.emptied = key


def emptied(state: State, container: str, payload: bytes) -> None:
    """The container was emptied: it no longer is the parent, if it still was."""
    if state.parent == container:
        state.parent = ""
        state.seen = ()
        state.take_custody(fact_payload.answer(payload).custody)


def tell_change(state: State, before: bytes, inside: Inside | None, key: Key, log_time: int, out: Out) -> None:
    """To the parent, when the item or what is in it says something else than ``before``."""
    summary = summary_of(state.lot, state.expiry, state.holds, inside)
    if summary != before:
        out.tell(FactType.CHANGED, key, state.parent, summary, log_time)


def pass_on(state: State, key: Key, itself: str, rows: Rows, named: bool, out: Out) -> None:
    """The questions among the rows of one event, read with the state just before it: on to the parent, or answered by the root.

    A path that has been at the parent already goes no further, but for the joined fact of the parent itself: that is how a
    loop is found.

    Args:
        named: whether the event names this container too.
    """
    parent = state.parent
    joins: dict[tuple[str, ...], int] = {}
    questions: dict[tuple[str, ...], int] = {}
    for (asks, told_by, _), row in rows.items():
        told = row.told
        if told is Told.CHANGED or told is Told.BROUGHT or (told is Told.JOINED and not parent):
            continue
        path = (asks,) if asks == told_by else fact_payload.path(row.payload)
        asked = joins if CLASS[told] == _JOINING else questions
        asked[path] = min(row.log_time, asked.get(path, row.log_time))
    here = fact_payload.named(itself) if named else itself
    if not parent:
        for path, log_time in questions.items():
            answer = Answer(state.custody_value(), (*path[1:], here), state.shipped, state.received, state.naming)
            out.tell(FactType.ANSWER, key, path[0], fact_payload.pack(answer), log_time, len(path))
        return
    if parent == itself:
        return
    onward = _onward(joins, parent, back=True)
    if onward:
        paths = tuple((*path, itself) for path in onward)
        out.tell(FactType.CONTENT, key, parent, fact_payload.pack(Passed(paths)), min(joins[path] for path in onward), max(map(len, paths)))
    onward = _onward(questions, parent, back=False)
    if onward:
        out.ask(key, itself, parent, [(*path, here) for path in onward], min(questions[path] for path in onward))


def _onward(paths: Iterable[tuple[str, ...]], parent: str, back: bool) -> list[tuple[str, ...]]:
    """The paths that go on to ``parent``; ``back``: also one that began there."""
    return sorted(
        path for path in paths if len(path) < HOPS_MAX and (not fact_payload.visits(path, parent) or (back and path[0] == parent))
    )

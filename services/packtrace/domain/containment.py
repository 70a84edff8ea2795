"""The axis containment: who is in whom (rules.md 3.3), and what children and containers tell each other about it.

===============================  =====================================================================
event                            effect
===============================  =====================================================================
pack, as child                   the parent is set (the newest pack wins); *joined* to it, *left* to the one before
unpack, as child                 clears the parent it states; *left* to it
dispense, decommission, destroy  leaving is implied; *left* to the parent
unpack without children          *emptied* to each child in it just before
===============================  =====================================================================

A child that leaves takes over its root's custody as of that moment: *left* travels up to the root, *answer* comes back.
"""

from __future__ import annotations

from packtrace.domain import fact_payload
from packtrace.domain.content import JOINS, Content, Rows, Told
from packtrace.domain.fact_payload import HOPS_MAX, Answer, Joined, Passed
from packtrace.domain.order import RANK, Key
from packtrace.domain.state import UNKNOWN_CUSTODY, CustodyValue, State
from packtrace.domain.step import Step
from packtrace.domain.told import Out
from packtrace.domain.vocabulary import FactType, Kind, Role

_LEAVING = frozenset({Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY})
_DIRECT = frozenset({Told.JOINED, Told.PROBE, Told.LEFT})


def contain(state: State, step: Step, content: Content | None, out: Out) -> None:
    """Move the axis by one event."""
    kind = step.kind
    if kind is Kind.PACK:
        if step.role is Role.CHILD:
            join(state, step, out)
    elif kind is Kind.UNPACK:
        if step.role is Role.CHILD:
            if state.parent and state.parent == step.event.other:
                leave(state, step, out)
        elif not step.event.children_count:
            empty(state, step, content, out)
    elif kind in _LEAVING and state.parent:
        state.left_from = state.parent
        state.left = step.event.time
        leave(state, step, out)


def key_at(step: Step) -> Key:
    """Where the step's event sorts."""
    return step.event.time, RANK[step.kind], step.event.id


def join(state: State, step: Step, out: Out) -> None:
    """Into the stated parent; out of the one before, if another."""
    event = step.event
    if state.parent and state.parent != event.other:
        leave(state, step, out)
    custody = None if step.side.place else state.custody_value()
    if custody == UNKNOWN_CUSTODY:
        custody = None
    out.tell(FactType.JOINED, key_at(step), event.other, fact_payload.pack(Joined(True, custody)) if custody else b"", event.log_time)
    state.parent = event.other
    state.packed = event.time
    state.packed_id = event.id
    state.take_custody(UNKNOWN_CUSTODY)


def probe(step: Step, out: Out) -> None:
    """A pack that is not applied still asks whether it closes a loop, so that the answer stays."""
    out.tell(FactType.JOINED, key_at(step), step.event.other, fact_payload.pack(Joined(False)), step.event.log_time)


def leave(state: State, step: Step, out: Out) -> None:
    """Out of the parent, with the root's custody as far as it has answered."""
    out.tell(FactType.LEFT, key_at(step), state.parent, b"", step.event.log_time)
    state.parent = ""
    state.take_custody(step.answer or UNKNOWN_CUSTODY)


def empty(state: State, step: Step, content: Content | None, out: Out) -> None:
    """An unpack that names the container only: what is in it leaves, with the root's custody."""
    key = key_at(step)
    custody: CustodyValue = state.custody_value()
    if state.parent:
        # the root is above: ask it as a child does, without leaving (a path of its own tells the two apart)
        out.tell(FactType.LEFT, key, state.parent, fact_payload.pack(Passed(((step.subject.key,),))), step.event.log_time, 2)
        custody = step.answer or UNKNOWN_CUSTODY
    if content is not None:
        payload = fact_payload.pack(Answer(custody, (step.subject.key,)))
        for child in content.inside_before(key, state.emptied):
            out.tell(FactType.EMPTIED, key, child, payload, step.event.log_time)
    state.emptied = key


def emptied(state: State, container: str, payload: bytes) -> None:
    """The container was emptied: it no longer is the parent, if it still was."""
    if state.parent == container:
        state.parent = ""
        state.take_custody(fact_payload.answer(payload).custody)


def pass_on(state: State, key: Key, itself: str, rows: Rows, out: Out) -> None:
    """The rows of one event, read with the state just before it: on to the parent in one fact, or answered by the root.

    A path that has been at the parent already goes no further, but for the joined fact of the parent itself: that is how a
    loop is found.
    """
    joins: list[tuple[str, ...]] = []
    questions: list[tuple[str, ...]] = []
    log_time = min(row.log_time for row in rows.values())
    for (asks, _, _), row in rows.items():
        path = (asks,) if not row.payload or row.told in _DIRECT else fact_payload.path(row.payload)
        if row.told in JOINS:
            joins.append(path)
        elif state.parent:
            questions.append(path)
        else:
            payload = fact_payload.pack(Answer(state.custody_value(), (*path[1:], itself)))
            out.tell(FactType.ANSWER, key, asks, payload, row.log_time, len(path))
    parent = state.parent
    if not parent or parent == itself:
        return
    for type, paths in ((FactType.CONTENT, joins), (FactType.LEFT, questions)):
        onward = [
            (*path, itself) for path in paths
            if len(path) < HOPS_MAX and (parent not in path or (type is FactType.CONTENT and path[0] == parent))
        ]  # fmt: skip
        if onward:
            onward.sort()
            payload = fact_payload.pack(Passed(tuple(onward)))
            out.tell(type, key, parent, payload, log_time, max(map(len, onward)))

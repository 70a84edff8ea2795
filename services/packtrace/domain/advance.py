"""One event moves a state: its rules are asked with the state just before it, then every axis moves.

The fold does this event after event; the fast path does it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from packtrace.domain import containment, custody, fact_payload, holds, life, trail
from packtrace.domain.inside import Inside, summary_of
from packtrace.domain.order import Key, key_after, key_of
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.rules import NOT_OF_EXCEPTED, REFUSE_PACK, bits, plan, plan_after, undo
from packtrace.domain.rules.shipping import ALONE, is_excepted
from packtrace.domain.state import UNKNOWN_CUSTODY, State
from packtrace.domain.step import Step, Subject
from packtrace.domain.told import Out
from packtrace.domain.vocabulary import FactType, Kind

_REFUSING = bits(REFUSE_PACK)
_ALONE = bits(frozenset({ALONE}))
_EXCEPTED = bits(NOT_OF_EXCEPTED)
_MOVING = frozenset({Kind.PACK, Kind.UNPACK, Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY})
_RECEIVING = frozenset({Kind.PACK, Kind.UNPACK, Kind.SHIP})
_HOLDING = frozenset({Kind.HOLD, Kind.RECALL, Kind.RELEASE})
_TRAVELLING = frozenset({Kind.SHIP, Kind.RECEIVE})
Told = Mapping[Key, Mapping[tuple[FactType, str], tuple[bytes, int]]]


class Emptied(NamedTuple):
    """An unpack of all, told by the container: it has a place among the events and is not judged."""

    key: Key
    container: str
    payload: bytes
    log_time: int


Element = OwnEvent | Emptied


def advance(state: State, step: Step, inside: Inside | None, out: Out) -> int:
    """Judge one event with the state before it, then move every axis; answers the bits of the rules it broke."""
    kind = step.kind
    if kind is Kind.RELEASE and holds.lifts_nothing(state, step):
        kind = step.kind = Kind.OBSERVE
    parent = state.parent
    broken = silenced = not_judged = 0
    step.inside = inside
    if parent:
        if containment.asks_the_root(state, step):
            containment.sight(state, step, out)
        if kind in _TRAVELLING and is_excepted(state, step):
            not_judged = _EXCEPTED
    else:
        if trail.begins_anew(state, step):
            state.take_custody(UNKNOWN_CUSTODY)
        if kind in _RECEIVING:
            custody.receive_unreported(state, step)
    for decide, bit, silences, rule in plan(kind, step.role):
        if not_judged & bit:
            continue
        if silenced & bit:
            if (silences or out.notes_silenced) and decide(state, step) is not None:
                silenced |= silences
                out.silence(rule, step)
            continue
        evidence = decide(state, step)
        if evidence is not None:
            broken |= bit
            silenced |= silences
            out.breach(rule, step, evidence)
    said = (state.lot, state.expiry, state.holds) if parent else None
    if broken & _REFUSING:
        out.refused.add(step.event.id)
        containment.probe(step, out)
        life.live(state, step)
        trail.leave_trail(state, step)
        return broken
    if kind is Kind.REACTIVATE and undo.refused(state, step):
        out.refused.add(step.event.id)
        return broken
    life.live(state, step)  # first: what joins a container tells the lot that its pack states
    if kind in _MOVING or broken & _ALONE:
        containment.contain(state, step, inside, out, bool(broken & _ALONE))
    custody.keep(state, step)
    if kind in _HOLDING:
        holds.hold(state, step)
    trail.leave_trail(state, step)
    if said is not None and state.parent == parent and said != (state.lot, state.expiry, state.holds):
        containment.tell_change(state, summary_of(*said, inside), inside, step.key, step.event.log_time, out)
    return broken


def judge_content(state: State, step: Step, inside: Inside | None, out: Out) -> int:
    """The rules that look at a container just after one of its own packs; answers the bits of those it broke."""
    broken = 0
    step.inside = inside
    for question in plan_after(step.kind, step.role):
        evidence = question.decide(state, step)
        if evidence is not None:
            broken |= question.bit
            out.breach(question.rule, step, evidence)
    return broken


def step_of(event: OwnEvent, subject: Subject, told: Told, after: Key | None = None) -> Step:
    """The step of an event, with what other items told of it.

    Args:
        after: the greatest key of what was judged before; where that is greater, others hear of this event after it.
    """
    step = Step(event, subject)
    step.key = key_after(step.key, after)
    if told:
        facts = told.get(step.key)
        if facts:
            for (type, _), (payload, _) in sorted(facts.items()):
                if type is FactType.CONTENT:
                    step.looped = True
                elif type is FactType.ANSWER:
                    step.answer = fact_payload.answer(payload)
    return step


def element_key(element: Element) -> Key:
    """Where an element sorts."""
    return element.key if isinstance(element, Emptied) else key_of(element)

"""One event moves a state: its rules are asked with the state just before it, then every axis moves.

The fold does this event after event; the fast path does it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from packtrace.domain import containment, custody, fact_payload, holds, life
from packtrace.domain.content import Content
from packtrace.domain.order import Key, key_of
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.rules import REFUSE_PACK, bits, plan
from packtrace.domain.state import State
from packtrace.domain.step import Step, Subject
from packtrace.domain.told import Out
from packtrace.domain.vocabulary import FactType, Kind

_REFUSING = bits(REFUSE_PACK)
_MOVING = frozenset({Kind.PACK, Kind.UNPACK, Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY})
_RECEIVING = frozenset({Kind.PACK, Kind.UNPACK, Kind.SHIP})
_HOLDING = frozenset({Kind.HOLD, Kind.RECALL, Kind.RELEASE})
Told = Mapping[Key, Mapping[tuple[FactType, str], tuple[bytes, int]]]


class Emptied(NamedTuple):
    """An unpack of all, told by the container: it has a place among the events and is not judged."""

    key: Key
    container: str
    payload: bytes
    log_time: int


Element = OwnEvent | Emptied


def advance(state: State, step: Step, content: Content | None, out: Out) -> int:
    """Judge one event with the state before it, then move every axis; answers the bits of the rules it broke."""
    broken = silenced = 0
    for question in plan(step.kind, step.role):
        if silenced & question.bit:
            continue
        evidence = question.decide(state, step)
        if evidence is not None:
            broken |= question.bit
            silenced |= question.silences
            out.breach(question.rule, step, evidence)
    if broken & _REFUSING:
        out.refused.add(step.event.id)
        containment.probe(step, out)
        life.live(state, step)
        return broken
    kind = step.kind
    if kind in _RECEIVING:
        custody.receive_unreported(state, step)
    if kind in _MOVING:
        containment.contain(state, step, content, out)
    custody.keep(state, step, content)
    life.live(state, step)
    if kind in _HOLDING:
        holds.hold(state, step)
    return broken


def step_of(event: OwnEvent, subject: Subject, told: Told) -> Step:
    """The step of an event, with what other items told of it."""
    step = Step(event, subject)
    if told:
        facts = told.get(key_of(event))
        if facts:
            for (type, _), (payload, _) in sorted(facts.items()):
                if type is FactType.CONTENT:
                    step.looped = True
                elif type is FactType.ANSWER:
                    step.answer = fact_payload.answer(payload).custody
    return step


def move(state: State, element: Element, told: Told, subject: Subject, content: Content | None, out: Out) -> int:
    """One element of the order; answers the bits of the rules it broke."""
    if isinstance(element, Emptied):
        containment.emptied(state, element.container, element.payload)
        return 0
    return advance(state, step_of(element, subject, told), content, out)


def element_key(element: Element) -> Key:
    """Where an element sorts."""
    return element.key if isinstance(element, Emptied) else key_of(element)

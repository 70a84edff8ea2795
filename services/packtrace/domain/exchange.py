"""Neighbours without an order of their own change places when that removes a breach of one of the two and adds none.

(rules.md 4.1) From the earliest until nothing changes. Only the two events are compared, with all else left in place.
"""

from __future__ import annotations

from itertools import pairwise

from packtrace.domain.advance import Element, Told, move
from packtrace.domain.dates import SECOND
from packtrace.domain.order import unordered
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.rules import COUNT_FOR_ORDER, bits
from packtrace.domain.state import State
from packtrace.domain.step import Subject
from packtrace.domain.told import Out

_COUNTED = bits(COUNT_FOR_ORDER)


def exchanged(ordered: list[Element], start: State, told: Told, subject: Subject) -> list[Element]:
    """``ordered`` (in base order) as it is judged."""
    tolerance = subject.reference.policy.order_tolerance_seconds * SECOND
    if not any(_free(one, other, tolerance) for one, other in pairwise(ordered)):
        return ordered
    order = list(ordered)
    before = [start]
    """The state before each place, as far as known."""
    place, exchanges_left = 0, len(order) * len(order)
    while place < len(order) - 1:
        one, other = order[place], order[place + 1]
        if exchanges_left and _free(one, other, tolerance) and _better(before[place], one, other, told, subject):
            order[place], order[place + 1] = other, one
            exchanges_left -= 1
            del before[place + 1 :]
            place = max(place - 1, 0)
            continue
        if len(before) == place + 1:
            state = before[place].copy()
            _move(state, order[place], told, subject)
            before.append(state)
        place += 1
    return order


def _free(one: Element, other: Element, tolerance: int) -> bool:
    return isinstance(one, OwnEvent) and isinstance(other, OwnEvent) and unordered(one, other, tolerance)


def _better(state: State, one: Element, other: Element, told: Told, subject: Subject) -> bool:
    """Whether the two break less the other way round, and nothing new."""
    state_1 = state.copy()
    one_1 = _move(state_1, one, told, subject)
    other_1 = _move(state_1, other, told, subject)
    if not (one_1 or other_1):
        return False
    state_2 = state.copy()
    other_2 = _move(state_2, other, told, subject)
    one_2 = _move(state_2, one, told, subject)
    adds = one_2 & ~one_1 or other_2 & ~other_1
    return not adds and (one_2 != one_1 or other_2 != other_1)


def _move(state: State, element: Element, told: Told, subject: Subject) -> int:
    """The bits of the counted rules that ``element`` breaks."""
    return move(state, element, told, subject, None, Out()) & _COUNTED

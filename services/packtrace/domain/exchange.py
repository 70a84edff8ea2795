"""Neighbours without an order of their own change places when that removes a breach of one of the two and adds none.

(rules.md 4.1) From the earliest until nothing changes. Only the two events are compared, with all else left in place. What other
items answer counts for nothing here: an answer follows from the order, so that an order that followed from it might never rest.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from packtrace.domain.advance import Element, Emptied, Told, advance, step_of
from packtrace.domain.order import tolerance_of, unordered
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.rules import COUNT_FOR_ORDER, COUNT_FOR_ORDER_OF_ROOTS, bits
from packtrace.domain.state import UNKNOWN_CUSTODY, State
from packtrace.domain.step import Subject
from packtrace.domain.told import Out

Noted = Callable[[Element, Element, int], None]
"""Hears of two neighbours that changed places, the first in base order first, and of the bits of what they no longer break."""

_NOTHING_TOLD: Told = {}
_COUNTED = bits(COUNT_FOR_ORDER)
_COUNTED_OF_ROOTS = bits(COUNT_FOR_ORDER | COUNT_FOR_ORDER_OF_ROOTS)


def exchanged(ordered: list[Element], start: State, subject: Subject, noted: Noted | None = None) -> list[Element]:
    """``ordered`` (in base order) as it is judged."""
    if not any(_free(one, other, subject) for one, other in pairwise(ordered)):
        return ordered
    order = list(ordered)
    before = [start]
    """The state before each place, as far as known."""
    place, exchanges_left = 0, len(order) * len(order)
    while place < len(order) - 1:
        one, other = order[place], order[place + 1]
        if exchanges_left and _free(one, other, subject) and (better := _better(before[place], one, other, subject)):
            if noted is not None:
                noted(one, other, better)
            order[place], order[place + 1] = other, one
            exchanges_left -= 1
            del before[place + 1 :]
            place = max(place - 1, 0)
            continue
        if len(before) == place + 1:
            state = before[place].copy()
            _move(state, order[place], subject)
            before.append(state)
        place += 1
    return order


def _free(one: Element, other: Element, subject: Subject) -> bool:
    if not isinstance(one, OwnEvent) or not isinstance(other, OwnEvent):
        return False
    return unordered(one, other, tolerance_of(one, other, subject.reference))


def _better(state: State, one: Element, other: Element, subject: Subject) -> int:
    """The bits of what the two no longer break the other way round; 0 where they break as much, or something new."""
    state_1 = state.copy()
    one_1 = _move(state_1, one, subject)
    other_1 = _move(state_1, other, subject)
    if not (one_1 or other_1):
        return 0
    state_2 = state.copy()
    other_2 = _move(state_2, other, subject)
    one_2 = _move(state_2, one, subject)
    if one_2 & ~one_1 or other_2 & ~other_1:
        return 0
    return one_1 & ~one_2 | other_1 & ~other_2


def _move(state: State, element: Element, subject: Subject) -> int:
    """The bits of the counted rules that ``element`` breaks."""
    if isinstance(element, Emptied):
        if state.parent == element.container:
            state.parent = ""
            state.take_custody(UNKNOWN_CUSTODY)
        return 0
    counted = _COUNTED if state.parent else _COUNTED_OF_ROOTS
    return advance(state, step_of(element, subject, _NOTHING_TOLD), None, Out()) & counted

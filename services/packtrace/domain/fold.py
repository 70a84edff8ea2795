"""The fold: the standing events of an item in order, over its settled base, into state, breaches and facts.

A pure function of what is known. The walk adds what other items told: an emptied container at the place of its unpack, and
the rows of the content, each read with the state just before its event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from packtrace.domain import containment, trail
from packtrace.domain.advance import Element, Emptied, Told, advance, element_key, judge_content, step_of
from packtrace.domain.alert import Conclusion
from packtrace.domain.conclude import conclude
from packtrace.domain.content import Content
from packtrace.domain.custody import brought
from packtrace.domain.exchange import exchanged
from packtrace.domain.inside import Inside, summary_of
from packtrace.domain.item import Item
from packtrace.domain.order import Key, key_after, key_of
from packtrace.domain.overdue import overdue
from packtrace.domain.repeats import Standing, stand
from packtrace.domain.state import State
from packtrace.domain.step import Subject
from packtrace.domain.told import FactKey, Out, Telling
from packtrace.domain.vocabulary import FactType, Kind, Role


class Folded(NamedTuple):
    """What one fold answers. ``ordered``: the standing events and emptied facts as they were judged."""

    state: State
    conclusions: dict[str, Conclusion]
    facts: dict[FactKey, Telling]
    refused: set[str]
    standing: Standing
    ordered: list[Element]


def emptied_of(item: Item) -> list[Emptied]:
    """The emptied facts the item was told, in order."""
    return [
        Emptied(key, source, payload, log_time)
        for key in sorted(item.told)
        for (type, source), (payload, log_time) in sorted(item.told[key].items())
        if type is FactType.EMPTIED
    ]


def fold(item: Item, subject: Subject) -> Folded:
    """Everything that follows from what the item knows now."""
    standing = stand(item.window, item.base, subject.reference)
    start = State() if item.base is None else item.base.state
    ordered: list[Element] = list(standing.events)
    if item.told:
        ordered += emptied_of(item)
        ordered.sort(key=element_key)
    ordered = exchanged(ordered, start, subject)
    out = Out()
    state = walk(ordered, start.copy(), item, subject, out)
    overdue(state, subject, out)
    settled = {} if item.base is None else item.base.conclusions
    return Folded(state, conclude(out.breaches, settled, subject), out.facts, out.refused, standing, ordered)


def walk(ordered: Sequence[Element], state: State, item: Item, subject: Subject, out: Out, until: Key | None = None) -> State:
    """Move ``state`` through ``ordered``; the content's open rows above the base are read on the way.

    Args:
        until: the last row read; None: all.
    """
    latest: Key | None = None
    reading = None if item.content is None else Reading(item, item.content, state, subject, out)
    for element in ordered:
        key = element_key(element)
        after, latest = latest, key_after(key, latest)
        if reading is None:
            move(state, element, item.told, subject, after, out)
            continue
        # rows of a container's own event come after it: who is taken out of it is told where it was received
        parent = not isinstance(element, Emptied) and element.role is Role.PARENT
        reading.until(state, key, itself=not parent)
        inside = reading.inside_at(state, key)
        if isinstance(element, Emptied):
            containment.emptied(state, element.container, element.payload)
            continue
        step = step_of(element, subject, item.told, after)
        step.brought = brought(item.content, step)
        advance(state, step, inside, out)
        if parent and step.kind is Kind.PACK:
            reading.until(state, key, itself=True)
            judge_content(state, step, reading.inside_at(state, key, itself=True), out)
    if reading is not None:
        reading.until(state, until)
    return state


def move(state: State, element: Element, told: Told, subject: Subject, after: Key | None, out: Out) -> int:
    """One element of the order of an item without content; answers the bits of the rules it broke."""
    if isinstance(element, Emptied):
        containment.emptied(state, element.container, element.payload)
        return 0
    return advance(state, step_of(element, subject, told, after), None, out)


class Reading:
    """How far a walk has read the rows of a content, and what is inside there."""

    def __init__(self, item: Item, content: Content, state: State, subject: Subject, out: Out) -> None:
        self._item, self._content, self._subject, self._out = item, content, subject, out
        base = item.base
        self._pending = sorted(content.open if base is None else (key for key in content.open if key > base.last))
        self._nth = 0
        self._inside = content.inside_before(self._pending[0] if self._pending else None, state.emptied)
        self._named = {key_of(event) for event in item.window} if self._pending else set()

    def until(self, state: State, key: Key | None, itself: bool = True) -> None:
        """Read the rows before ``key`` (None: all), and those of ``key`` ``itself``."""
        pending = self._pending
        while self._nth < len(pending):
            at = pending[self._nth]
            if key is not None and (at > key or (at == key and not itself)):
                return
            self._nth += 1
            read_rows(state, at, self._item, self._content, self._inside, at in self._named, self._out)

    def inside_at(self, state: State, key: Key, itself: bool = False) -> Inside:
        """What is inside at ``key``: of neighbours that changed places the second sorts before rows that have been read."""
        if self._nth and (last := self._pending[self._nth - 1]) >= key and not (itself and last == key):
            return self._content.inside_before(key, state.emptied)
        return self._inside


def read_rows(state: State, key: Key, item: Item, content: Content, inside: Inside, named: bool, out: Out) -> None:
    """The rows of one event, with the state just before it: questions go up or are answered, what is inside moves."""
    rows = content.open[key]
    containment.pass_on(state, key, item.key, rows, named, out)
    before = summary_of(state.lot, state.expiry, state.holds, inside) if state.parent else b""
    content.move(inside, key)
    trail.note_content(state, key[0], not inside.children)
    if not state.parent:
        return
    log_time = min(row.log_time for row in rows.values())
    containment.tell_change(state, before, inside, key, log_time, out)

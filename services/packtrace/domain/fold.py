"""The fold: the standing events of an item in order, over its settled base, into state, breaches and facts.

A pure function of what is known. The walk adds what other items told: an emptied container at the place of its unpack, and
the rows of the content, each read with the state just before its event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from packtrace.domain import containment
from packtrace.domain.advance import Element, Emptied, element_key, move
from packtrace.domain.alert import Conclusion
from packtrace.domain.conclude import conclude
from packtrace.domain.exchange import exchanged
from packtrace.domain.item import Item
from packtrace.domain.order import Key
from packtrace.domain.repeats import Standing, stand
from packtrace.domain.state import State
from packtrace.domain.step import Subject
from packtrace.domain.told import FactKey, Out, Telling
from packtrace.domain.vocabulary import FactType, Role


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
    ordered = exchanged(ordered, start, item.told, subject)
    out = Out()
    state = walk(ordered, start.copy(), item, subject, out)
    settled = {} if item.base is None else item.base.conclusions
    return Folded(state, conclude(out.breaches, settled, subject), out.facts, out.refused, standing, ordered)


def walk(ordered: Sequence[Element], state: State, item: Item, subject: Subject, out: Out) -> State:
    """Move ``state`` through ``ordered``; the content's open rows above the base are read on the way."""
    content = item.content
    pending: list[Key] = []
    if content is not None and content.open:
        base = item.base
        pending = sorted(content.open if base is None else (key for key in content.open if key > base.last))
    nth = 0
    for element in ordered:
        key = element_key(element)
        if pending:
            # rows of a container's own event come after it: who is taken out of it is told where it was received
            after = not isinstance(element, Emptied) and element.role is Role.PARENT
            while nth < len(pending) and (pending[nth] < key or (pending[nth] == key and not after)):
                containment.pass_on(state, pending[nth], item.key, content.open[pending[nth]], out)  # type: ignore[union-attr]
                nth += 1
        move(state, element, item.told, subject, content, out)
    for key in pending[nth:]:
        containment.pass_on(state, key, item.key, content.open[key], out)  # type: ignore[union-attr]
    return state

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
from packtrace.domain.order import Key, is_named, key_after, moved_id
from packtrace.domain.overdue import overdue
from packtrace.domain.repeats import Standing, stand
from packtrace.domain.state import State
from packtrace.domain.step import Subject
from packtrace.domain.told import FactKey, Out, Telling
from packtrace.domain.vocabulary import FactType, Kind, Role
from packtrace.domain.witness import Witness


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


def fold(item: Item, subject: Subject, witness: Witness | None = None) -> Folded:
    """Everything that follows from what the item knows now; a ``witness`` sees how."""
    if not item.window and not item.told and item.content is None:
        return _folded_base(item, subject, Out() if witness is None else witness)
    standing = stand(item.window, item.base, subject.reference)
    start = State() if item.base is None else item.base.state
    ordered: list[Element] = list(standing.events)
    if item.told:
        ordered += emptied_of(item)
        ordered.sort(key=element_key)
    state = start.copy()
    out = Out() if witness is None else witness
    ordered = exchanged(ordered, start, subject, None if witness is None else witness.exchange)
    walk(ordered, state, item, subject, out)
    overdue(state, subject, out)
    settled = {} if item.base is None else item.base.conclusions
    return Folded(state, conclude(out.breaches, settled, subject), out.facts, out.refused, standing, ordered)


def _folded_base(item: Item, subject: Subject, out: Out) -> Folded:
    """``fold`` of an item of which nothing is open."""
    base = item.base
    state = State() if base is None else base.state.copy()
    overdue(state, subject, out)
    conclusions = conclude(out.breaches, {} if base is None else base.conclusions, subject)
    return Folded(state, conclusions, out.facts, out.refused, Standing([], {}, [], []), [])


def walk(ordered: Sequence[Element], state: State, item: Item, subject: Subject, out: Out, until: Key | None = None) -> State:
    """Move ``state`` through ``ordered``; the content's open rows above the base are read on the way.

    Args:
        until: the last row read; None: all.
    """
    latest = None if item.base is None else item.base.last
    reading = None if item.content is None else Reading(item, item.content, ordered, state, subject, out)
    for element in out.watched(ordered, state, latest):
        key = element_key(element)
        after, latest = latest, key_after(key, latest)
        if reading is None:
            move(state, element, item.told, subject, after, out)
            continue
        reading.until(state, key)
        if isinstance(element, Emptied):
            containment.emptied(state, element.container, element.payload)
            continue
        # rows of a container's own event come after it: who is taken out of it is told where it was received
        is_parent = element.role is Role.PARENT
        if not is_parent:
            reading.of_itself(state, key)
        step = step_of(element, subject, item.told, after)
        step.brought = brought(item.content, step)
        advance(state, step, reading.inside_at(state, key), out)
        if is_parent:
            reading.of_itself(state, key)
            if step.kind is Kind.PACK:
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
    """How far a walk has read the rows of a content, and what is inside there.

    Rows of an event of the item itself are read in its turn, which is not that of their key where neighbours changed places:
    those of the container, or those of a child. The rows of one child are read in its own order.
    """

    def __init__(self, item: Item, content: Content, ordered: Sequence[Element], state: State, subject: Subject, out: Out) -> None:
        self._item, self._content, self._subject, self._out = item, content, subject, out
        base = item.base
        keys = sorted(content.open if base is None else (key for key in content.open if key > base.last))
        self._of_own = rows_of_own(keys, ordered)
        self._own = self._of_own.keys() & keys
        self._pending = [key for key in keys if key not in self._own]
        self._nth = 0
        self._unread = set(keys)
        self._read_in_turn: list[Key] = []
        """Rows of events of the item itself, as they were read."""
        self._last: Key | None = None
        self._inside = content.inside_before(keys[0] if keys else None, state.emptied)

    def until(self, state: State, key: Key | None) -> None:
        """Read the rows of other items' events up to ``key`` (None: all)."""
        pending = self._pending
        while self._nth < len(pending) and (key is None or pending[self._nth] <= key):
            if pending[self._nth] in self._unread:
                self._read(state, pending[self._nth])
            self._nth += 1

    def of_itself(self, state: State, key: Key) -> None:
        """Read the rows of the item's own event ``key``."""
        for row_key in self._of_own.get(key, ()):
            if row_key in self._own or (row_key in self._unread and not self._follows_unread(row_key)):
                self._read(state, row_key)
                self._read_in_turn.append(row_key)

    def _follows_unread(self, key: Key) -> bool:
        """Whether a child that tells of this event has told of one before that was not read yet."""
        children = {asks for asks, told_by, _ in self._content.open[key] if asks == told_by}
        return any(asks in children for at in self._unread if at < key for asks, _, _ in self._content.open[at])

    def _read(self, state: State, key: Key) -> None:
        self._last = key if self._last is None or key > self._last else self._last
        self._unread.discard(key)
        read_rows(state, key, self._item, self._content, self._inside, is_named(key, self._item.window), self._out)

    def inside_at(self, state: State, key: Key, itself: bool = False) -> Inside:
        """What is inside just before ``key``, or just after it: where rows that sort later have been read, counted anew."""
        last = self._last
        if last is None or last < key or (itself and last == key):
            return self._inside
        until = (*key[:2], key[2] + "\0") if itself else key
        inside = self._content.inside_before(until, state.emptied, without=self._own & self._unread)
        for row_key in self._read_in_turn:
            if row_key >= until:
                self._content.move(inside, row_key)
        return inside


def rows_of_own(keys: Sequence[Key], ordered: Sequence[Element]) -> dict[Key, list[Key]]:
    """Of ``keys`` of rows those that tell of an event in ``ordered``, at its own place or, from a child, at another.

    Returns:
        Key of the event -> keys of its rows.
    """
    if not keys:
        return {}
    own = {element_key(element) for element in ordered if not isinstance(element, Emptied)}
    found: dict[Key, list[Key]] = {key: [key] for key in keys if key in own}
    moved = [(key, id) for key in keys if (id := moved_id(key)) and key not in own]
    if moved:
        by_id = {key[2]: key for key in own}
        for key, id in moved:
            if id in by_id:
                found.setdefault(by_id[id], []).append(key)
    return found


def read_rows(state: State, key: Key, item: Item, content: Content, inside: Inside, named: bool, out: Out) -> None:
    """The rows of one event, with the state just before it: questions go up or are answered, what is inside moves."""
    rows = content.open[key]
    containment.pass_on(state, key, item.key, rows, named, out)
    before = summary_of(state.lot, state.expiry, state.holds, inside) if state.parent else b""
    was_empty = not inside.children
    content.move(inside, key)
    trail.note_content(state, key[0], was_empty, not inside.children)
    if not state.parent:
        return
    log_time = min(row.log_time for row in rows.values())
    containment.tell_change(state, before, inside, key, log_time, out)

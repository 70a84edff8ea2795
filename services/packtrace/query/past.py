"""Items as they were at an event time T, by what is known now: the same fold as live, over what happened up to T.

An item's own events up to T come from ``events``, what other items told it from its fact rows, both in the order of the
log; they go through ``judge`` as they went through the tracker. What was in a container at T is asked of ``edges``, and a
child counts when its own pointer at T agrees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy

import msgspec
from msgspec.structs import replace

from packtrace.codec.event_json import decode_event
from packtrace.domain import judge
from packtrace.domain.explode import own_events
from packtrace.domain.fact import Fact
from packtrace.domain.identifiers import gtin_of, is_sscc
from packtrace.domain.item import Item
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference
from packtrace.query.archive_items import ItemArchive, StepRow
from packtrace.query.live import ANCESTORS_MAX

_fact = msgspec.msgpack.Decoder(Fact)

Step = tuple[int, OwnEvent | Fact]
"""(log time, what was taken in)."""


def fold(key: str, steps: Sequence[Step], reference: Reference) -> Item:
    """The item after ``steps``."""
    item = Item(key)
    waiting: list[Fact] = []
    for number, (log_time, step) in enumerate(steps, start=1):
        if isinstance(step, OwnEvent):
            judge.apply_event(item, step, reference, log_time)
            continue
        waiting.append(step)
        until, more = steps[number] if number < len(steps) else (0, None)
        if not isinstance(more, Fact) or (item.settles_at is not None and item.settles_at <= until):
            judge.apply_facts(item, waiting, reference, log_time)
            waiting = []
    return item


class Folds:
    """Items after what they took in; of those that differ in nothing but the serial one is folded.

    They have the same product, were named by the same events in the same way, and were told the same. No rule asks for a serial; what
    names the item itself (a path in a fact, the other side of an event) keeps it from being like another, and so does an alert, whose
    id says the item.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._known: dict[tuple[str, tuple[Step, ...]], Item] = {}

    def item(self, key: str, steps: Sequence[Step]) -> Item:
        mark = _mark(key, steps)
        known = None if mark is None else self._known.get(mark)
        if known is not None:
            item = copy(known)
            item.key = key
            return item
        item = fold(key, steps, self._reference)
        if mark is not None and not item.alerts:
            self._known[mark] = item
        return item


def _mark(key: str, steps: Sequence[Step]) -> tuple[str, tuple[Step, ...]] | None:
    """What items that are alike share; None of one that is like no other."""
    if is_sscc(key):
        return None
    itself = key.encode()
    shared: list[Step] = []
    for log_time, step in steps:
        if isinstance(step, OwnEvent):
            if step.other == key:
                return None
            shared.append((log_time, step))
        else:
            if step.source == key or itself in step.payload:
                return None
            shared.append((log_time, replace(step, target="")))
    return gtin_of(key), tuple(shared)


class Past:
    """See the module."""

    def __init__(self, archive: ItemArchive) -> None:
        self._archive = archive

    def items(self, keys: Sequence[str], reference: Reference, at: int) -> dict[str, Item]:
        """Those of ``keys`` that an event up to ``at`` had named."""
        rows = self._archive.steps(keys, at)
        raw = self._archive.raw_events(
            (row.event_partition, row.event_offset) for steps in rows.values() for row in steps if row.row_type == "op"
        )
        named = _named(raw)
        folds = Folds(reference)
        return {key: folds.item(key, [step for row in steps for step in _steps(key, row, named)]) for key, steps in rows.items()}

    def chain(self, key: str, reference: Reference, at: int) -> list[Item]:
        """The item, what it was in, ... up to the root; empty where nothing had named it yet."""
        chain: list[Item] = []
        seen: set[str] = set()
        while key and key not in seen and len(chain) <= ANCESTORS_MAX:
            seen.add(key)
            found = self.items([key], reference, at).get(key)
            if found is None:
                break
            chain.append(found)
            key = found.parent
        return chain

    def children(self, parents: Sequence[Item], most: int, reference: Reference, at: int) -> dict[str, list[Item]]:
        """Parent key -> what was in it."""
        pairs = self._archive.children([parent.key for parent in parents], at, most)
        found = self.items([child for _, child in pairs], reference, at)
        out: dict[str, list[Item]] = {}
        for parent, child in pairs:
            item = found.get(child)
            if item is not None and item.parent == parent:
                out.setdefault(parent, []).append(item)
        return out


def _named(raw: Mapping[tuple[int, int], tuple[int, str]]) -> dict[tuple[int, int], dict[str, list[Step]]]:
    """Place of a raw event -> item key -> what it is to that item."""
    named: dict[tuple[int, int], dict[str, list[Step]]] = {}
    for place, (log_time, text) in raw.items():
        by_item: dict[str, list[Step]] = {}
        for key, own in own_events(decode_event(text), log_time):
            by_item.setdefault(key, []).append((log_time, own))
        named[place] = by_item
    return named


def _steps(key: str, row: StepRow, named: Mapping[tuple[int, int], Mapping[str, Sequence[Step]]]) -> Sequence[Step]:
    if row.row_type == "fact":
        return [(row.log_time, _fact.decode(row.fact))]
    return named.get((row.event_partition, row.event_offset), {}).get(key, ())

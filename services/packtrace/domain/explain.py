"""The timeline of an item as the fold sees it: what was judged, in which order, what was merged and why, what follows.

It is the fold itself, with a witness: there is no second one that could say something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from packtrace.domain import fact_payload
from packtrace.domain.advance import Emptied, element_key
from packtrace.domain.alert import Conclusion
from packtrace.domain.conclude import conclusion
from packtrace.domain.content import Told
from packtrace.domain.explain_merged import why_apart, why_merged
from packtrace.domain.fact_payload import Answer
from packtrace.domain.fold import Folded, fold, rows_of_own
from packtrace.domain.item import Base, Item
from packtrace.domain.order import Key, key_of, tolerance_of
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.rules import PRECEDENCE, RULES
from packtrace.domain.state import State
from packtrace.domain.step import Subject
from packtrace.domain.told import Breach
from packtrace.domain.vocabulary import FactType, Kind, Outcome
from packtrace.domain.witness import Turn, Witness

TOLD_ITEMS_MAX: Final = 16
"""Items an entry names of those that came, left or asked: a pallet of thousands is told by counts."""


class EntryType(StrEnum):
    """What an entry of a timeline is."""

    SETTLED = "settled"
    """Everything before the open window, in one."""
    EVENT = "event"
    """An event that stands, with what was merged into it."""
    APART = "apart"
    """An event that does not stand: a correction, what one took out, a repeat of a settled one."""
    EMPTIED = "emptied"
    """The container it was in was emptied."""
    CONTENT = "content"
    """What items in it told, between its own events."""
    CLOCK = "clock"
    """What follows because log time has passed."""


class Merged(msgspec.Struct, frozen=True):
    """An event that counts for nothing beside the one it was merged into."""

    event: OwnEvent
    outcome: Outcome
    why: str


class Exchanged(msgspec.Struct, frozen=True):
    """A neighbour that changed places with this event."""

    event: OwnEvent
    judged_before_it: bool
    """Whether this event is judged before that one, though it sorts after it."""
    apart: int
    """Microseconds between the two."""
    tolerance: int
    """Up to which their devices' clocks may be apart, microseconds."""
    removes: tuple[str, ...]
    """The rules that the two no longer break."""


class FactUsed(msgspec.Struct, frozen=True):
    """What another item told, and this event was judged with."""

    type: FactType
    source: str
    answer: Answer | None = None


class Broken(msgspec.Struct, frozen=True):
    """A rule broken here. ``conclusion``: None where the policy switches the rule off."""

    breach: Breach
    conclusion: Conclusion | None


class Silenced(msgspec.Struct, frozen=True):
    """A rule that would be broken here. ``by``: the rules that silence it; none where its root's journey is reported once more."""

    rule: str
    by: tuple[str, ...]


class Rows(msgspec.Struct, frozen=True):
    """What items in it told: how many of each, and the first of them."""

    counts: Mapping[Told, int]
    first: tuple[tuple[Told, str], ...]
    until: int
    """Event time of the last."""


class Entry(msgspec.Struct, frozen=True):
    """One line of a timeline. ``state``: just after it; None where it moves nothing."""

    type: EntryType
    time: int
    state: State | None = None
    event: OwnEvent | None = None
    source: str = ""
    """EMPTIED: the container."""
    outcome: Outcome | None = None
    why: str = ""
    merged: tuple[Merged, ...] = ()
    exchanged: tuple[Exchanged, ...] = ()
    told: tuple[FactUsed, ...] = ()
    rows: Rows | None = None
    broken: tuple[Broken, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    base: Base | None = None
    """SETTLED: what has settled."""


class Explanation(msgspec.Struct, frozen=True):
    """``conclusions`` by id, settled ones too; ``state`` after everything."""

    entries: tuple[Entry, ...]
    conclusions: Mapping[str, Conclusion]
    state: State


def explain(item: Item, subject: Subject) -> Explanation:
    """Fold once more, before a witness, and tell each turn."""
    witness = Witness()
    folded = fold(item, subject, witness)
    keys = [element_key(turn.element) for turn in witness.turns]
    rows_with, rows_before = _rows(item, folded, keys)
    apart = _apart(item, folded)
    entries = [] if item.base is None else [_settled(item.base)]
    for place, turn in enumerate(witness.turns):
        while apart and key_of(_event(apart[0])) < keys[place]:
            entries.append(apart.pop(0))
        if place in rows_before:
            entries.append(Entry(EntryType.CONTENT, _time(rows_before[place]), turn.before, rows=_summed(item, rows_before[place])))
        entries.append(_emptied(turn) if isinstance(turn.element, Emptied) else _judged(item, folded, witness, turn, subject))
        if place in rows_with:
            entries[-1] = msgspec.structs.replace(entries[-1], rows=_summed(item, rows_with[place]))
    entries += apart
    if (rest := rows_before.get(len(keys))) is not None:
        entries.append(Entry(EntryType.CONTENT, _time(rest), folded.state, rows=_summed(item, rest)))
    overdue = witness.breaches[sum(len(turn.breaches) for turn in witness.turns) :]
    if overdue:
        entries.append(Entry(EntryType.CLOCK, subject.clock, folded.state, broken=_broken(overdue, subject)))
    return Explanation(tuple(entries), folded.conclusions, folded.state)


def _settled(base: Base) -> Entry:
    return Entry(EntryType.SETTLED, base.last[0], base.state, base=base)


def _emptied(turn: Turn) -> Entry:
    element = turn.element
    assert isinstance(element, Emptied)
    moved = turn.before.parent == element.container
    why = "it was in there, and is loose now" if moved else "it was not in there any more; nothing changes"
    told = (FactUsed(FactType.EMPTIED, element.container, fact_payload.answer(element.payload)),)
    return Entry(EntryType.EMPTIED, element.key[0], turn.after, source=element.container, why=why, told=told)


def _judged(item: Item, folded: Folded, witness: Witness, turn: Turn, subject: Subject) -> Entry:
    event = turn.element
    assert isinstance(event, OwnEvent)
    refused = event.id in folded.refused
    return Entry(
        EntryType.EVENT,
        event.time,
        turn.after,
        event,
        outcome=Outcome.REFUSED if refused else Outcome.APPLIED,
        merged=_merged(item, folded, event),
        exchanged=tuple(_exchanged(event, witness, subject)),
        told=_facts_used(item, turn.key),
        broken=_broken(turn.breaches, subject),
        silenced=tuple(_silenced(turn)),
    )


def _merged(item: Item, folded: Folded, event: OwnEvent) -> tuple[Merged, ...]:
    standing = folded.standing
    for first, members in zip(standing.events, standing.members, strict=True):
        if first is event:
            others = [(item.window[n], standing.outcomes[n]) for n in members[1:]]
            return tuple(Merged(other, outcome, why_merged(event, other, outcome)) for other, outcome in others)
    raise AssertionError("what is judged stands")


def _exchanged(event: OwnEvent, witness: Witness, subject: Subject) -> Iterable[Exchanged]:
    for first, second, removed in witness.exchanges:
        if event is not first and event is not second:
            continue
        other = second if event is first else first
        assert isinstance(other, OwnEvent)
        tolerance = tolerance_of(event, other, subject.reference)
        yield Exchanged(other, event is second, abs(event.time - other.time), tolerance, rules_of(removed))


def rules_of(bits: int) -> tuple[str, ...]:
    """The rules of those bits."""
    return tuple(rule.code for n, rule in enumerate(RULES) if bits >> n & 1)


def _facts_used(item: Item, key: Key) -> tuple[FactUsed, ...]:
    """What ``step_of`` hands to the rules of the event that sorts at ``key`` for others."""
    return tuple(
        FactUsed(type, source, fact_payload.answer(payload) if type is FactType.ANSWER else None)
        for (type, source), (payload, _) in sorted(item.told.get(key, {}).items())
        if type is FactType.ANSWER or type is FactType.CONTENT
    )


def _broken(breaches: Iterable[Breach], subject: Subject) -> tuple[Broken, ...]:
    return tuple(Broken(breach, conclusion(breach, subject)) for breach in breaches)


def _silenced(turn: Turn) -> Iterable[Silenced]:
    here = {breach.rule.code for breach in turn.breaches} | {rule.code for rule in turn.silenced}
    for rule in turn.silenced:
        by = {code for firsts, rest in PRECEDENCE if rule.code in rest for code in firsts if code in here}
        yield Silenced(rule.code, tuple(sorted(by)))


def _apart(item: Item, folded: Folded) -> list[Entry]:
    """The events of the window that stand for nothing and were merged into none, in base order."""
    standing = folded.standing
    merged = {n for members in standing.members for n in members}
    outcomes = standing.outcomes
    found = []
    for n, event in enumerate(item.window):
        if n in merged:
            continue
        correction = event.context.kind is Kind.CORRECT
        outcome = outcomes.get(n, Outcome.APPLIED if correction else Outcome.CORRECTED)
        found.append(Entry(EntryType.APART, event.time, event=event, outcome=outcome, why=why_apart(event, outcome, item)))
    return found


def _event(entry: Entry) -> OwnEvent:
    assert entry.event is not None
    return entry.event


def _rows(item: Item, folded: Folded, keys: Sequence[Key]) -> tuple[dict[int, list[Key]], dict[int, list[Key]]]:
    """The open rows of the content: those of the turn they belong to, and those read before a turn (the last: after all)."""
    content, base = item.content, item.base
    same: dict[int, list[Key]] = {}
    before: dict[int, list[Key]] = {}
    if content is None:
        return same, before
    read = sorted(content.open if base is None else (key for key in content.open if key > base.last))
    own = rows_of_own(read, folded.ordered)
    for place, key in enumerate(keys):
        if key in own:
            same[place] = own[key]
    with_own = {key for those in own.values() for key in those}
    place = 0
    for key in read:
        if key in with_own:
            continue
        while place < len(keys) and keys[place] < key:
            place += 1
        before.setdefault(place, []).append(key)
    return same, before


def _time(keys: Sequence[Key]) -> int:
    return keys[0][0]


def _summed(item: Item, keys: Sequence[Key]) -> Rows:
    assert item.content is not None
    said = [(row.told, asks) for key in keys for (asks, _, _), row in item.content.open[key].items()]
    return Rows(dict(sorted(Counter(told for told, _ in said).items())), tuple(sorted(said)[:TOLD_ITEMS_MAX]), keys[-1][0])

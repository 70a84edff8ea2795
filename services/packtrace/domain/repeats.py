"""Which events stand (rules.md 4.3, 4.4): corrections take out, repeats are merged, in three ways that never share a path.

(a) one event that came with several ids, or one id with several contents; (b) sent again under another id; (c) scanned twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import xxhash

from packtrace.domain.dates import HOUR, SECOND
from packtrace.domain.item import Base
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.place import side_of
from packtrace.domain.reference import Reference
from packtrace.domain.vocabulary import Kind, Outcome, Role

RESENT_WITHIN: Final = 2 * SECOND
SCANNED_WITHIN: Final = 30 * SECOND
DONE_AGAIN_WITHIN: Final = 24 * HOUR

LOOKING: Final = frozenset({Kind.OBSERVE, Kind.VERIFY})
DONE_ONCE: Final = frozenset({Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY, Kind.SHIP, Kind.RECEIVE})
CHANGING_NOTHING: Final = LOOKING | {Kind.CORRECT}
TAKE_OUT: Final = frozenset({"did_not_occur", "incorrect_data"})
_PACKING: Final = frozenset({Kind.PACK, Kind.UNPACK})

Content = tuple[Kind, Role, str, int, str, str, str, str, int]


class Standing(NamedTuple):
    """The events that count, in base order, and what became of the others."""

    events: list[OwnEvent]
    outcomes: dict[int, Outcome]
    """Place in the window -> what became of it, where it does not stand."""
    members: list[list[int]]
    """For each standing event the places in the window it stands for, its own first."""
    taken_out: list[int]
    """Places of the corrections and of what they take out."""


def content_of(event: OwnEvent) -> Content:
    """What a resend has in common with the first: kind, lot, expiry, parent, reason, destination, the container's children."""
    c = event.context
    return (event.kind, event.role, c.lot, c.expiry, "" if event.role is Role.PARENT else event.other, c.reason,
            c.destination_party, c.destination_place, event.children_mark)  # fmt: skip


def mark32(event: OwnEvent, reference: Reference) -> int:
    """The content mark a base keeps, with line and premises, in 32 bits: equal marks are repeats in the window too."""
    text = "\0".join((*map(str, content_of(event)), event.context.line, side_of(event.context, reference).place[:13]))
    return xxhash.xxh32_intdigest(text.encode())


def changes_the_item(event: OwnEvent) -> bool:
    """Whether the event is state-changing for the item; what is done to a container's children concerns the children."""
    kind = event.kind
    return kind not in CHANGING_NOTHING and not (event.role is Role.PARENT and kind in _PACKING)


def stand(window: Sequence[OwnEvent], base: Base | None, reference: Reference) -> Standing:
    """Decide for every event of ``window`` (in base order) whether it stands."""
    if len(window) == 1 and base is None and window[0].context.kind is not Kind.CORRECT:
        return Standing(list(window), {}, [[0]], [])
    outcomes: dict[int, Outcome] = {}
    leaders = _one_event(window, outcomes)
    corrected = {id for event in window if event.context.correction_reason in TAKE_OUT for id in event.context.corrects}
    groups: list[list[int]] = []
    taken_out: list[int] = []
    for members in leaders:
        if window[members[0]].context.kind is Kind.CORRECT:
            taken_out += members
        elif corrected and any(window[n].id in corrected for n in members):
            outcomes[members[0]] = Outcome.CORRECTED
            taken_out += members
        else:
            groups.append(members)
    events, members_of = _merged(window, groups, outcomes, base, reference)
    return Standing(events, outcomes, members_of, taken_out)


def _one_event(window: Sequence[OwnEvent], outcomes: dict[int, Outcome]) -> list[list[int]]:
    """(a): groups of places that are one event, the first in base order leading; error declarations only among themselves."""
    stands: dict[tuple[bool, str], tuple[int, int]] = {}
    for event in window:
        name = (event.context.kind is Kind.CORRECT, event.id)
        order = event.content_order
        stands[name] = min(order, stands.get(name, order))
    lead: dict[tuple[bool, str, int | str], int] = {}
    parent: dict[int, int] = {}
    lost: list[int] = []

    def root(n: int) -> int:
        while parent[n] != n:
            n = parent[n]
        return n

    for n, event in enumerate(window):
        is_correction = event.context.kind is Kind.CORRECT
        if event.mark != stands[is_correction, event.id][1]:
            lost.append(n)
            continue
        parent[n] = n
        same: tuple[tuple[str, int | str], ...] = (("id", event.id), ("mark", event.mark), ("message", event.message_mark))
        for what, one_of in same:
            if one_of:
                other = lead.setdefault((is_correction, what, one_of), n)
                one, two = sorted((root(other), root(n)))
                parent[two] = one
    groups: dict[int, list[int]] = {}
    for n in sorted(parent):
        groups.setdefault(root(n), []).append(n)
    for members in groups.values():
        for n in members[1:]:
            outcomes[n] = Outcome.REPEAT
    for n in lost:
        outcomes[n] = Outcome.CONFLICT
        event = window[n]
        groups[root(lead[event.context.kind is Kind.CORRECT, "id", event.id])].append(n)
    return list(groups.values())


class _Firsts:
    """The firsts of each kind with all that is one with them, and the last event that changed the item."""

    def __init__(self) -> None:
        self.sent: dict[Kind, list[tuple[OwnEvent, list[int]]]] = {}
        """Also those that are no more than the first done or seen again: they may have been sent again, too."""
        self.standing: dict[Kind, list[tuple[OwnEvent, list[int]]]] = {}
        self.changed_at: OwnEvent | None = None


def _merged(
    window: Sequence[OwnEvent], groups: list[list[int]], outcomes: dict[int, Outcome], base: Base | None, reference: Reference
) -> tuple[list[OwnEvent], list[list[int]]]:
    """(b) and (c), in base order over what is left."""
    firsts = _Firsts()
    events: list[OwnEvent] = []
    members_of: list[list[int]] = []
    for members in groups:
        event = window[members[0]]
        kind = event.kind
        found = _first_of(event, firsts, reference)
        if found is not None:
            outcome, of_first = found
            of_first += members
            outcomes[members[0]] = outcome
            if outcome is not Outcome.RESENT:
                firsts.sent[kind].append((event, of_first))
            continue
        if base is not None and kind in base.kinds:
            settled = repeat_of_settled(event, base, reference, changed=firsts.changed_at is not None)
            if settled is not None:
                outcomes[members[0]] = settled
                continue
        mine = list(members)
        firsts.sent.setdefault(kind, []).append((event, mine))
        firsts.standing.setdefault(kind, []).append((event, mine))
        events.append(event)
        members_of.append(mine)
        if changes_the_item(event):
            firsts.changed_at = event
    return events, members_of


def _first_of(event: OwnEvent, firsts: _Firsts, reference: Reference) -> tuple[Outcome, list[int]] | None:
    """What ``event`` is to one before it, and all that is one with that."""
    for first, members in reversed(firsts.sent.get(event.kind, ())):
        if _is_resent(first, event, reference):
            return Outcome.RESENT, members
    for first, members in reversed(firsts.standing.get(event.kind, ())):
        if _is_done_again(first, event, firsts, reference):
            return Outcome.DOUBLE_SCAN, members
    return None


def _is_resent(first: OwnEvent, event: OwnEvent, reference: Reference) -> bool:
    """(b)."""
    return (
        event.time - first.time <= RESENT_WITHIN
        and first.id != event.id
        and content_of(first) == content_of(event)
        and _same_line_or_place(first, event, reference)
    )


def _is_done_again(first: OwnEvent, event: OwnEvent, firsts: _Firsts, reference: Reference) -> bool:
    """(c)."""
    kind, apart = event.kind, event.time - first.time
    if kind in LOOKING:
        return apart <= SCANNED_WITHIN and (_same_device(first, event) or _same_premises(first, event, reference))
    return (
        kind in DONE_ONCE
        and apart <= DONE_AGAIN_WITHIN
        and firsts.changed_at is first
        and _same_act(first, event)
        and _same_premises(first, event, reference)
    )


def repeat_of_settled(event: OwnEvent, base: Base, reference: Reference, changed: bool = False) -> Outcome | None:
    """What ``event`` is to the settled event of its kind.

    Args:
        changed: whether an open event changed the item since.
    """
    known = base.kinds.get(event.kind)
    if known is None or known[1] != mark32(event, reference):
        return None
    apart = event.time - known[0]
    if apart == 0:
        return Outcome.REPEAT
    if -RESENT_WITHIN <= apart <= RESENT_WITHIN:
        return Outcome.RESENT
    if apart < 0 or not side_of(event.context, reference).place:
        return None
    if event.kind in LOOKING:
        return Outcome.DOUBLE_SCAN if apart <= SCANNED_WITHIN else None
    once = event.kind in DONE_ONCE and apart <= DONE_AGAIN_WITHIN
    return Outcome.DOUBLE_SCAN if once and not changed and base.last_change == event.kind else None


def _same_line_or_place(one: OwnEvent, other: OwnEvent, reference: Reference) -> bool:
    if one.context.line and other.context.line:
        return one.context.line == other.context.line
    return side_of(one.context, reference).place[:13] == side_of(other.context, reference).place[:13]


def _same_device(one: OwnEvent, other: OwnEvent) -> bool:
    return bool(one.context.device) and one.context.device == other.context.device


def _same_premises(one: OwnEvent, other: OwnEvent, reference: Reference) -> bool:
    place = side_of(one.context, reference).place[:13]
    return bool(place) and place == side_of(other.context, reference).place[:13]


def _same_act(one: OwnEvent, other: OwnEvent) -> bool:
    """The same dispensing, shipping, ...: for the same reason and destination."""
    a, b = one.context, other.context
    return a.reason == b.reason and a.destination_party == b.destination_party and a.destination_place == b.destination_place

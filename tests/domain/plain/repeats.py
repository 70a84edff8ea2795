"""The own events of one item, and which of them stand (rules.md 4.3, 4.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from packtrace.domain.dates import HOUR, SECOND
from packtrace.domain.event import Event
from packtrace.domain.reference import Policy
from packtrace.domain.vocabulary import EventType, Kind, Role
from tests.domain.plain.kinds import RANK
from tests.domain.plain.land import Destination, Side

Key = tuple[int, int, str]
"""(time, rank of the kind, id): the base order, and the moment of an event for every other item."""

TAKES_OUT: Final = {"did_not_occur", "incorrect_data"}
SCANS: Final = {Kind.OBSERVE, Kind.VERIFY}
ONCE_A_DAY: Final = {Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY, Kind.SHIP, Kind.RECEIVE}


class Own(NamedTuple):
    """An event as one item sees it."""

    item: str
    role: Role
    kind: Kind
    event: Event
    reason: str
    side: Side
    mark: tuple[int, int]
    """Equal for equal content; of several contents under one id the smallest stands."""
    message: tuple[str, int | None, int] | None
    log_time: int
    position: int
    policy: Policy

    @property
    def key(self) -> Key:
        return self.event.event_time, RANK[self.kind], self.event.id

    @property
    def time(self) -> int:
        return self.event.event_time

    @property
    def lot(self) -> str:
        """What the event says of this item: a lot beside children is theirs, beside inputs and outputs the outputs'."""
        return "" if self.role in (Role.INPUT, Role.PARENT) else self.event.lot

    @property
    def expiry(self) -> int:
        return 0 if self.role in (Role.INPUT, Role.PARENT) else self.event.expiry

    @property
    def destination(self) -> Destination:
        return Destination(self.event.destination_place, self.event.destination_party)

    @property
    def content(self) -> tuple[object, ...]:
        """What (b) compares."""
        event = self.event
        parent = event.parent if self.role is Role.CHILD else ""
        children = tuple(sorted(event.children)) if self.role is Role.PARENT else ()
        return self.kind, self.lot, self.expiry, parent, self.reason, self.destination, children

    @property
    def empties(self) -> bool:
        """An unpack without children names the container only."""
        return self.kind is Kind.UNPACK and self.role is Role.PARENT and not self.event.children


def roles(event: Event) -> list[tuple[Role, str]]:
    """(role, item) of every item named."""
    if event.type is EventType.TRANSFORMATION:
        return [(Role.INPUT, i) for i in event.inputs] + [(Role.OUTPUT, i) for i in event.outputs]
    parent = [(Role.PARENT, event.parent)] if event.parent else []
    return [(Role.ITEM, i) for i in event.epcs] + parent + [(Role.CHILD, i) for i in event.children]


def standing(owns: Sequence[Own]) -> list[Own]:
    """Those that stand, in base order. Error declarations are gone: they have no time of their own."""
    taken_out = {  # a correction is final: also where its id has two contents
        id
        for own in owns
        if (stated := own.event.correction) is not None and stated.reason in TAKES_OUT
        for id in (stated.events or (own.event.id,))
    }
    events = _one_each([own for own in owns if own.kind is not Kind.CORRECT])
    kept = [own for own, ids in events if not ids & taken_out]
    return _without_double_scans(_without_resends(sorted(kept, key=lambda own: own.key)))


def _one_each(owns: Iterable[Own]) -> list[tuple[Own, set[str]]]:
    """(a): same id, same message or same content is one event with several ids."""
    by_id: dict[str, Own] = {}
    for own in owns:
        known = by_id.get(own.event.id)
        if known is None or (own.mark, own.position) < (known.mark, known.position):
            by_id[own.event.id] = own
    groups: list[list[Own]] = []
    for own in by_id.values():
        alike = [g for g in groups if any(own.mark == o.mark or (own.message is not None and own.message == o.message) for o in g)]
        groups = [g for g in groups if g not in alike] + [[own, *(o for g in alike for o in g)]]
    found = []
    for group in groups:
        found.append((min(group, key=lambda own: own.key), {own.event.id for own in group}))
    return found


def _without_resends(owns: Sequence[Own]) -> list[Own]:
    """(b)."""
    firsts: list[Own] = []
    for own in owns:
        if not any(_resent(first, own) for first in firsts):
            firsts.append(own)
    return firsts


def _resent(first: Own, own: Own) -> bool:
    if own.time - first.time > 2 * SECOND or own.content != first.content:
        return False
    if own.event.line and first.event.line:
        return own.event.line == first.event.line
    return own.side.premises == first.side.premises


def _without_double_scans(owns: Sequence[Own]) -> list[Own]:
    """(c)."""
    stand: list[Own] = []
    last_change: Own | None = None
    for own in owns:
        if own.kind in SCANS:
            if any(_scanned_again(first, own) for first in stand):
                continue
        elif own.kind in ONCE_A_DAY and last_change is not None and _same_again(last_change, own):
            continue
        stand.append(own)
        if own.kind not in SCANS and own.role is not Role.PARENT:
            last_change = own
    return stand


def _scanned_again(first: Own, own: Own) -> bool:
    if first.kind is not own.kind or own.time - first.time > 30 * SECOND:
        return False
    same_device = bool(own.event.device) and own.event.device == first.event.device
    return same_device or bool(own.side.place and own.side.premises == first.side.premises)


def _same_again(first: Own, own: Own) -> bool:
    same_place = bool(own.side.place) and own.side.premises == first.side.premises
    same = (own.kind, own.reason, own.destination) == (first.kind, first.reason, first.destination)
    return same and same_place and own.time - first.time <= 24 * HOUR

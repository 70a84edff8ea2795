"""Where an event happened and whose place that is (rules.md 1), resolved against reference data.

A rule compares premises (a GLN without its extension) and parties. Where a side is unknown it stays silent: ``another_party``
then answers None.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from packtrace.domain.local_time import minutes_east
from packtrace.domain.own_event import Context
from packtrace.domain.reference import Reference

MEMO_ENTRIES_MAX: Final = 20_000


class Side(NamedTuple):
    """A place with the party stated there: what custody and INACTIVE keep. Both empty where unknown."""

    place: str = ""
    party: str = ""

    @property
    def premises(self) -> str:
        return self.place[:13]


NOWHERE: Final = Side()


def side_of(context: Context, reference: Reference) -> Side:
    """Place and stated party of an event: ``place``, else ``read_point``, else its device's location, else its line's."""
    memo = reference.places
    key = id(context)
    known = memo.get(key)
    if type(known) is tuple and known[0] is context:
        side: Side = known[1]
        return side
    if len(memo) >= MEMO_ENTRIES_MAX:
        memo.clear()
    side = Side(_place(context, reference), context.party)
    memo[key] = (context, side)
    return side


def _place(context: Context, reference: Reference) -> str:
    stated = context.place or context.read_point
    if stated:
        return stated
    device = reference.device(context.device) if context.device else None
    if device is not None and device.location:
        return device.location
    line = reference.line(context.line) if context.line else None
    return "" if line is None else line.location


def party_of(side: Side, reference: Reference) -> str:
    """The party of a side: as stated, else the reference's, else the place itself; empty where nothing is known."""
    if side.party:
        return side.party
    location = reference.location(side.place) if side.place else None
    return location.party if location is not None and location.party else side.place


def parties_of(side: Side, reference: Reference) -> frozenset[str]:
    """Every party that speaks for a side: the stated and the reference's, else the premises."""
    location = reference.location(side.place) if side.place else None
    parties = {party for party in (side.party, location.party if location else "") if party}
    return frozenset(parties or ({side.premises} if side.place else ()))


def another_party(one: Side, other: Side, reference: Reference) -> bool | None:
    """Whether two sides are places of different parties; None where a place is unknown."""
    if not one.place or not other.place:
        return None
    if one.place[:13] == other.place[:13]:
        return False
    return parties_of(one, reference).isdisjoint(parties_of(other, reference))


def another_place(one: Side, other: Side) -> bool | None:
    """Whether two sides are different premises; None where a place is unknown."""
    if not one.place or not other.place:
        return None
    return one.place[:13] != other.place[:13]


def zone_of(side: Side, stated_minutes: int | None, reference: Reference, time: int) -> int:
    """Minutes east of UTC at a place: the reference's, else the event's, else 0."""
    location = reference.location(side.place) if side.place else None
    if location is not None and location.time_zone:
        return minutes_east(location.time_zone, time)
    return stated_minutes or 0

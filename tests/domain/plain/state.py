"""What an item is at one moment (rules.md 3), and what judging it later needs to know of before."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Final, NamedTuple

from packtrace.domain.vocabulary import TERMINAL, Custody, Life, Reason
from tests.domain.plain.land import Destination, Side
from tests.domain.plain.repeats import Own


class Held(NamedTuple):
    """Custody. ``side``: AT where; IN_TRANSIT from where."""

    kind: Custody = Custody.UNKNOWN
    side: Side = Side()
    to: Destination = Destination()
    since: int = 0
    ship: Own | None = None

    @property
    def in_transit(self) -> bool:
        return self.kind is Custody.IN_TRANSIT

    @property
    def at(self) -> bool:
        return self.kind is Custody.AT


UNKNOWN: Final = Held()


class Ended(NamedTuple):
    """How the item became INACTIVE."""

    side: Side
    time: int
    day: int
    recalled: bool
    """It held RECALLED then."""


class Seen(NamedTuple):
    """A sighting: when, where, by which device."""

    time: int
    coordinates: tuple[float, float]
    device: str


@dataclass(slots=True)
class State:
    life: Life = Life.NONE
    reason: Reason = Reason.NONE
    ended: Ended | None = None
    dispensed_to: Destination | None = None
    """Where the party that dispensed it shipped it after."""
    named: bool = False
    commissioned: bool = False
    lot: str = ""
    expiry: int = 0
    parent: str = ""
    left: tuple[tuple[str, int], ...] = ()
    """(container, when) of each implied leaving."""
    held: Held = UNKNOWN
    holds: frozenset[str] = frozenset()
    shipped: int | None = None
    """When it was last shipped."""
    received: tuple[Side, int] | None = None
    """Where and when it was last received, as a root."""
    namings: tuple[tuple[int, str], ...] = ()
    """(when, premises) of every event that named it at a place."""
    partial: bool = False
    sighting: Seen | None = None
    visits: tuple[tuple[int, Side], ...] = ()
    """Dispenses and verifies counted since the last ship, receive or leaving."""
    verifies: tuple[int, ...] = ()
    # an SSCC's use
    first_pack: int | None = None
    first_receive: int | None = None
    """The first receive since the first pack."""
    destroyed: int | None = None

    def copy(self) -> State:
        return copy.copy(self)

    @property
    def terminal(self) -> bool:
        return self.life is Life.INACTIVE and self.reason in TERMINAL

"""Places, parties, products, lots and days (rules.md 1 and 6): the last reference data known, and the recalls events named."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from packtrace.domain.dates import last_day, local_date
from packtrace.domain.event import Event
from packtrace.domain.identifiers import gtin_of, premises
from packtrace.domain.local_time import minutes_east
from packtrace.domain.reference import Lot, Product, Reference
from packtrace.domain.vocabulary import Level

EARTH_KM: Final = 6371.0


class Side(NamedTuple):
    """Where something was and who was stated to have it; empty where not known."""

    place: str = ""
    party: str = ""

    @property
    def premises(self) -> str:
        return premises(self.place)


class Destination(NamedTuple):
    place: str = ""
    party: str = ""

    @property
    def known(self) -> bool:
        return bool(self.place or self.party)


class Land:
    def __init__(self, reference: Reference, recalls: Mapping[tuple[str, str], int]) -> None:
        self.reference = reference
        self.recalls = recalls
        self._parties: dict[Side, frozenset[str]] = {}

    # places and parties

    def side_of(self, event: Event) -> Side:
        place = event.place or event.read_point
        if not place and event.device and (device := self.reference.device(event.device)):
            place = device.location
        if not place and event.line and (line := self.reference.line(event.line)):
            place = line.location
        return Side(place, event.party)

    def party_of(self, place: str) -> str:
        location = self.reference.location(place) if place else None
        return location.party if location else ""

    def parties(self, side: Side) -> frozenset[str]:
        """{stated party, reference party, else the premises}."""
        found = self._parties.get(side)
        if found is None:
            found = self._parties[side] = frozenset({side.party, self.party_of(side.place) or side.premises} - {""})
        return found

    def another(self, one: Side, other: Side) -> bool:
        """Whether they are places of different parties; no, where a side is unknown."""
        if not one.place or not other.place or one.premises == other.premises:
            return False
        return not self.parties(one) & self.parties(other)

    def same(self, one: Side, other: Side) -> bool:
        """Whether they are places of one party; no, where a side is unknown."""
        return bool(one.place and other.place) and not self.another(one, other)

    def destination_party(self, to: Destination) -> str:
        """Stated, else the destination place's."""
        return to.party or self.party_of(to.place) or premises(to.place)

    def is_destination(self, side: Side, to: Destination) -> bool:
        """Whether ``side`` is the destination place or has a party in common with the destination."""
        if not side.place or not to.known:
            return False
        return bool(to.place and premises(to.place) == side.premises) or bool(self.parties(Side(*to)) & self.parties(side))

    def roles(self, party: str) -> frozenset[str]:
        known = self.reference.party(party)
        return known.roles if known else frozenset()

    def coordinates(self, side: Side) -> tuple[float, float] | None:
        location = self.reference.location(side.place) if side.place else None
        if location is None or location.latitude is None or location.longitude is None:
            return None
        return location.latitude, location.longitude

    def synced(self, device: str) -> bool:
        known = self.reference.device(device) if device else None
        return known is not None and known.clock == "synced"

    # days

    def day(self, event: Event, side: Side) -> int:
        """The local day of an event: the place's zone, else the event's, else UTC."""
        location = self.reference.location(side.place) if side.place else None
        if location is not None and location.time_zone:
            return local_date(event.event_time, minutes_east(location.time_zone, event.event_time))
        return local_date(event.event_time, event.zone_minutes or 0)

    # products

    def product(self, item: str) -> Product | None:
        return self.reference.product(gtin_of(item)) if gtin_of(item) else None

    def own(self, item: str) -> bool:
        product = self.product(item)
        return product is not None and product.own

    def level(self, item: str) -> Level:
        return self.reference.level(item)

    def lot(self, gtin: str, lot: str) -> Lot | None:
        return self.reference.lot(gtin, lot) if gtin and lot else None

    def expiry(self, gtin: str, lot: str, own_expiry: int) -> int:
        """The expiry that counts, as a day; 0 where none is known."""
        known = self.lot(gtin, lot)
        date = known.expiry if known else own_expiry
        return last_day(date) if date else 0

    def recalled(self, gtin: str, lot: str, time: int) -> bool:
        """Whether the lot was recalled by then."""
        if not gtin or not lot:
            return False
        known = self.lot(gtin, lot)
        stated = [t for t in (known.recalled_from if known else None, self.recalls.get((gtin, lot))) if t is not None]
        return bool(stated) and min(stated) <= time


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great circle (haversine)."""
    lat1, lon1, lat2, lon2 = (math.radians(d) for d in (*one, *other))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, h)))

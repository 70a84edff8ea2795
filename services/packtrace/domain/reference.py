"""Reference data: products, lots, places, parties, lines, devices, operators and the policy, as one immutable value.

It is part of the log: a partition applies each change at its place among the events, and ``changed`` answers the next value.
Keys: product GTIN-14, lot ``GTIN-14/lot``, location and party GLN key, line, device and operator their id, policy ``policy``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

import msgspec

from packtrace.domain.dates import SECOND
from packtrace.domain.vocabulary import Entity, Level, Severity


class ReferenceChange(NamedTuple):
    """One entity as it is from now on; ``value_json`` None removes it."""

    entity: str
    key: str
    value_json: str | None


class Product(msgspec.Struct, frozen=True, gc=False):
    gtin: str
    name: str
    level: Level
    own: bool
    """Commissioned here; else a partner's."""
    contains_gtin: str = ""
    contains_count: int = 0
    tenant: str = ""


class Lot(msgspec.Struct, frozen=True, gc=False):
    gtin: str
    lot: str
    expiry: int
    released: bool
    recalled_from: int | None = None


class Location(msgspec.Struct, frozen=True, gc=False):
    gln: str
    name: str = ""
    party: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = ""
    """A zone of the IANA database, or an offset from UTC."""


class Party(msgspec.Struct, frozen=True):
    gln: str
    name: str = ""
    roles: frozenset[str] = frozenset()
    authorised_from: int = 0
    authorised_to: int = 0


class Line(msgspec.Struct, frozen=True, gc=False):
    id: str
    location: str = ""
    tenant: str = ""


class Device(msgspec.Struct, frozen=True, gc=False):
    id: str
    location: str = ""
    clock: str = ""


class Operator(msgspec.Struct, frozen=True, gc=False):
    id: str
    qualified_until: int = 0


class RulePolicy(msgspec.Struct, frozen=True):
    """What a site says of one rule; None leaves what the rule's table says."""

    enabled: bool = True
    severity: Severity | None = None
    grace_seconds: int | None = None
    numbers: Mapping[str, int] = {}


class Policy(msgspec.Struct, frozen=True):
    order_tolerance_seconds: int = 10
    window_hours: int = 72
    sscc_commission_required: bool = False
    rules: Mapping[str, RulePolicy] = {}


class LotRecall(msgspec.Struct, frozen=True, rename={"since": "from"}):
    """An event that names lot classes: ``lots`` of (GTIN, lot) recalled since a time, or the ids of such events taken out."""

    id: str
    since: int = 0
    lots: tuple[tuple[str, str], ...] = ()
    corrects: tuple[str, ...] = ()


Value = Product | Lot | Location | Party | Line | Device | Operator | Policy | LotRecall
COORDINATES_MAX: Final = 100_000
"""Places remembered: a message may name any."""
_DEFAULT_POLICY: Final = Policy()
_V = TypeVar("_V")


class Reference:
    """All of it at one moment. ``changed`` shares what did not change; nobody else may touch the dicts."""

    __slots__ = (
        "_coordinates",
        "_lots_of",
        "_policies",
        "_recalled",
        "_values",
        "order_tolerance_max",
        "places",
        "policy",
        "products",
        "switches_rules",
        "window_hours_min",
    )

    def __init__(self, values: Mapping[Entity, Mapping[str, Value]]) -> None:
        self._values = values
        self.products: Mapping[str, Product] = _of(values, Entity.PRODUCT, Product)
        policies = _of(values, Entity.POLICY, Policy)
        self._policies = sorted((_policy_since(key), policy) for key, policy in policies.items()) or [(0, _DEFAULT_POLICY)]
        self.policy: Policy = self._policies[-1][1]
        """The policy that counts from now on."""
        self._recalled = _recalled(_of(values, Entity.RECALL, LotRecall).values())
        ever = [_DEFAULT_POLICY, *(policy for _, policy in self._policies)]
        self.window_hours_min = min(policy.window_hours for policy in ever)
        self.order_tolerance_max = max(policy.order_tolerance_seconds for policy in ever) * SECOND
        """Microseconds; of any policy that ever counted."""
        self.switches_rules = any(policy.rules for _, policy in self._policies)
        lots: dict[str, dict[str, Lot]] = {}
        for lot in _of(values, Entity.LOT, Lot).values():
            lots.setdefault(lot.gtin, {})[lot.lot] = lot
        self._lots_of: Mapping[str, Mapping[str, Lot]] = lots
        self._coordinates: dict[str, tuple[float, float] | None] = {}
        self.places: dict[object, object] = {}
        """A memo of ``packtrace.domain.place``: what contexts resolve to against this value."""

    @staticmethod
    def empty() -> Reference:
        return _EMPTY

    def changed(self, changes: Iterable[ReferenceChange], log_time: int = 0) -> Reference:
        """This value after ``changes`` in their order, logged at ``log_time``: a policy counts for what is logged after it.

        Raises:
            RejectedError: bad-reference: a value that ``packtrace.domain.reference_file`` cannot read.
        """
        from packtrace.domain.reference_file import read_change

        values: dict[Entity, dict[str, Value]] = {}
        for change in changes:
            change = dated(change, log_time)
            entity, value = read_change(change)
            if entity not in values:
                values[entity] = dict(self._values.get(entity, {}))
            if value is None:
                values[entity].pop(change.key, None)
            else:
                values[entity][change.key] = value
        return Reference({**self._values, **values}) if values else self

    def values_of(self, entity: Entity) -> Mapping[str, Value]:
        """All of one kind, by key."""
        return self._values.get(entity, {})

    def product(self, gtin: str) -> Product | None:
        return self.products.get(gtin)

    def lot(self, gtin: str, lot: str) -> Lot | None:
        return self._lots_of.get(gtin, _NO_LOTS).get(lot)

    def recalled_from(self, gtin: str, lot: str) -> int | None:
        """From when a lot is recalled, microseconds; None where it is not."""
        known = self.lot(gtin, lot)
        stated = None if known is None else known.recalled_from
        by_event = self._recalled.get((gtin, lot)) if self._recalled else None
        if stated is None or by_event is None:
            return by_event if stated is None else stated
        return min(stated, by_event)

    def policy_at(self, log_time: int) -> Policy:
        """The policy that counts for what was logged then: the last one loaded before it."""
        policies = self._policies
        if len(policies) == 1:
            since, policy = policies[0]
            return policy if log_time > since else _DEFAULT_POLICY
        for since, policy in reversed(policies):
            if log_time > since:
                return policy
        return _DEFAULT_POLICY

    def lots(self, gtin: str) -> Mapping[str, Lot]:
        """The lots of a product, by lot."""
        return self._lots_of.get(gtin, _NO_LOTS)

    def location(self, gln: str) -> Location | None:
        """The place, else the premises it is a part of."""
        known = self._values.get(Entity.LOCATION, {})
        found = known.get(gln) or known.get(gln[:13])
        return found if isinstance(found, Location) else None

    def coordinates(self, gln: str) -> tuple[float, float] | None:
        """Latitude and longitude of a place, degrees; None where it has none."""
        if gln in self._coordinates:
            return self._coordinates[gln]
        location = self.location(gln)
        found = None
        if location is not None and location.latitude is not None and location.longitude is not None:
            found = location.latitude, location.longitude
        if len(self._coordinates) < COORDINATES_MAX:
            self._coordinates[gln] = found
        return found

    def party(self, gln: str) -> Party | None:
        return _one(self._values, Entity.PARTY, gln, Party)

    def device(self, id: str) -> Device | None:
        return _one(self._values, Entity.DEVICE, id, Device)

    def line(self, id: str) -> Line | None:
        return _one(self._values, Entity.LINE, id, Line)

    def operator(self, id: str) -> Operator | None:
        return _one(self._values, Entity.OPERATOR, id, Operator)

    def level(self, key: str) -> Level:
        """The level of an item; UNKNOWN where its product is."""
        if key[:2] == "00":
            return Level.LOGISTIC
        product = self.products.get(key[2:16])
        return Level.UNKNOWN if product is None else product.level


def dated(change: ReferenceChange, log_time: int) -> ReferenceChange:
    """A change as it is kept: each policy beside the ones before it, named by when it was logged; none is the default policy."""
    if change.entity != Entity.POLICY or "@" in change.key or not log_time:
        return change
    return ReferenceChange(change.entity, f"{change.key}@{log_time:016d}", change.value_json or "{}")


def _policy_since(key: str) -> int:
    _, _, since = key.partition("@")
    return int(since) if since else -1


_NO_LOTS: Final[Mapping[str, Lot]] = {}


def _of(values: Mapping[Entity, Mapping[str, Value]], entity: Entity, kind: type[_V]) -> dict[str, _V]:
    return {key: value for key, value in values.get(entity, {}).items() if isinstance(value, kind)}


def _one(values: Mapping[Entity, Mapping[str, Value]], entity: Entity, key: str, kind: type[_V]) -> _V | None:
    found = values.get(entity, {}).get(key)
    return found if isinstance(found, kind) else None


def _recalled(events: Iterable[LotRecall]) -> Mapping[tuple[str, str], int]:
    """(GTIN, lot) -> since when an event recalls it; a correction takes its event out, whichever came first."""
    known = list(events)
    gone = {id for event in known for id in event.corrects}
    found: dict[tuple[str, str], int] = {}
    for event in known:
        if event.id not in gone:
            for lot in event.lots:
                found[lot] = min(event.since, found.get(lot, event.since))
    return found


_EMPTY: Final = Reference({})


def parse_file(data: bytes) -> list[ReferenceChange]:
    """The changes a reference file makes, in its order (format: ``schemas/reference.schema.json``).

    Raises:
        RejectedError: bad-reference, with the place in the file (``lots[3].expiry``), what was expected and what came.
    """
    from packtrace.domain.reference_file import parse

    return parse(data)

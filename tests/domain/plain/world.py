"""The whole world, in the end: every item's state and the alerts that stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from packtrace.domain.alert import ITEM_CAUSE, alert_id, event_cause
from packtrace.domain.dates import DAY, local_date
from packtrace.domain.event import Event
from packtrace.domain.explode import own_events
from packtrace.domain.identifiers import gtin_of, lot_of
from packtrace.domain.reference import Policy, Reference
from packtrace.domain.vocabulary import Custody, Kind, Life, Reason, Role, Severity
from tests.domain.plain import rules
from tests.domain.plain.fold import Emptied, Folded, exchanged, fold
from tests.domain.plain.kinds import kind_of, reason_of
from tests.domain.plain.land import Land
from tests.domain.plain.log import Changed, Logged
from tests.domain.plain.repeats import TAKES_OUT, Own, roles, standing
from tests.domain.plain.state import Held, State
from tests.domain.plain.view import LAST, View

ROUNDS_MAX: Final = 100
DAYS_IN_TRANSIT: Final = 7


@dataclass
class PlainItem:
    """What can be seen of an item from outside."""

    key: str
    life: Life
    reason: Reason
    lot: str
    expiry: int
    parent: str
    children: set[str]
    custody: Custody
    """Of a packed item its root's."""
    place: str
    destination: str
    """The place, else the party."""
    custody_since: int
    holds: frozenset[str]
    flags: set[str]


@dataclass
class PlainAlert:
    id: str
    rule: str
    item: str
    cause: str
    severity: Severity
    event_time: int
    events: list[str] = field(default_factory=list)
    """Ids of the offending events, in the order judged."""


@dataclass
class World:
    items: dict[str, PlainItem] = field(default_factory=dict)
    alerts: dict[str, PlainAlert] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Codes of all rules that held anywhere, also where they were silenced or switched off."""
    exchanged: set[str] = field(default_factory=set)
    """Items whose events were judged in another order than the base order."""


def run(log: Sequence[Logged | Changed], until: int, reference: Reference | None = None) -> World:
    """What follows from ``log`` when log time is ``until`` and nothing has settled. ``reference``: known before it begins."""
    logged, final = _read(log, reference or Reference.empty())
    land = Land(final, _recalls([event for _, _, event in logged]))
    owns = _own_events(logged, land)
    folds = _folded({item: standing(those) for item, those in owns.items()}, land)
    world = World()
    view = View()
    view.timelines = {item: folded.timeline for item, folded in folds.items()}
    for item, folded in folds.items():
        world.broken |= folded.broken
        if folded.order != sorted(folded.order):
            world.exchanged.add(item)
        world.items[item] = _seen(item, folded.state, view, land, until)
        for breach in folded.breaches:
            _raise(world, breach.rule, breach.scene.own, rules.severity_of(breach.rule, breach.scene), rules.BY_CODE[breach.rule].per_item)
        _raise_data_no_product(world, world.items[item], folded.state, land, until)
    return world


_Read = list[tuple[int, Policy, Event]]


def _read(log: Sequence[Logged | Changed], reference: Reference) -> tuple[_Read, Reference]:
    """Each event with its log time and the policy that was known before it was logged; and the last reference data."""
    policies = [(-1, reference.policy)]
    for entry in log:
        if isinstance(entry, Changed):
            reference = reference.changed(entry.changes)
            policies.append((entry.log_time, reference.policy))
    logged = [
        (entry.log_time, [policy for since, policy in policies if since < entry.log_time][-1], entry.event)
        for entry in log
        if isinstance(entry, Logged)
    ]
    return logged, reference


def _recalls(events: Sequence[Event]) -> dict[tuple[str, str], int]:
    """A recall naming a lot class sets the lot's ``recalled_from``; the earliest that was not corrected counts."""
    gone = {id for event in events if (fix := event.correction) and fix.reason in TAKES_OUT for id in fix.events or (event.id,)}
    found: dict[tuple[str, str], int] = {}
    for event in events:
        if event.lots and kind_of(event, Role.ITEM) is Kind.RECALL and event.id not in gone:
            for lot in event.lots:
                known = (gtin_of(lot), lot_of(lot))
                found[known] = min(found.get(known, event.event_time), event.event_time)
    return found


def _own_events(logged: _Read, land: Land) -> dict[str, list[Own]]:
    owns: dict[str, list[Own]] = {}
    for position, (log_time, policy, event) in enumerate(logged):
        side = land.side_of(event)
        marks = {item: own.content_order for item, own in own_events(event, log_time)}
        message = (event.line, event.boot, event.sequence) if event.line and event.sequence is not None else None
        for role, item in roles(event):
            kind = kind_of(event, role)
            own = Own(item, role, kind, event, reason_of(event, kind), side, marks[item], message, log_time, position, policy)
            owns.setdefault(item, []).append(own)
    return owns


def _folded(owns: dict[str, list[Own]], land: Land) -> dict[str, Folded]:
    """Every item folded over its events, again and again until what each of them sees of the others does not change."""
    emptied = sorted(Emptied(own.key, item, own.side) for item, those in owns.items() for own in those if own.empties)
    view = View()
    order = {item: exchanged(those, emptied, land) for item, those in owns.items()}
    view.orders = {item: {own.key: place for place, own in enumerate(those)} for item, those in order.items()}
    folds: dict[str, Folded] = {}
    waiting = set(order)
    for _ in range(ROUNDS_MAX):
        for item in [item for item in order if item in waiting]:
            folds[item] = folded = fold(item, order[item], emptied, view, land)
            waiting.discard(item)
            if folded.timeline != view.timelines.get(item):
                view.timelines[item] = folded.timeline
                waiting |= order.keys() - {item}
        if not waiting:
            return folds
    raise AssertionError("what items see of each other never comes to rest")


def _raise(world: World, code: str, own: Own, severity: Severity, per_item: bool) -> None:
    policy = own.policy.rules.get(code)
    if policy is not None and not policy.enabled:
        return
    if policy is not None and policy.severity is not None:
        severity = policy.severity
    cause = ITEM_CAUSE if per_item else event_cause(own.kind.word, own.time, own.side.premises)
    id = alert_id(code, own.item, cause)
    if id not in world.alerts:
        world.alerts[id] = PlainAlert(id, code, own.item, cause, severity, own.time)
    world.alerts[id].events.append(own.event.id)


def _is_overdue(item: str, held: Held, land: Land, until: int) -> bool:
    """What left its container on the way was not shipped itself: nobody knows when it should arrive."""
    if (
        held.ship is None
        or held.ship.item != item
        or not held.in_transit
        or "reports_receipts" not in land.roles(land.destination_party(held.to))
    ):
        return False
    policy = held.ship.policy.rules.get(rules.DATA_NO_PRODUCT)
    days = policy.numbers.get("days", DAYS_IN_TRANSIT) if policy else DAYS_IN_TRANSIT
    return until - held.ship.log_time > days * DAY


def _raise_data_no_product(world: World, item: PlainItem, state: State, land: Land, until: int) -> None:
    if not state.parent and state.held.ship is not None and _is_overdue(item.key, state.held, land, until):
        _raise(world, rules.DATA_NO_PRODUCT, state.held.ship, Severity.MEDIUM, per_item=False)


def _seen(item: str, state: State, view: View, land: Land, until: int) -> PlainItem:
    held = view.custody(item, state, LAST)
    gtin = gtin_of(item)
    expiry = land.expiry(gtin, state.lot, state.expiry)
    lot = land.lot(gtin, state.lot)
    flags = {
        "EXPIRED": expiry != 0 and local_date(until, 0) > expiry,
        "LOT_RECALLED": land.recalled(gtin, state.lot, until),
        "LOT_UNRELEASED": lot is not None and not lot.released,
        "OVERDUE": not state.parent and _is_overdue(item, held, land, until),
    }
    return PlainItem(
        key=item,
        life=state.life,
        reason=state.reason,
        lot=state.lot,
        expiry=state.expiry,
        parent=state.parent,
        children={child for child, _ in view.children(item, LAST)},
        custody=held.kind,
        place=held.side.place,
        destination=held.to.place or held.to.party,
        custody_since=held.since,
        holds=state.holds,
        flags={flag for flag, stands in flags.items() if stands},
    )

"""What kind an event is: the whole table of rules.md 2, first match from the top.

The business step decides where it names a kind, the disposition only for other steps: an event that dispenses stays a
dispensing whatever its disposition says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from packtrace.domain.event import Event
from packtrace.domain.vocabulary import Action, EventType, Kind, Reason

REACTIVATING: Final = "urn:packtrace:bizstep:reactivating"
VERIFYING: Final = "urn:packtrace:bizstep:verifying"
RELEASING: Final = "urn:packtrace:bizstep:releasing"

RECEIVING: Final = frozenset({"receiving", "arriving", "accepting"})
HELD: Final = frozenset({"non_sellable_other", "damaged", "needs_replacement"})
SELLABLE: Final = frozenset({"sellable_accessible", "sellable_not_accessible", "available", "conformant"})

RECALLED: Final = "RECALLED"
"""The hold that a recall sets and that only a release naming it lifts."""

_DISPOSITION_REASON: Final = {"stolen": Reason.STOLEN, "destroyed": Reason.DESTROYED, "retail_sold": Reason.DISPENSED}


class Row(NamedTuple):
    """One row of the table."""

    kind: Kind
    matches: Callable[[Event], bool]


def _object(event: Event, action: Action) -> bool:
    return event.type is EventType.OBJECT and event.action is action


def _observe(event: Event) -> bool:
    return event.action is Action.OBSERVE


# fmt: off
TABLE: Final = (
    Row(Kind.CORRECT,      lambda e: e.correction is not None),
    # the outputs; inputs read it as DECOMMISSION (own_event.OwnEvent.kind)
    Row(Kind.COMMISSION,   lambda e: e.type is EventType.TRANSFORMATION),
    Row(Kind.UNPACK,       lambda e: e.type is EventType.AGGREGATION and e.action is Action.DELETE),
    Row(Kind.PACK,         lambda e: e.type is EventType.AGGREGATION and e.action is Action.ADD),
    Row(Kind.COMMISSION,   lambda e: _object(e, Action.ADD) and e.biz_step == "commissioning"),
    Row(Kind.REACTIVATE,   lambda e: e.biz_step == REACTIVATING),
    Row(Kind.VOID_SHIP,    lambda e: e.biz_step == "void_shipping"),
    Row(Kind.RECEIVE,      lambda e: e.biz_step in RECEIVING),
    Row(Kind.SHIP,         lambda e: e.biz_step == "shipping" or (e.biz_step == "departing" and has_destination(e))),
    Row(Kind.DESTROY,      lambda e: _object(e, Action.DELETE) and (e.biz_step == "destroying" or _destroyed_by_disposition(e))),
    Row(Kind.DISPENSE,     lambda e: e.biz_step == "dispensing"),
    Row(Kind.DECOMMISSION, lambda e: _object(e, Action.DELETE)),
    Row(Kind.VERIFY,       lambda e: e.biz_step == VERIFYING),
    Row(Kind.RECALL,       lambda e: _observe(e) and e.disposition == "recalled"),
    Row(Kind.HOLD,         lambda e: _observe(e) and (e.biz_step == "holding" or (e.disposition in HELD and e.biz_step != RELEASING))),
    Row(Kind.RELEASE,      lambda e: _observe(e) and e.disposition in SELLABLE and e.biz_step in ("inspecting", "", RELEASING)),
    Row(Kind.OBSERVE,      lambda e: True),
)
# fmt: on


def _destroyed_by_disposition(event: Event) -> bool:
    return event.disposition == "destroyed" and event.biz_step not in ("dispensing", "decommissioning")


def kind_of(event: Event) -> Kind:
    """The kind of ``event``; every event has one."""
    for row in TABLE:
        if row.matches(event):
            return row.kind
    raise AssertionError("the last row matches every event")


def has_destination(event: Event) -> bool:
    """Whether an event says where to."""
    return bool(event.destination_party or event.destination_place)


def reason_of(event: Event, kind: Kind) -> str:
    """The reason an event of ``kind`` carries, as its row of rules.md 2 says; empty where it states none."""
    if kind is Kind.DISPENSE:
        return Reason.DISPENSED.name
    if kind is Kind.DESTROY:
        return Reason.DESTROYED.name
    if kind is Kind.DECOMMISSION:
        return event.reason or _DISPOSITION_REASON.get(event.disposition, Reason.OTHER).name
    if kind is Kind.RECALL:
        return RECALLED
    if kind is Kind.HOLD:
        return event.reason or event.disposition.upper()
    return event.reason

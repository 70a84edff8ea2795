"""Kinds of event (rules.md 2) and their order (rules.md 4.1), read from the page again."""

from __future__ import annotations

from typing import Final

from packtrace.domain.event import Event
from packtrace.domain.vocabulary import Action, EventType, Kind, Reason, Role

RECEIVING: Final = {"receiving", "arriving", "accepting"}
HOLDING: Final = {"non_sellable_other", "damaged", "needs_replacement"}
RELEASING: Final = {"sellable_accessible", "sellable_not_accessible", "available", "conformant"}
RELEASE_STEPS: Final = {"", "inspecting", "urn:packtrace:bizstep:releasing"}
REACTIVATING: Final = "urn:packtrace:bizstep:reactivating"
VERIFYING: Final = "urn:packtrace:bizstep:verifying"

BASE_ORDER: Final = (
    Kind.COMMISSION, Kind.RELEASE, Kind.REACTIVATE, Kind.UNPACK, Kind.RECEIVE, Kind.PACK, Kind.SHIP,
    Kind.CORRECT, Kind.VOID_SHIP, Kind.DESTROY, Kind.DISPENSE, Kind.DECOMMISSION, Kind.VERIFY, Kind.RECALL, Kind.HOLD, Kind.OBSERVE,
)  # fmt: skip
RANK: Final = {kind: rank for rank, kind in enumerate(BASE_ORDER)}


def kind_of(event: Event, role: Role) -> Kind:
    """What ``event`` is for an item it names in ``role``: the first row that matches, the step before the disposition."""
    step, disposition = event.biz_step, event.disposition
    if event.correction is not None:
        return Kind.CORRECT
    if event.type is EventType.TRANSFORMATION:
        return Kind.DECOMMISSION if role is Role.INPUT else Kind.COMMISSION
    if event.type is EventType.AGGREGATION and event.action is Action.DELETE:
        return Kind.UNPACK
    if event.type is EventType.AGGREGATION and event.action is Action.ADD:
        return Kind.PACK
    if event.type is EventType.OBJECT and event.action is Action.ADD and step == "commissioning":
        return Kind.COMMISSION
    if step == REACTIVATING:
        return Kind.REACTIVATE
    if step == "void_shipping":
        return Kind.VOID_SHIP
    if step in RECEIVING:
        return Kind.RECEIVE
    if step == "shipping" or (step == "departing" and (event.destination_party or event.destination_place)):
        return Kind.SHIP
    if step == "dispensing":
        return Kind.DISPENSE
    if event.action is Action.DELETE and event.type is EventType.OBJECT:
        if step == "destroying" or (step != "decommissioning" and disposition == "destroyed"):
            return Kind.DESTROY
        return Kind.DECOMMISSION
    if step == VERIFYING:
        return Kind.VERIFY
    if event.action is Action.OBSERVE and event.type is not EventType.AGGREGATION:
        if step == "holding":
            return Kind.HOLD
        if disposition == "recalled":
            return Kind.RECALL
        if disposition in HOLDING:
            return Kind.HOLD
        if disposition in RELEASING and step in RELEASE_STEPS:
            return Kind.RELEASE
    return Kind.OBSERVE


def reason_of(event: Event, kind: Kind) -> str:
    """The reason an event states or implies for its kind; empty where it has none."""
    if event.type is EventType.TRANSFORMATION:
        return Reason.REPACKED.name if kind is Kind.DECOMMISSION else ""
    if kind is Kind.DISPENSE:
        return Reason.DISPENSED.name
    if kind is Kind.DESTROY:
        return Reason.DESTROYED.name
    if kind is Kind.DECOMMISSION:
        by_disposition = {"stolen": "STOLEN", "destroyed": "DESTROYED", "retail_sold": "DISPENSED"}
        return event.reason or by_disposition.get(event.disposition, "OTHER")
    if kind is Kind.RECALL:
        return "RECALLED"
    if kind is Kind.HOLD:
        return event.reason or event.disposition.upper()
    return event.reason

"""Shipping: who may send what to whom, and does what was sent arrive? Judged for the items an event names."""

from __future__ import annotations

from typing import Final

from packtrace.domain.alert import Evidence
from packtrace.domain.custody import arrived
from packtrace.domain.dates import local_date, time_text
from packtrace.domain.place import Side, another_party, parties_of, party_of, zone_of
from packtrace.domain.rules.rule import ITEM, Cause, Rule, kinds, outside
from packtrace.domain.rules.state_of import goes_back, itself_and_inside, other_holds
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Custody, Kind, Life, Role, Severity

ALONE: Final = "child-shipped-alone"


def custody_of_root(state: State, step: Step) -> tuple[Custody, Side, Side, int] | None:
    """Custody, place (IN_TRANSIT: from), destination, since: its own, or its root's; None while the root has not answered."""
    if not state.parent:
        return state.custody, state.side, state.to, state.since
    if step.answer is None:
        return None
    custody, place, party, to_place, to_party, since = step.answer.custody
    return Custody(custody), Side(place, party), Side(to_place, to_party), since


def is_excepted(state: State, step: Step) -> bool:
    """Whether a ship or receive of a packed item is one of its root, reported once more: it stays packed."""
    answer = step.answer
    if answer is None or not step.side.place or answer.names_an_ancestor:
        return True
    custody, place, party, to_place, to_party, _ = answer.custody
    mine = parties_of(step.side, step.reference)
    if step.kind is Kind.SHIP:
        return custody == Custody.IN_TRANSIT and _same(Side(place, party), step)
    if custody == Custody.IN_TRANSIT and _same(Side(to_place, to_party), step):
        return True
    received = answer.received
    return received is not None and (
        received[1][:13] == step.side.premises or not mine.isdisjoint(parties_of(Side(*received[1:]), step.reference))
    )


def _same(side: Side, step: Step) -> bool:
    """Whether a side is of the event's party."""
    if side.place and side.premises == step.side.premises:
        return True
    return not parties_of(side, step.reference).isdisjoint(parties_of(step.side, step.reference))


def alone(state: State, step: Step) -> Evidence | None:
    """A packed item is shipped or received without its container."""
    if not state.parent or is_excepted(state, step):
        return None
    return Evidence(
        expected=f"{step.kind.word} of {state.parent}, or an unpack before it",
        found=f"{step.kind.word} of this item alone",
        events=(state.packed_id,),
        detail=(("parent", state.parent),),
    )


def held_shipped(state: State, step: Step) -> Evidence | None:
    """It, or anything inside, has a hold other than RECALLED."""
    if goes_back(state, step):
        return None
    for what, entry in itself_and_inside(state, step):
        if holds := other_holds(entry):
            return Evidence(expected="no hold", found=f"{what}hold {', '.join(holds)}")
    return None


def unreleased(state: State, step: Step) -> Evidence | None:
    """It, or anything inside, is of a lot that is not released."""
    if goes_back(state, step):
        return None
    for what, entry in itself_and_inside(state, step):
        lot = step.reference.lot(entry.gtin, entry.lot) if entry.lot else None
        if lot is not None and not lot.released:
            return Evidence(expected="a released lot", found=f"{what}lot {entry.lot} is not released", detail=(("lot", entry.lot),))
    return None


def not_in_custody(state: State, step: Step) -> Evidence | None:
    """Shipped or packed at a place while its root is at a place of another party."""
    root = custody_of_root(state, step)
    if root is None or root[0] is not Custody.AT or another_party(root[1], step.side, step.reference) is not True:
        return None
    return Evidence(
        expected=f"at {step.side.place}", found=f"at {root[1].place} since {time_text(root[3])}", detail=(("at", root[1].place),)
    )


def unauthorised(state: State, step: Step) -> Evidence | None:
    """Shipped to a party that is not in reference data, or not on that day."""
    context, reference = step.context, step.reference
    party = context.destination_party
    if not party:
        place = reference.location(context.destination_place) if context.destination_place else None
        if place is None:
            return None
        party = place.party or context.destination_place
    known = reference.party(party)
    if known is None:
        return Evidence(expected="a party of the reference data", found=f"party {party}", detail=(("party", party),))
    day = local_date(step.event.time, zone_of(step.side, context.zone_minutes, reference, step.event.time))
    if (known.authorised_from and day < known.authorised_from) or (known.authorised_to and day > known.authorised_to):
        span = f"{known.authorised_from or ''} to {known.authorised_to or ''}"
        return Evidence(expected=f"a ship on {span}", found=f"on {day}, to party {party}", detail=(("party", party),))
    return None


def shipped_twice(state: State, step: Step) -> Evidence | None:
    """Shipped while in transit."""
    if state.parent or state.custody is not Custody.IN_TRANSIT or arrived(state.side, state.to, step):
        return None
    return Evidence(expected="received before", found=f"in transit since {time_text(state.since)}", events=(state.shipped_id,))


def no_data(state: State, step: Step) -> Evidence | None:
    """Received, and nobody said that it was sent."""
    subject = step.subject
    if subject.foreign:
        if state.life is not Life.NONE or state.naming is not None or state.custody is not Custody.UNKNOWN or state.parent:
            return None
        return Evidence(expected="an event before its receipt", found="none")
    if state.parent or not step.side.place or state.custody is Custody.IN_TRANSIT:
        return None
    if state.custody is Custody.AT and another_party(state.side, step.side, step.reference) is False:
        return None
    return Evidence(expected="a ship before its receipt", found=f"at {state.side.place}" if state.side.place else "whereabouts not known")


def wrong_destination(state: State, step: Step) -> Evidence | None:
    """Received from transit at a place that is neither the destination's nor the origin's party's."""
    to = state.to
    if state.parent or state.custody is not Custody.IN_TRANSIT or not step.side.place or not (to.place or to.party):
        return None
    if (
        to.place[:13] == step.side.premises
        or _same(state.side, step)
        or party_of(to, step.reference) in parties_of(step.side, step.reference)
    ):
        return None
    return Evidence(expected=f"at {to.place or to.party}", found=f"at {step.side.place}", events=(state.shipped_id,))


def nothing_to_void(state: State, step: Step) -> Evidence | None:
    """A ship is taken back, and the item is not in transit."""
    if state.parent or state.custody is Custody.IN_TRANSIT:
        return None
    return Evidence(expected="in transit", found=f"at {state.side.place}" if state.side.place else "whereabouts not known")


_SHIP = kinds(Kind.SHIP)
_RECEIVE = kinds(Kind.RECEIVE)
_HANDING_ON = kinds(Kind.SHIP, Kind.PACK)
_NAMED = frozenset({Role.ITEM, Role.CHILD, Role.PARENT})

# fmt: off
SHIPPING: tuple[Rule, ...] = (
    #    code                   kinds                             roles   severity           cause        grace_s  decide             explained by                                       source
    Rule("child-shipped-alone",  kinds(Kind.SHIP, Kind.RECEIVE),  ITEM,   Severity.MEDIUM,   Cause.EVENT, 600,     alone,             "an unpack, or a ship of its container",            "R35"),
    Rule("held-shipped",         _SHIP,                           ITEM,   Severity.CRITICAL, Cause.EVENT, 0,       held_shipped,      "a release before this event",                      "R30"),
    Rule("unreleased-lot",       _SHIP,                           ITEM,   Severity.HIGH,     Cause.EVENT, 600,     unreleased,        "the release of the lot in reference data",         "R31"),
    Rule("not-in-custody",       _HANDING_ON,                     _NAMED, Severity.HIGH,     Cause.EVENT, 600,     not_in_custody,    "a ship to this place, or a receipt there",         "R32"),
    Rule("unauthorised-partner", _SHIP,                           ITEM,   Severity.HIGH,     Cause.EVENT, 600,     unauthorised,      "the party in reference data",                      "R33; DSCSA 582(c)(3)"),
    Rule("shipped-twice",        _SHIP,                           ITEM,   Severity.HIGH,     Cause.EVENT, 600,     shipped_twice,     "a receipt or a voided ship before this event",     "R36"),
    Rule("product-no-data",      _RECEIVE,                        ITEM,   Severity.MEDIUM,   Cause.ITEM,  600,     no_data,           "a ship before this receipt",                       "R37; GS1 US DSCSA exceptions"),
    Rule("data-no-product",      _SHIP,                           ITEM,   Severity.MEDIUM,   Cause.EVENT, 0,       outside,           "a receipt",                                        "R38; GS1 US DSCSA exceptions"),
    Rule("wrong-destination",    _RECEIVE,                        ITEM,   Severity.MEDIUM,   Cause.EVENT, 600,     wrong_destination, "another destination of the ship",                  "R40"),
    Rule("void-unknown",         kinds(Kind.VOID_SHIP),           ITEM,   Severity.MEDIUM,   Cause.EVENT, 600,     nothing_to_void,   "the ship it takes back",                           "R43; CBV 2.0, void_shipping"),
)
# fmt: on

"""One own event of one item and all that judging it asks: the state just before, the root, what is inside (rules.md 3, 5)."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from packtrace.domain.dates import HOUR
from packtrace.domain.identifiers import gtin_of, is_sscc
from packtrace.domain.vocabulary import Custody, Kind, Life, Role
from tests.domain.plain.land import Destination, Land, Side
from tests.domain.plain.repeats import Own
from tests.domain.plain.state import Held, State
from tests.domain.plain.view import Inside, View

RETURNING: Final = {
    "returned", "recalled", "expired", "damaged", "needs_replacement", "non_sellable_other", "disposed", "destroyed",
}  # fmt: skip
RETURN_ROLES: Final = {"returns", "destruction", "quarantine"}


def is_received_unreported(land: Land, custody: Held, side: Side) -> bool:
    """Whether an event there shows that what is in transit has arrived ("Receipts nobody reported")."""
    if not custody.in_transit:
        return False
    return land.is_destination(side, custody.to) if custody.to.known else land.another(side, custody.side)


def there(side: Side, time: int) -> Held:
    """AT a place; a place that nobody stated is UNKNOWN."""
    return Held(Custody.AT, side, since=time) if side.place else Held()


class Scene:
    def __init__(self, own: Own, before: State, view: View, land: Land) -> None:
        self.own, self.view, self.land = own, view, land
        self.item, self.event, self.kind, self.role = own.item, own.event, own.kind, own.role
        self.time, self.side, self.key = own.time, own.side, own.key
        self.gtin = gtin_of(self.item)
        self.is_own = land.own(self.item)
        self.never_named = not before.named
        self.state = state = before.copy()
        self.use_ended = self._use_ended()
        if self.use_ended is not None:
            state.commissioned, state.first_pack, state.first_receive, state.destroyed = False, None, None, None
            if not state.parent:
                state.held = Held()
        if state.life is Life.NONE and not self.is_own and not self._waits_for_commission():
            state.life = Life.ACTIVE
        self.chain = view.chain(self.item, state.parent, self.key)
        self.root = view.before(self.chain[-1], self.key) if self.chain else state
        if self._is_first_received_here():
            received(state, self.side, self.time)
        self.custody = self.root.held
        into = self.event.parent if self.role is Role.CHILD and self.kind is Kind.PACK else ""
        if into and is_sscc(into) and self.chain == [into] and self.root.destroyed is not None:
            self.custody = there(self.side, self.time)  # what it was in when that was destroyed is used anew, here

    def _waits_for_commission(self) -> bool:
        return is_sscc(self.item) and self.own.policy.sscc_commission_required and self.kind is not Kind.COMMISSION

    def _is_first_received_here(self) -> bool:
        return (
            self.kind in (Kind.PACK, Kind.UNPACK, Kind.SHIP)
            and not self.state.parent
            and is_received_unreported(self.land, self.state.held, self.side)
        )

    def _use_ended(self) -> int | None:
        """When the use of an SSCC ended that this event begins anew."""
        state = self.state
        if not is_sscc(self.item) or not (self.kind is Kind.COMMISSION or (self.kind is Kind.PACK and self.role is Role.PARENT)):
            return None
        if state.destroyed is not None:
            return state.destroyed
        if state.first_pack is None or state.first_receive is None:
            return None
        empty = self.view.empty_since(self.item, self.key)
        if empty is None or self.time - max(empty, state.first_receive) <= 24 * HOUR:
            return None
        return max(empty, state.first_receive)

    @cached_property
    def judged_kind(self) -> Kind:
        """A release that lifts nothing is judged as observe."""
        return Kind.OBSERVE if self.kind is Kind.RELEASE and not self.lifted else self.kind

    @cached_property
    def lifted(self) -> frozenset[str]:
        """The own holds a release lifts."""
        if self.kind is not Kind.RELEASE:
            return frozenset()
        return self.state.holds & {self.own.reason} if self.own.reason else self.state.holds - {"RECALLED"}

    @cached_property
    def named(self) -> frozenset[str]:
        event = self.event
        return frozenset((*event.epcs, event.parent, *event.children, *event.inputs, *event.outputs))

    @cached_property
    def ancestor_named(self) -> bool:
        return any(container in self.named for container in self.chain)

    @cached_property
    def moved_while_packed(self) -> bool:
        return self.kind in (Kind.SHIP, Kind.RECEIVE) and self.role is Role.ITEM and bool(self.state.parent)

    @cached_property
    def excepted(self) -> bool:
        """A packed item that moves with its root: its shipping is not judged."""
        if not self.moved_while_packed:
            return False
        land, custody = self.land, self.custody
        if self.ancestor_named or not self.side.place or self.view.is_blind:
            return True  # whose ship or receive it is, nobody can say
        if self.kind is Kind.SHIP:
            return custody.in_transit and land.same(self.side, custody.side)
        if custody.in_transit and land.is_destination(self.side, custody.to):
            return True
        last = self.root.received
        return last is not None and land.same(self.side, last[0])

    @cached_property
    def shipped_alone(self) -> bool:
        return self.moved_while_packed and not self.excepted

    @cached_property
    def carried(self) -> tuple[str, int]:
        """Lot and expiry of the item once this event has been read (rules.md 3.2)."""
        state, own = self.state, self.own
        if not self.gtin:
            return "", 0  # a lot is a lot of a product; an SSCC has none
        if not self.is_own:
            return state.lot or own.lot, state.expiry or own.expiry
        if self.kind is Kind.COMMISSION and not state.commissioned:
            return own.lot, own.expiry
        return state.lot, state.expiry

    @cached_property
    def inside(self) -> list[Inside]:
        return list(self.view.inside(self.item, self.key))

    @cached_property
    def day(self) -> int:
        return self.land.day(self.event, self.side)

    @cached_property
    def is_expired(self) -> bool:
        return self._past(self.land.expiry(self.gtin, *self.carried))

    @cached_property
    def has_expired_content(self) -> bool:
        return any(self._past(self.land.expiry(one.gtin, one.lot, one.expiry)) for one in self.inside)

    def _past(self, expiry: int) -> bool:
        return expiry != 0 and self.day > expiry

    @cached_property
    def is_recalled(self) -> bool:
        return "RECALLED" in self.state.holds or self.land.recalled(self.gtin, self.carried[0], self.time)

    @cached_property
    def has_recalled_content(self) -> bool:
        return any("RECALLED" in one.holds or self.land.recalled(one.gtin, one.lot, self.time) for one in self.inside)

    @cached_property
    def to(self) -> Destination:
        return self.own.destination

    @cached_property
    def is_return(self) -> bool:
        """A ship or receive of returned, quarantined or destroyed goods."""
        land = self.land
        if self.kind not in (Kind.SHIP, Kind.RECEIVE):
            return False
        if self.event.disposition in RETURNING or any(one.type == "rma" for one in self.event.transactions):
            return True
        if self.kind is Kind.RECEIVE:
            if self.custody.in_transit and land.same(self.side, self.custody.side):
                return True
            return any(land.roles(party) & RETURN_ROLES for party in land.parties(self.side))
        if not self.to.known:
            return False
        party = land.destination_party(self.to)
        return (self.side.place != "" and party in land.parties(self.side)) or bool(land.roles(party) & RETURN_ROLES)


def received(state: State, side: Side, time: int) -> None:
    """A root arrives; where, somebody must say."""
    if side.place:
        state.held = there(side, time)
        state.received = side, time
    if state.first_pack is not None and state.first_receive is None:
        state.first_receive = time

"""Where faults are played: fresh goods with a whole life behind them, and a verb per event.

What keeps a story clean: its goods are its own; its steps lie minutes apart; its devices have exact clocks; what it moves
takes as long as the road; whatever goes to a party that reports receipts arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from packtrace.codec.identifiers import lot_link
from packtrace.simulator.chain.goods import CARDIOLAN, Lot, Lots, Medicine
from packtrace.simulator.chain.places import SITES, Place, road
from packtrace.simulator.chain.recipe import DAY, HOUR, MINUTE, Recipe
from packtrace.simulator.chain.scribe import (
    ACCEPT,
    ARRIVE,
    COMMISSION,
    DECOMMISSION,
    DESTROY,
    DISPENSE,
    HOLD,
    OBSERVE,
    ON_ITS_WAY,
    PACK,
    REACTIVATE,
    RECALL,
    RECEIVE,
    RELEASE,
    SENT,
    SHIP,
    UNPACK,
    VERIFY,
    VOID,
    Act,
    May,
    Scribe,
)
from packtrace.simulator.messages import Message

STEP = 2 * MINUTE
SITE = SITES[0]

TURN = 13 * DAY
"""From the start of a world: then the lots of the faults expire and are recalled."""

FUTURE = 15 * HOUR + 15 * MINUTE
"""How far beyond the end of a world an event of the future lies: ahead of every moment at which that world is published, by
less than a day (see ``recipe.last_end``)."""


class FaultLots(NamedTuple):
    """The lots that faults are played with; all of one medicine."""

    good: Lot
    other: Lot
    expiring: Lot
    recalled: Lot
    called_back: Lot
    unreleased: Lot

    @classmethod
    def make(cls, recipe: Recipe, lots: Lots) -> FaultLots:
        turn = recipe.start + TURN
        return cls(
            lots.make(CARDIOLAN), lots.make(CARDIOLAN), lots.make(CARDIOLAN, expires_after=turn - recipe.end),
            lots.make(CARDIOLAN, recalled_from=turn), lots.make(CARDIOLAN), lots.make(CARDIOLAN, released=False),
        )  # fmt: skip


class Offence(NamedTuple):
    """The item whose alert must stand, and the event that offends."""

    rule: str
    epc: str
    message: Message


class Stage:
    """One story: the cursor ``at`` moves on with every verb."""

    medicine = CARDIOLAN

    def __init__(self, recipe: Recipe, scribe: Scribe, lots: FaultLots, unknown_lot: str, at: int) -> None:
        self.at = at
        self.lots = lots
        self.unknown_lot = unknown_lot
        self.turn = recipe.start + TURN
        self.end = recipe.end
        self.offences: list[Offence] = []
        self._scribe = scribe
        self._may = SENT

    def breaks(self, rule: str, epc: str, message: Message) -> None:
        """``message`` breaks ``rule`` on ``epc``, for good."""
        self.offences.append(Offence(rule, epc, message))

    def wait(self, time: int) -> None:
        self.at += time

    def since(self, message: Message, time: int) -> None:
        """Go to the moment ``time`` after an event."""
        self.at = message.at + time

    def until(self, time: int) -> None:
        self.at = max(self.at, time)

    def unit(self, medicine: Medicine = CARDIOLAN) -> str:
        """A serial that nobody has commissioned."""
        return self._scribe.unit(medicine.unit)

    def case_label(self) -> str:
        return self._scribe.unit(self.medicine.case)

    def label(self, gtin: str) -> str:
        return self._scribe.unit(gtin)

    def sscc(self) -> str:
        return self._scribe.sscc()

    def units(self, count: int, lot: Lot | None = None) -> tuple[str, ...]:
        """Good units, commissioned at the site."""
        epcs = tuple(self.unit() for _ in range(count))
        self.commission(*epcs, lot=lot)
        return epcs

    def case(self, count: int = CARDIOLAN.per_case, lot: Lot | None = None) -> tuple[str, tuple[str, ...]]:
        """A case with ``count`` units in it, at the site."""
        inside = self.units(count, lot)
        epc = self.case_label()
        self.commission(epc, lot=lot)
        self.pack(epc, *inside)
        return epc, inside

    def pallet(self, lot: Lot | None = None) -> tuple[str, str, tuple[str, ...]]:
        """A logistic unit with a full case in it, at the site: (pallet, case, units)."""
        case, inside = self.case(lot=lot)
        epc = self.sscc()
        self.pack(epc, case)
        return epc, case, inside

    def move(self, epcs: tuple[str, ...], where: Place, to: Place) -> None:
        """Shipped and received."""
        self.ship(where, to, *epcs)
        self.wait(road(where, to) + HOUR)
        self.receive(to, *epcs)

    def delivered(self, to: Place, lot: Lot | None = None) -> tuple[str, str, tuple[str, ...]]:
        """A pallet that was received at ``to``."""
        made = self.pallet(lot)
        self.move(made[:1], SITE, to)
        return made

    def stock(self, place: Place, count: int = 1, lot: Lot | None = None) -> tuple[str, ...]:
        """Loose units that were received at ``place``."""
        units = self.units(count, lot)
        self.move(units, SITE, place)
        self.wait(HOUR)
        return units

    def commission(self, *epcs: str, lot: Lot | None = None, where: Place = SITE, named: str = "", expiry: str = "") -> Message:
        stated = lot or self.lots.good
        of_lot = named or stated.lot
        if all("/00/" in epc for epc in epcs):
            return self._write(COMMISSION, where, epcs)
        return self._write(COMMISSION, where, epcs, lot=of_lot, expiry=expiry or stated.expiry)

    def pack(self, parent: str, *children: str, where: Place = SITE, partial: bool = False) -> Message:
        return self._write(PACK, where, parent=parent, children=children, partial=partial)

    def unpack(self, parent: str, *children: str, where: Place = SITE) -> Message:
        return self._write(UNPACK, where, parent=parent, children=children)

    def ship(self, where: Place, to: Place, *epcs: str, disposition: str = "", partial: bool = False) -> Message:
        return self._write(SHIP, where, epcs, to=to, disposition=disposition, partial=partial)

    def void(self, where: Place, to: Place, *epcs: str) -> Message:
        return self._write(VOID, where, epcs, to=to)

    def receive(self, where: Place, *epcs: str, lot: str = "", disposition: str = "") -> Message:
        return self._write(RECEIVE, where, epcs, lot=lot, disposition=disposition)

    def arrive(self, where: Place, *epcs: str) -> Message:
        return self._write(ARRIVE, where, epcs)

    def accept(self, where: Place, *epcs: str) -> Message:
        return self._write(ACCEPT, where, epcs)

    def dispense(self, where: Place, *epcs: str) -> Message:
        return self._write(DISPENSE, where, epcs)

    def decommission(self, where: Place, reason: str, *epcs: str) -> Message:
        return self._write(DECOMMISSION, where, epcs, reason=reason)

    def destroy(self, where: Place, *epcs: str) -> Message:
        return self._write(DESTROY, where, epcs)

    def reactivate(self, where: Place, reason: str, *epcs: str) -> Message:
        return self._write(REACTIVATE, where, epcs, reason=reason)

    def verify(self, where: Place, epc: str, *, lot: str = "", expiry: str = "") -> Message:
        return self._write(VERIFY, where, (epc,), lot=lot, expiry=expiry)

    def observe(self, where: Place, *epcs: str) -> Message:
        return self._write(OBSERVE, where, epcs)

    def hold(self, where: Place, *epcs: str, reason: str = "") -> Message:
        return self._write(HOLD, where, epcs, reason=reason)

    def release(self, where: Place, *epcs: str, reason: str = "") -> Message:
        return self._write(RELEASE, where, epcs, reason=reason)

    def recall(self, where: Place, *epcs: str) -> Message:
        return self._write(RECALL, where, epcs)

    def recall_lot(self, lot: Lot) -> Message:
        """The manufacturer calls a whole lot back; the event names no item."""
        medicine = lot.medicine
        lots = tuple(lot_link(gtin, lot.lot) for gtin in (medicine.unit, medicine.bundle, medicine.case) if gtin)
        return self._scribe.write(RECALL, self.at, SITE, lots=lots, device=f"{SITE.code}-office", may=ON_ITS_WAY)

    def correct(self, wrong: Message, reason: str, corrective: str = "") -> None:
        """The error declaration of an event that was written with ``bare``."""
        self._scribe.correct(wrong, self.at, reason, corrective)
        self.at += STEP

    @contextmanager
    def bare(self) -> Iterator[None]:
        """Events written meanwhile are not sent again under another id: a correction would not name that."""
        before, self._may = self._may, ON_ITS_WAY
        yield
        self._may = before

    def verify_in_the_future(self, where: Place, epc: str) -> Message:
        """Uploaded before the end of the world; its time lies beyond."""
        return self._scribe.write(VERIFY, self.end - HOUR, where, (epc,), device=f"{where.code}-office", time=self.end + FUTURE, may=May(0))

    def report_late(self, act: Act, where: Place, epc: str, time: int) -> Message:
        """It happened at ``time`` and is uploaded now."""
        return self._scribe.write(act, self.at, where, (epc,), device=f"{where.code}-office", time=time, may=May(0))

    def _write(
        self, act: Act, where: Place, epcs: tuple[str, ...] = (), *, parent: str = "", children: tuple[str, ...] = (), to: Place | None = None,
        lot: str = "", expiry: str = "", reason: str = "", partial: bool = False, disposition: str = "",
    ) -> Message:  # fmt: skip
        made = self._scribe.write(
            act, self.at, where, epcs, device=f"{where.code}-office", parent=parent, children=children, to=to, lot=lot, expiry=expiry,
            reason=reason, partial=partial, disposition=disposition, may=self._may & (act.may | ON_ITS_WAY),
        )  # fmt: skip
        self.at += STEP
        return made

"""What becomes of a pack at a pharmacy: dispensed, verified, returned, held, dispensed by mistake, scanned with a bad scanner."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from packtrace.simulator.chain.goods import Lot
from packtrace.simulator.chain.places import DISTRIBUTORS, RETURNS, Place, road
from packtrace.simulator.chain.plant import Case
from packtrace.simulator.chain.recipe import DAY, HOUR, MINUTE, Recipe
from packtrace.simulator.chain.scribe import (
    DESTROY,
    DISPENSE,
    HOLD,
    ON_ITS_WAY,
    REACTIVATE,
    RECEIVE,
    RELEASE,
    RETURNED,
    SCANNED,
    SHIP,
    UNPACK,
    VERIFY,
    May,
    Scribe,
)
from packtrace.simulator.messages import SGTIN, Message

# fmt: off
_FATES = (
    # fate          weight  with noise   what
    ("dispense",        46,  40),
    ("verify",          14,  10),      # verified, then dispensed
    ("rest",            20,  16),
    ("undo",             6,   6),      # dispensed, brought back next day, dispensed again
    ("destroy",          5,   5),      # returned and destroyed
    ("resale",           5,   4),      # returned to a distributor, checked, sold to another pharmacy
    ("hold",             4,   4),
    ("mistake",          0,   4),      # the wrong pack was dispensed on paper: did_not_occur
    ("wrong-lot",        0,   4),      # counted with the wrong lot: incorrect_data, and the corrective event
    ("caps-lock",        0,   3),      # a scanner that inverts the case of letters
    ("lost-separator",   0,   3),      # a scanner without the separator after the serial
    ("lot-run-on",       0,   1),      # the same where the lot stands first
)
# fmt: on
WRONG_LOT = "MISREAD"


class Expected(NamedTuple):
    """An alert that must stand although nothing is wrong with the goods."""

    rule: str
    epc: str
    message: Message
    story: str


class Pharmacy:
    """All pharmacies. What a bad scanner sent is in ``expected``: rules.md 5 wants it told, at low severity."""

    def __init__(self, recipe: Recipe, scribe: Scribe) -> None:
        self.expected: list[Expected] = []
        self._scribe = scribe
        self._random = Random(f"chain/pharmacy/{recipe.seed}")
        self._noisy = recipe.noise != "none"
        fates = [(fate, noise if self._noisy else plain) for fate, plain, noise in _FATES]
        self._fates = [fate for fate, weight in fates for _ in range(weight)]

    def take_case(self, case: Case, place: Place, at: int, *, received: bool) -> None:
        """A case arrived: opened, or sold from, or put on the shelf; one nobody said was received is opened, which says it."""
        random, till = self._random, f"{place.code}-till"
        draw = random.random()
        if draw < 0.55 or not received:
            listed = random.random() < 0.6
            self._scribe.write(UNPACK, at, place, device=till, parent=case.epc, children=case.children if listed else ())
            if case.bundles:
                for number, (bundle, _) in enumerate(case.bundles):
                    self._scribe.write(UNPACK, at + (number + 1) * MINUTE, place, device=till, parent=bundle)
            for unit in case.units:
                self.take_unit(unit, case.lot, place, at + 10 * MINUTE)
        elif draw < 0.8:
            for number, unit in enumerate(case.units):
                if random.random() < 0.5:
                    self._dispense(unit, place, at + HOUR + number * 9 * MINUTE + int(random.random() * 3 * DAY))

    def take_unit(self, unit: str, lot: Lot, place: Place, at: int) -> None:
        """A loose unit has been at ``place`` since ``at``."""
        at += int(self._random.random() * 4 * DAY)
        fate = self._random.choice(self._fates)
        if fate == "dispense":
            self._dispense(unit, place, at)
        elif fate == "verify":
            self._verify(unit, lot, place, at)
            self._dispense(unit, place, at + 20 * MINUTE)
        elif fate == "undo":
            self._undo(unit, place, at)
        elif fate == "destroy":
            self._destroy(unit, place, at)
        elif fate == "resale":
            self._resale(unit, place, at)
        elif fate == "hold":
            self._scribe.write(HOLD, at, place, (unit,), device=f"{place.code}-till")
            self._scribe.write(RELEASE, at + 5 * HOUR, place, (unit,), device=f"{place.code}-till")
            self._dispense(unit, place, at + 8 * HOUR)
        elif fate == "mistake":
            self._mistake(unit, place, at)
        elif fate == "wrong-lot":
            self._wrong_lot(unit, lot, place, at)
        elif fate != "rest":
            self._bad_scan(fate, unit, lot, place, at)
            self._dispense(unit, place, at + HOUR)

    def _dispense(self, unit: str, place: Place, at: int, *, last: bool = True) -> Message:
        return self._scribe.write(DISPENSE, at, place, (unit,), device=f"{place.code}-till", twice=20 * HOUR if last else 30 * MINUTE)

    def _verify(self, unit: str, lot: Lot, place: Place, at: int) -> Message:
        """With noise half of the tills send the whole code as it was scanned, with lot and expiry."""
        if self._noisy and self._random.random() < 0.5:
            gtin, _, serial = unit[len(SGTIN) :].partition("/21/")
            unit = f"(01){gtin}(21){serial}(10){lot.lot}(17){lot.expiry.replace('-', '')[2:]}"
        return self._scribe.write(VERIFY, at, place, (unit,), device=f"{place.code}-till", may=SCANNED & ~May.SPELL)

    def _undo(self, unit: str, place: Place, at: int) -> None:
        self._dispense(unit, place, at, last=False)
        undone = at + 2 * HOUR + int(self._random.random() * 3 * DAY)
        self._scribe.write(REACTIVATE, undone, place, (unit,), device=f"{place.code}-till", reason="DISPENSED")
        if self._random.random() < 0.7:
            self._dispense(unit, place, undone + 3 * HOUR)

    def _destroy(self, unit: str, place: Place, at: int) -> None:
        arrived = self._sent_back(unit, place, at, RETURNS)
        self._scribe.write(DESTROY, arrived + DAY, RETURNS, (unit,), device=f"{RETURNS.code}-hand", twice=20 * HOUR)

    def _resale(self, unit: str, place: Place, at: int) -> None:
        """Returned to a distributor that checks it before it is sold again (DSCSA 582(c)(4)(D)); then only counted."""
        distributor = DISTRIBUTORS[0] if self._random.random() < 0.5 else DISTRIBUTORS[2]
        arrived = self._sent_back(unit, place, at, distributor)
        hand = f"{distributor.code}-hand"
        self._scribe.write(HOLD, arrived + 10 * MINUTE, distributor, (unit,), device=hand, reason="RETURN_PENDING_VERIFICATION")
        self._scribe.write(VERIFY, arrived + HOUR, distributor, (unit,), device=hand)
        self._scribe.write(RELEASE, arrived + 2 * HOUR, distributor, (unit,), device=hand)

    def _sent_back(self, unit: str, place: Place, at: int, to: Place) -> int:
        till, gate = f"{place.code}-till", f"{to.code}-gate"
        number = ("rma", f"R-{unit[-6:]}")
        self._scribe.write(SHIP, at, place, (unit,), device=till, to=to, disposition=RETURNED, transaction=number)
        arrived = at + road(place, to) + 4 * HOUR
        self._scribe.write(RECEIVE, arrived, to, (unit,), device=gate, disposition=RETURNED, transaction=number)
        return arrived

    def _mistake(self, unit: str, place: Place, at: int) -> None:
        """Dispensed on paper only; the correction follows, and the pack is dispensed days later elsewhere in the shop."""
        wrong = self._scribe.write(DISPENSE, at, place, (unit,), device=f"{place.code}-till", may=ON_ITS_WAY)
        self._scribe.correct(wrong, at + 30 * MINUTE, "did_not_occur")
        if self._random.random() < 0.6:
            self._dispense(unit, place, at + DAY)

    def _wrong_lot(self, unit: str, lot: Lot, place: Place, at: int) -> None:
        till = f"{place.code}-till"
        wrong = self._scribe.write(VERIFY, at, place, (unit,), device=till, lot=WRONG_LOT, may=ON_ITS_WAY)
        right = self._scribe.write(VERIFY, at + 1, place, (unit,), device=till, lot=lot.lot, may=ON_ITS_WAY)
        self._scribe.correct(wrong, at + 30 * MINUTE, "incorrect_data", right.id)

    def _bad_scan(self, fate: str, unit: str, lot: Lot, place: Place, at: int) -> None:
        """A verification whose text a scanner spoiled: its lot, or its serial and so another item."""
        named, stated = unit, ""
        if fate == "caps-lock":
            gtin, _, serial = unit[len(SGTIN) :].partition("/21/")
            named, stated = f"{SGTIN}{gtin}/21/{serial.swapcase()}", lot.lot.swapcase()
        elif fate == "lost-separator":
            named = f"{unit}10{lot.lot}"
        else:
            stated = f"{lot.lot}21{unit[-6:]}"
        if lot.medicine.own:
            made = self._scribe.write(VERIFY, at, place, (named,), device=f"{place.code}-till", lot=stated, may=May.LATE | May.RESEND)
            self.expected.append(Expected("scanner-fault", named, made, fate))

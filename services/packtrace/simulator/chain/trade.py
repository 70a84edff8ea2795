"""What becomes of a pallet: distributors, a repacker, an exporter and partners, until cases and units are at pharmacies."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from packtrace.simulator.chain.goods import LATE, PARTNER, REPACKED, Lot, Lots
from packtrace.simulator.chain.pharmacy import Pharmacy
from packtrace.simulator.chain.places import (
    BRANCH,
    DISTRIBUTORS,
    EXPORT,
    LATE_PLACE,
    OUTSIDE,
    PARTNER_PLANT,
    PHARMACIES,
    REPACKER,
    Place,
    road,
)
from packtrace.simulator.chain.plant import Case, Pallet
from packtrace.simulator.chain.recipe import DAY, HOUR, MINUTE, SECOND, Recipe
from packtrace.simulator.chain.scribe import (
    COMMISSION,
    DECOMMISSION,
    HOLD,
    PACK,
    RECEIVE,
    RELEASE,
    SHIP,
    TRANSFORM,
    UNPACK,
    VOID,
    Scribe,
)

MIXED_PALLET_CASES = 4

# fmt: off
_PALLET_FATES = (
    # fate       weight
    ("rest",     25),    # stays at the distributor, now and then on hold for a while
    ("open",     50),    # its cases go their ways
    ("onward",   15),    # whole to another distributor, or to a branch
    ("hold",     10),    # on hold, released, then opened
)
_CASE_FATES = (
    ("pharmacy", 45),
    ("units",    15),    # opened at the distributor, units go to pharmacies
    ("mixed",    16),    # onto a pallet with other lots
    ("rework",    6),    # damaged: its units into a tote, a minute later
    ("export",    3),
    ("rest",     15),
)
# fmt: on


class Stock(NamedTuple):
    """A case that stands free at a place."""

    case: Case
    place: Place
    since: int


class Trade:
    """Takes pallets and writes down what becomes of them; ``finish`` clears what was collected."""

    def __init__(self, recipe: Recipe, scribe: Scribe, lots: Lots, pharmacy: Pharmacy) -> None:
        self._scribe = scribe
        self._lots = lots
        self._pharmacy = pharmacy
        self._random = Random(f"chain/trade/{recipe.seed}")
        self._noisy = recipe.noise != "none"
        self._mixed: dict[str, list[Stock]] = {place.code: [] for place in DISTRIBUTORS}
        self._repacking: list[Stock] = []
        self._shipments = 0

    def take(self, pallet: Pallet) -> None:
        """A pallet leaves its site."""
        random = self._random
        place = random.choice(DISTRIBUTORS)
        at = pallet.packed + HOUR + int(random.random() * 14 * HOUR)
        dock = f"{pallet.line}-dock"
        if random.random() < 0.06:
            other = random.choice(DISTRIBUTORS)
            self._ship(at, pallet.site, (pallet.epc,), other, dock)
            self._scribe.write(VOID, at + 25 * MINUTE, pallet.site, (pallet.epc,), device=dock, to=other)
            at += 2 * HOUR + int(random.random() * 6 * HOUR)
        named = (pallet.epc, *(case.epc for case in pallet.cases)) if random.random() < 0.05 else (pallet.epc,)
        self._ship(at, pallet.site, named, place, dock)
        at += road(pallet.site, place) + int(random.random() * 20 * HOUR)
        fate = self._pick(_PALLET_FATES)
        unreported = self._noisy and fate == "open" and random.random() < 0.1
        onward = at + 3 * HOUR + int(random.random() * 10 * HOUR)
        if not unreported:
            self._receive(at, place, named, after=onward if fate == "onward" else 0)
        if fate == "onward":
            return self._onward(pallet, place, onward)
        if fate == "rest" and random.random() < 0.7:
            return
        if fate in ("hold", "rest"):
            at = self._held(pallet.epc, place, at + HOUR)
        if fate in ("open", "hold"):
            self._open(pallet, place, at + 30 * MINUTE + int(random.random() * 5 * HOUR))

    def finish(self) -> None:
        """The last mixed pallets leave, and the repacker takes what is left."""
        for place in DISTRIBUTORS:
            if self._mixed[place.code]:
                self._close_mixed(place)
        if self._repacking:
            self._repack()

    def partners(self, recipe: Recipe) -> None:
        """Partners' products: shipped by their maker, or by a partner nobody registered."""
        scribe, random = self._scribe, self._random
        for number in range(2 + recipe.units // 2_000):
            medicine = LATE if self._noisy and number % 3 == 2 else PARTNER
            lot = Lot(medicine, f"N{number:04d}", "2031-05-31", "2031-05-31")
            maker = OUTSIDE if number % 4 == 3 else PARTNER_PLANT
            gate = "" if maker is OUTSIDE else f"{maker.code}-gate"
            at = recipe.start + int(random.random() * 5 * DAY)
            cases = []
            for _ in range(2):
                units = tuple(scribe.unit(medicine.unit) for _ in range(medicine.per_case))
                epc = scribe.unit(medicine.case)
                scribe.write(PACK, at, maker, device=gate, parent=epc, children=units)
                cases.append(Case(epc, lot, units, (), False))
                at += 5 * MINUTE
            pallet = scribe.sscc()
            scribe.write(PACK, at, maker, device=gate, parent=pallet, children=tuple(case.epc for case in cases))
            place = random.choice(DISTRIBUTORS)
            self._ship(at + HOUR, maker, (pallet,), place, gate)
            arrived = at + HOUR + road(maker, place) + 5 * HOUR
            self._receive(arrived, place, (pallet,))
            self._open(Pallet(pallet, tuple(cases), maker, "", at), place, arrived + 2 * HOUR)

    def _onward(self, pallet: Pallet, place: Place, at: int) -> None:
        """Whole to another distributor, to the same party's branch, or to one whose registration comes late."""
        to = BRANCH if place is DISTRIBUTORS[0] else DISTRIBUTORS[(DISTRIBUTORS.index(place) + 1) % len(DISTRIBUTORS)]
        if self._noisy and self._random.random() < 0.15:
            to = LATE_PLACE
        self._ship(at, place, (pallet.epc,), to, f"{place.code}-gate")
        arrived = at + road(place, to) + int(self._random.random() * 10 * HOUR)
        self._receive(arrived, to, (pallet.epc,))
        if to in DISTRIBUTORS:
            self._open(pallet, to, arrived + 4 * HOUR)

    def _held(self, epc: str, place: Place, at: int) -> int:
        """On hold for some hours; answers when it was released."""
        write, hand = self._scribe.write, f"{place.code}-hand"
        write(HOLD, at, place, (epc,), device=hand)
        released = at + 4 * HOUR + int(self._random.random() * 20 * HOUR)
        write(RELEASE, released, place, (epc,), device=hand)
        return released

    def _open(self, pallet: Pallet, place: Place, at: int) -> None:
        """Its cases are taken out, all in one event or one by one."""
        random, gate = self._random, f"{place.code}-gate"
        fates = [self._pick(_CASE_FATES) for _ in pallet.cases]
        left = [self._leave_at(fate, at, number) for number, fate in enumerate(fates)]
        listed = random.random() < 0.7
        after = min((time for time in left if time), default=0) if listed else 0
        self._scribe.write(UNPACK, at, place, device=gate, parent=pallet.epc,
                           children=tuple(case.epc for case in pallet.cases) if listed else (), after=after)  # fmt: skip
        for case, fate, time in zip(pallet.cases, fates, left, strict=True):
            self._case(Stock(case, place, time), fate)

    def _leave_at(self, fate: str, opened: int, number: int) -> int:
        """When a case is touched again; 0 = not for long."""
        if fate == "rest":
            return 0
        return opened + 20 * MINUTE + number * 7 * MINUTE + int(self._random.random() * 20 * HOUR)

    def _case(self, stock: Stock, fate: str) -> None:
        case, place, at = stock
        if fate == "pharmacy":
            self._to_pharmacy(case, place, at)
        elif fate == "units":
            self._units(case, place, at)
        elif fate == "mixed":
            waiting = self._mixed.setdefault(place.code, [])
            waiting.append(stock)
            if len(waiting) == MIXED_PALLET_CASES:
                self._close_mixed(place)
        elif fate == "rework":
            self._rework(case, place, at)
        elif fate == "export":
            self._export(case, place, at)

    def _to_pharmacy(self, case: Case, place: Place, at: int) -> None:
        to = self._random.choice(PHARMACIES)
        self._ship(at, place, (case.epc,), to, f"{place.code}-gate", partial=case.short)
        arrived = at + road(place, to) + int(self._random.random() * 12 * HOUR)
        unreported = self._noisy and self._random.random() < 0.1
        if not unreported:
            self._receive(arrived, to, (case.epc,), device=f"{to.code}-till")
        self._pharmacy.take_case(case, to, arrived + HOUR, received=not unreported)

    def _units(self, case: Case, place: Place, at: int) -> None:
        """Some units of a case go to a pharmacy each for themselves; what is left stays, or goes on as a short case."""
        scribe, random, gate = self._scribe, self._random, f"{place.code}-hand"
        bundles = case.bundles
        units = bundles[-1][1] if bundles else case.units
        if bundles:
            scribe.write(UNPACK, at, place, device=gate, parent=case.epc, children=(bundles[-1][0],))
            scribe.write(UNPACK, at + 2 * MINUTE, place, device=gate, parent=bundles[-1][0])
            taken = units
        else:
            taken = units[: max(1, len(units) // 2)]
            scribe.write(UNPACK, at + 2 * MINUTE, place, device=gate, parent=case.epc, children=taken)
        to = random.choice(PHARMACIES)
        sent = at + HOUR + int(random.random() * 6 * HOUR)
        self._ship(sent, place, taken, to, gate)
        arrived = sent + road(place, to) + int(random.random() * 8 * HOUR)
        self._receive(arrived, to, taken, device=f"{to.code}-till")
        for unit in taken:
            self._pharmacy.take_unit(unit, case.lot, to, arrived + 30 * MINUTE)
        rest = [epc for epc in case.children if epc not in taken and not (bundles and epc == bundles[-1][0])]
        if rest and random.random() < 0.5:
            to = random.choice(PHARMACIES)
            self._ship(sent + 2 * HOUR, place, (case.epc,), to, gate, partial=True)
            self._receive(sent + 2 * HOUR + road(place, to) + HOUR, to, (case.epc,), device=f"{to.code}-till")

    def _close_mixed(self, place: Place) -> None:
        """Cases of several lots and products on one pallet, which may be mixed, to another distributor."""
        scribe, random = self._scribe, self._random
        waiting, self._mixed[place.code] = self._mixed.get(place.code, []), []
        at = max(stock.since for stock in waiting) + 3 * MINUTE
        pallet, hand = scribe.sscc(), f"{place.code}-hand"
        if random.random() < 0.5:
            scribe.write(COMMISSION, at - 30 * SECOND, place, (pallet,), device=hand)
        scribe.write(PACK, at, place, device=hand, parent=pallet, children=tuple(stock.case.epc for stock in waiting))
        others = [other for other in DISTRIBUTORS if other is not place]
        to = random.choice(others)
        self._ship(at + 2 * HOUR, place, (pallet,), to, f"{place.code}-gate")
        arrived = at + 2 * HOUR + road(place, to) + int(random.random() * 8 * HOUR)
        self._receive(arrived, to, (pallet,))
        if random.random() < 0.6:
            scribe.write(UNPACK, arrived + 2 * HOUR, to, device=f"{to.code}-gate", parent=pallet)
            for number, stock in enumerate(waiting):
                if random.random() < 0.5:
                    self._to_pharmacy(stock.case, to, arrived + 3 * HOUR + number * 11 * MINUTE)
                elif stock.case.lot.medicine.letter == "B" and not stock.case.short:
                    self._to_repacker(Stock(stock.case, to, arrived + 4 * HOUR + number * 11 * MINUTE))

    def _rework(self, case: Case, place: Place, at: int) -> None:
        """A damaged case: its children into a tote a few seconds later, as two people with two scanners do it."""
        scribe, random = self._scribe, self._random
        packed = at + (4 * SECOND if random.random() < 0.5 else 90 * SECOND)
        tote = scribe.sscc()
        scribe.write(UNPACK, at, place, device=f"{place.code}-gate", parent=case.epc, children=case.children, after=packed)
        scribe.write(PACK, packed, place, device=f"{place.code}-hand", parent=tote, children=case.children)

    def _export(self, case: Case, place: Place, at: int) -> None:
        """Decommissioned for export, then shipped, as law wants it."""
        self._scribe.write(DECOMMISSION, at, place, (case.epc,), device=f"{place.code}-hand", reason="EXPORTED")
        sent = at + 3 * HOUR
        self._ship(sent, place, (case.epc,), EXPORT, f"{place.code}-gate", partial=case.short)
        if self._random.random() < 0.5:
            self._receive(sent + road(place, EXPORT) + DAY, EXPORT, (case.epc,))

    def _to_repacker(self, stock: Stock) -> None:
        case, place, at = stock
        self._ship(at, place, (case.epc,), REPACKER, f"{place.code}-gate", partial=case.short)
        arrived = at + road(place, REPACKER) + 3 * HOUR
        self._receive(arrived, REPACKER, (case.epc,))
        self._repacking.append(Stock(case, REPACKER, arrived))
        if len(self._repacking) == 2:
            self._repack()

    def _repack(self) -> None:
        """Units of foreign packs become packs of a lot of the repacker's own: the first are decommissioned, the others made."""
        scribe, random, hand = self._scribe, self._random, f"{REPACKER.code}-hand"
        stocks, self._repacking = self._repacking, []
        lot = self._lots.make(REPACKED)
        at = max(stock.since for stock in stocks) + 5 * HOUR
        for stock in stocks:
            inputs = stock.case.units
            scribe.write(UNPACK, at, REPACKER, device=hand, parent=stock.case.epc, children=inputs)
            outputs = tuple(scribe.unit(REPACKED.unit) for _ in inputs)
            scribe.write(TRANSFORM, at + 20 * MINUTE, REPACKER, device=hand, inputs=inputs, outputs=outputs, lot=lot.lot, expiry=lot.expiry)
            made = scribe.unit(REPACKED.case)
            scribe.write(COMMISSION, at + 30 * MINUTE, REPACKER, (made,), device=hand, lot=lot.lot, expiry=lot.expiry)
            scribe.write(
                PACK, at + 31 * MINUTE, REPACKER, device=hand, parent=made, children=outputs, partial=len(outputs) < REPACKED.per_case
            )
            to = random.choice(PHARMACIES)
            self._ship(at + 2 * HOUR, REPACKER, (made,), to, hand)
            arrived = at + 2 * HOUR + road(REPACKER, to) + HOUR
            self._receive(arrived, to, (made,), device=f"{to.code}-till")
            self._pharmacy.take_case(Case(made, lot, outputs, (), len(outputs) < REPACKED.per_case), to, arrived + HOUR, received=True)
            at += HOUR

    def _ship(self, at: int, where: Place, epcs: tuple[str, ...], to: Place, device: str, *, partial: bool = False) -> None:
        self._shipments += 1
        self._scribe.write(SHIP, at, where, epcs, device=device, to=to, partial=partial)

    def _receive(self, at: int, where: Place, epcs: tuple[str, ...], *, device: str = "", after: int = 0) -> None:
        self._scribe.write(RECEIVE, at, where, epcs, device=device or f"{where.code}-gate", after=after)

    def _pick(self, fates: tuple[tuple[str, int], ...]) -> str:
        """A fate by its weight."""
        number = self._random.randrange(sum(weight for _, weight in fates))
        for fate, weight in fates:
            number -= weight
            if number < 0:
                return fate
        raise AssertionError("the weights add up")

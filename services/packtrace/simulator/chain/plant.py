"""The manufacturing sites: batches on lines become units, bundles, cases and pallets."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from packtrace.simulator.chain.goods import MADE_AT, Lot, Lots, Medicine
from packtrace.simulator.chain.places import SITES, WAREHOUSE, Place
from packtrace.simulator.chain.recipe import DAY, HOUR, MINUTE, SECOND, Recipe
from packtrace.simulator.chain.scribe import COMMISSION, DECOMMISSION, DESTROY, PACK, RECEIVE, SHIP, UNPACK, Scribe

PACKS_PER_MINUTE = 240
PRODUCTION = 8 * DAY
"""The lines make all batches of a world within it."""

CASES_PER_PALLET = 5
CAMERA_REJECTS = 0.006
YEAR_AGO = 400 * DAY

_CASE_LABELLED = 400_000
_CASE_PACKED = 900_000
_PALLET_PACKED = 1_100_000


class Case(NamedTuple):
    """A closed case: its units, and the bundles they are in where there are any."""

    epc: str
    lot: Lot
    units: tuple[str, ...]
    bundles: tuple[tuple[str, tuple[str, ...]], ...]
    short: bool

    @property
    def children(self) -> tuple[str, ...]:
        return tuple(epc for epc, _ in self.bundles) or self.units


class Pallet(NamedTuple):
    epc: str
    cases: tuple[Case, ...]
    site: Place
    line: str
    packed: int


class Batch(NamedTuple):
    """A lot on a line."""

    line: str
    site: Place
    medicine: Medicine
    units: int
    start: int


def line_names(lines: int) -> list[tuple[str, Place]]:
    """The lines of a world and where they stand, turn by turn."""
    return [(f"{SITES[n % 2].code}-{n // 2 + 1}", SITES[n % 2]) for n in range(lines)]


def batches(recipe: Recipe) -> list[Batch]:
    """What the lines make, and when: every line the products of its site in turn."""
    size = max(60, min(5_000, recipe.units // (recipe.lines * 8)))
    count = max(1, round(recipe.units / size))
    random = Random(f"chain/batches/{recipe.seed}")
    rounds = -(-count // recipe.lines)
    left, out = recipe.units, []
    for number in range(count):
        units = left // (count - number)
        left -= units
        line, site = line_names(recipe.lines)[number % recipe.lines]
        medicines = MADE_AT[site.code]
        turn = number // recipe.lines
        medicine = medicines[(turn + number % recipe.lines // 2) % len(medicines)]
        at = recipe.start + int(PRODUCTION * (turn + random.random() * 0.4) / rounds)
        if units:
            out.append(Batch(line, site, medicine, units, at))
    return out


class Plant:
    """Runs batches. Camera and packer of a line have clocks of their own."""

    def __init__(self, recipe: Recipe, scribe: Scribe, lots: Lots) -> None:
        self.units = self.cases = self.pallets = 0
        self._scribe = scribe
        self._lots = lots
        self._random = Random(f"chain/plant/{recipe.seed}")
        self._noisy = recipe.noise != "none"
        self._files = 0
        self._ended: list[str] = []

    def lot_of(self, batch: Batch, number: int) -> Lot:
        """The lot of a batch. Some have day 00 on the pack or in the reference data; with noise some are registered late."""
        day_00 = ("", "", "pack", "", "reference")[number % 5] if self._noisy else ""
        return self._lots.make(batch.medicine, day_00=day_00, late=self._noisy and number % 7 == 3)

    def run(self, batch: Batch, lot: Lot) -> Iterator[Pallet]:
        """Make a batch: its pallets, as they are closed."""
        write, random, medicine = self._scribe.write, self._random, batch.medicine
        camera = f"{batch.line}-cam"
        per_event = 1 if batch.site is SITES[0] else medicine.units_of_case
        self._files += 1
        group: list[str] = []
        good: list[str] = []
        cases: list[Case] = []
        period = 60 * SECOND / PACKS_PER_MINUTE
        at = float(batch.start)
        for made in range(1, batch.units + 1):
            at += period * (0.8 + 0.4 * random.random())
            time = int(at)
            epc = self._scribe.unit(medicine.unit)
            group.append(epc)
            if random.random() < CAMERA_REJECTS:
                self._reject(epc, time, batch, camera)
            else:
                good.append(epc)
            last = made == batch.units
            full = len(good) == medicine.units_of_case
            if len(group) >= per_event or last or full:
                write(COMMISSION, time, batch.site, tuple(group), device=camera, lot=lot.lot, expiry=lot.expiry, line=batch.line,
                      batch=self._files)  # fmt: skip
                group = []
            if full or (last and good):
                cases.append(self._close_case(time, batch, lot, tuple(good)))
                good = []
            if len(cases) == CASES_PER_PALLET or (last and cases):
                yield self._close_pallet(time + _CASE_PACKED, batch, tuple(cases))
                cases = []
        self.units += batch.units

    def _reject(self, epc: str, time: int, batch: Batch, camera: str) -> None:
        """Commissioned, then seen to be bad; some rejects are destroyed next day, which law allows."""
        self._scribe.write(DECOMMISSION, time + 20 * SECOND, batch.site, (epc,), device=camera, line=batch.line, reason="OTHER")
        if self._random.random() < 0.5:
            self._scribe.write(DESTROY, time + DAY, batch.site, (epc,), device=f"{batch.site.code}-hand", twice=20 * HOUR)

    def _close_case(self, time: int, batch: Batch, lot: Lot, units: tuple[str, ...]) -> Case:
        scribe, medicine, packer = self._scribe, batch.medicine, f"{batch.line}-packer"
        self.cases += 1
        bundles: list[tuple[str, tuple[str, ...]]] = []
        if medicine.bundle:
            size = medicine.per_bundle
            for number, first in enumerate(range(0, len(units), size)):
                bundle, inside = scribe.unit(medicine.bundle), units[first : first + size]
                moment = time + _CASE_LABELLED - 300_000 + number * 10_000
                scribe.write(COMMISSION, moment, batch.site, (bundle,), device=packer, lot=lot.lot, expiry=lot.expiry, line=batch.line)
                scribe.write(PACK, moment + 100_000, batch.site, device=packer, parent=bundle, children=inside, line=batch.line,
                             partial=len(inside) < size)  # fmt: skip
                bundles.append((bundle, inside))
        short = len(units) < medicine.units_of_case
        if medicine.case:
            epc = scribe.unit(medicine.case)
            scribe.write(COMMISSION, time + _CASE_LABELLED, batch.site, (epc,), device=packer, lot=lot.lot, expiry=lot.expiry,
                         line=batch.line)  # fmt: skip
        else:
            epc = scribe.sscc()
            scribe.write(COMMISSION, time + _CASE_LABELLED, batch.site, (epc,), device=packer, line=batch.line)
        case = Case(epc, lot, units, tuple(bundles), short)
        scribe.write(
            PACK, time + _CASE_PACKED, batch.site, device=packer, parent=epc, children=case.children, line=batch.line, partial=short
        )
        return case

    def _close_pallet(self, time: int, batch: Batch, cases: tuple[Case, ...]) -> Pallet:
        scribe, device = self._scribe, f"{batch.line}-palletizer"
        self.pallets += 1
        again = batch.site is SITES[0] and self._ended
        epc, packed = self._ended.pop() if again else scribe.sscc(), time + _PALLET_PACKED
        if self._random.random() < 0.8:
            scribe.write(COMMISSION, packed - 600_000, batch.site, (epc,), device=device, line=batch.line)
        scribe.write(PACK, packed, batch.site, device=device, parent=epc, children=tuple(case.epc for case in cases), line=batch.line)
        return Pallet(epc, cases, batch.site, batch.line, packed)

    def last_year(self, recipe: Recipe) -> None:
        """Logistic units that were used and emptied more than a year ago: their numbers come again now.

        They stayed with the manufacturer, from the site to its own warehouse.
        """
        scribe, medicine, site = self._scribe, MADE_AT[SITES[0].code][0], SITES[0]
        for number in range(1 + recipe.units // 5_000):
            at = recipe.start - YEAR_AGO + number * HOUR
            lot = self._lots.make(medicine)
            units = tuple(scribe.unit(medicine.unit) for _ in range(3))
            sscc = scribe.sscc()
            gate = f"{WAREHOUSE.code}-gate"
            office = f"{site.code}-hand"
            scribe.write(COMMISSION, at, site, units, device=office, lot=lot.lot, expiry=lot.expiry)
            scribe.write(COMMISSION, at + MINUTE, site, (sscc,), device=office)
            scribe.write(PACK, at + 2 * MINUTE, site, device=office, parent=sscc, children=units)
            scribe.write(SHIP, at + 20 * MINUTE, site, (sscc,), device=office, to=WAREHOUSE)
            scribe.write(RECEIVE, at + 2 * HOUR, WAREHOUSE, (sscc,), device=gate)
            scribe.write(UNPACK, at + 3 * HOUR, WAREHOUSE, device=gate, parent=sscc, children=units)
            self._ended.append(sscc)

"""One packaging line: serials from its pool, a camera that rejects, cases, pallets, the end of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random

from packtrace.simulator import world
from packtrace.simulator.messages import Message, Source, Template, message, sscc_epc, unit_epc
from packtrace.simulator.partners import Partners, Step
from packtrace.simulator.recipe import SECOND, Recipe
from packtrace.simulator.serials import SerialPool, SsccPool

POOLS_PER_LINE = 2
"""Serial pools a line uses: of its units, of its cases."""

SAMPLES_MAX = 2
"""Pallets whose names a line keeps: the first, which the distributor opens, and one that stays whole."""

_REJECT_AFTER = 800_000
_CASE_COMMISSIONED_AFTER = 400_000
_CASE_PACKED_AFTER = 900_000
_PALLET_COMMISSIONED_AFTER = 500_000
_PALLET_PACKED_AFTER = 1_100_000


class Line:
    """A line with its state. Lines of even number (from 0) label cases with SSCCs, the others with the GTIN of the case.

    Counts what it has made so far: units commissioned, rejects of the printer and of the camera, cases and pallets closed,
    and names its first pallets.
    """

    def __init__(self, number: int, recipe: Recipe, start: int, boot: int, partners: Partners) -> None:
        self.name = world.line_name(number)
        self.units = self.rejects = self.cases = self.pallets = self.batches = 0
        self.sample_pallets: list[str] = []
        self.stopping = False
        self._number = number
        self._recipe = recipe
        self._start = start
        self._partners = partners
        self._source = Source(self.name, boot, counts=True)
        self._random = Random(f"line/{recipe.seed}/{number}")
        self._medicine = world.medicine_of(number)
        self._unit_serials = SerialPool(recipe.seed, POOLS_PER_LINE * number)
        self._case_serials = SerialPool(recipe.seed, POOLS_PER_LINE * number + 1)
        self._ssccs = SsccPool(recipe.seed, number, recipe.lines + 1)
        self._gtin_cases = number % 2 == 1
        self._group: list[str] = []
        self._rejected: set[str] = set()
        self._case: list[str] = []
        self._pallet: list[tuple[str, tuple[str, ...]]] = []
        self._in_batch = 0
        self._later: list[tuple[int, int, Step]] = []
        self._planned = 0
        self._open_batch()

    def messages(self) -> Iterator[Message]:
        """All it publishes, with the way of its pallets through the partners, in the order of time."""
        later = self._later
        at = self._start
        for at in self._cycle():
            while later and later[0][0] <= at:
                yield heappop(later)[2].message()
            made = self._make_unit(at)
            if made is not None:
                yield made
            if self._in_batch >= self._recipe.units_per_batch:
                yield from self._close_batch(at)
                self._open_batch()
        yield from self._close_batch(at)
        while later:
            yield heappop(later)[2].message()

    def _cycle(self) -> Iterator[int]:
        """The moments a serial is printed, until enough units are commissioned or the time is over."""
        recipe = self._recipe
        units = recipe.units_of_line[self._number]
        period = 60 * SECOND / recipe.packs_per_minute
        end = self._start + int(recipe.seconds * SECOND) if recipe.seconds else None
        random = self._random.random
        at = float(self._start)
        while self.units < units and not self.stopping:
            at += period * (0.8 + 0.4 * random())
            if end is not None and at > end:
                return
            yield int(at)

    def _make_unit(self, at: int) -> Message | None:
        recipe = self._recipe
        serial = self._unit_serials.take()
        draw = self._random.random()
        if draw < recipe.print_rejects:
            self.rejects += 1
            return None
        epc = unit_epc(self._medicine.unit, serial)
        if draw < recipe.print_rejects + recipe.camera_rejects:
            self.rejects += 1
            self._rejected.add(epc)
        self._group.append(epc)
        self.units += 1
        self._in_batch += 1
        if len(self._group) < recipe.epcs_per_event:
            return None
        return self._commission(at)

    def _commission(self, at: int) -> Message:
        """Commission what was printed since the last event; its good units go into cases."""
        group, self._group = tuple(self._group), []
        for epc in group:
            if epc in self._rejected:
                self._rejected.discard(epc)
                self._plan(Step(at + _REJECT_AFTER, self._rejecting, (epc,)))
                continue
            self._case.append(epc)
            if len(self._case) == self._recipe.units_per_case:
                self._close_case(at)
        return message(at, self._commissioning, group)

    def _close_case(self, at: int) -> None:
        children, self._case = tuple(self._case), []
        short = len(children) < self._recipe.units_per_case
        self.cases += 1
        if self._gtin_cases:
            epc = unit_epc(self._medicine.case, self._case_serials.take())
            self._plan(Step(at + _CASE_COMMISSIONED_AFTER, self._commissioning, (epc,)))
        else:
            epc = sscc_epc(self._ssccs.take())
            self._plan(Step(at + _CASE_COMMISSIONED_AFTER, self._labelling, (epc,)))
        self._plan(Step(at + _CASE_PACKED_AFTER, self._short_packing if short else self._packing, (), epc, children))
        self._pallet.append((epc, children))
        if len(self._pallet) == self._recipe.cases_per_pallet:
            self._close_pallet(at + _CASE_PACKED_AFTER)

    def _close_pallet(self, at: int) -> None:
        cases, self._pallet = self._pallet, []
        short = len(cases) < self._recipe.cases_per_pallet
        self.pallets += 1
        epc = sscc_epc(self._ssccs.take())
        if len(self.sample_pallets) < SAMPLES_MAX:
            self.sample_pallets.append(epc)
        self._plan(Step(at + _PALLET_COMMISSIONED_AFTER, self._labelling, (epc,)))
        packed = at + _PALLET_PACKED_AFTER
        self._plan(
            Step(packed, self._short_palletizing if short else self._palletizing, (), epc, tuple(case for case, _ in cases)),
        )
        opened = (self.pallets - 1) % self._recipe.opened_every == 0
        ship = self._shipping(f"D-{self._source.boot}-{self._number + 1}-{self.pallets}")
        for step in self._partners.journey(packed, ship, epc, cases, opened=opened):
            self._plan(step)

    def _open_batch(self) -> None:
        lots = self._medicine.lots
        lot, expiry = lots[self.batches % len(lots)]
        self.batches += 1
        self._in_batch = 0
        n = self._number + 1
        # fmt: off
        self._commissioning     = self._template("object", "ADD", "commissioning", "active", device=f"cam-{n}", lot=lot, expiry=expiry)
        self._labelling         = self._template("object", "ADD", "commissioning", "active", device=f"packer-{n}")
        self._rejecting         = self._template("object", "DELETE", "decommissioning", "inactive", device=f"cam-{n}", reason="OTHER")
        self._packing           = self._template("aggregation", "ADD", "packing", "in_progress", device=f"packer-{n}")
        self._short_packing     = self._template("aggregation", "ADD", "packing", "in_progress", device=f"packer-{n}", partial=True)
        self._palletizing       = self._template("aggregation", "ADD", "packing", "in_progress", device=f"palletizer-{n}")
        self._short_palletizing = self._template("aggregation", "ADD", "packing", "in_progress", device=f"palletizer-{n}", partial=True)
        # fmt: on

    def _close_batch(self, at: int) -> Iterator[Message]:
        """The rest of the lot goes into a short case, the rest of the cases onto a short pallet."""
        if self._group:
            yield self._commission(at)
        if self._case:
            self._close_case(at)
        if self._pallet:
            self._close_pallet(at + _CASE_PACKED_AFTER)

    def _shipping(self, despatch: str) -> Template:
        return self._template(
            "object", "OBSERVE", "shipping", "in_transit", device=f"dock-{self._number + 1}",
            source_party=world.SITE.party, source_place=world.SITE.gln,
            destination_party=world.DISTRIBUTOR.party, destination_place=world.DISTRIBUTOR.gln,
            transactions=(("desadv", despatch),),
        )  # fmt: skip

    def _template(self, type_: str, action: str, biz_step: str, disposition: str, *, device: str, lot: str = "", expiry: str = "",
                  reason: str = "", partial: bool = False, source_party: str = "", source_place: str = "", destination_party: str = "",
                  destination_place: str = "", transactions: tuple[tuple[str, str], ...] = ()) -> Template:  # fmt: skip
        return Template(
            source=self._source, type=type_, action=action, biz_step=biz_step, disposition=disposition,
            time_zone=world.SITE.zone, place=world.SITE.gln, party=world.SITE.party, line=self.name,
            operator=world.operator_name(self._number), device=device, lot=lot, expiry=expiry, reason=reason, partial=partial,
            source_party=source_party, source_place=source_place, destination_party=destination_party,
            destination_place=destination_place, transactions=transactions,
        )  # fmt: skip

    def _plan(self, step: Step) -> None:
        self._planned += 1
        heappush(self._later, (step.at, self._planned, step))

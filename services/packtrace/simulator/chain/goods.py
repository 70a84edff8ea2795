"""What is made and sold: own products of a unit, a bundle and a case, partners' products, and their lots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from packtrace.errors import RefusedError
from packtrace.simulator.chain.recipe import DAY, END_STEP, SECOND
from packtrace.simulator.serials import gtin

_LETTERS = "BCDFGHJKLMNPQRSTVWX3456789E"
"""Of lots. No 0, 1, 2, Y or Z: no lot can be what a scanner makes of another (rules.md 5, scanner-fault)."""

LOTS_MAX = 4_096
"""Of one product in one world."""

_WORLDS = len(_LETTERS) ** 5 // LOTS_MAX
_SEEDS = 101


class Medicine(msgspec.Struct, frozen=True):
    """A product with its levels. ``bundle`` or ``case`` empty: there is no such level; without a case GTIN cases bear an SSCC.

    Args:
        letter: of its lots.
        site: code of the place that makes it.
        per_bundle: units in a bundle.
        per_case: children in a case: bundles where there are any, else units.
    """

    name: str
    letter: str
    site: str
    unit: str
    bundle: str = ""
    case: str = ""
    per_bundle: int = 0
    per_case: int = 10
    own: bool = True

    @property
    def units_of_case(self) -> int:
        return self.per_case * (self.per_bundle or 1)


# fmt: off
CARDIOLAN = Medicine("Cardiolan 5 mg, 30 tablets",   "B", "pratteln",  gtin(0, 20100), case=gtin(5, 20100), per_case=10)
PULMORIN  = Medicine("Pulmorin 100 ug, 1 inhaler",   "C", "pratteln",  gtin(0, 20200), gtin(1, 20200), gtin(5, 20200), 5, 4)
NEUROVEX  = Medicine("Neurovex 75 mg, 56 capsules",  "D", "cork",      gtin(0, 20300), per_case=12)
GLUCAREST = Medicine("Glucarest 850 mg, 60 tablets", "F", "cork",      gtin(0, 20400), case=gtin(5, 20400), per_case=8)
REPACKED  = Medicine("Cardiolan 5 mg, Dutch pack",   "G", "rotterdam", gtin(0, 20500), case=gtin(5, 20500), per_case=10)
PARTNER   = Medicine("Nordol 20 mg, 28 tablets",     "H", "goteborg",  gtin(0, 20600), case=gtin(5, 20600), per_case=10, own=False)
LATE      = Medicine("Nordol 40 mg, 28 tablets",     "J", "goteborg",  gtin(0, 20700), case=gtin(5, 20700), per_case=10, own=False)
# fmt: on

MEDICINES = (CARDIOLAN, PULMORIN, NEUROVEX, GLUCAREST, REPACKED, PARTNER, LATE)
MADE_AT = {"pratteln": (CARDIOLAN, PULMORIN), "cork": (NEUROVEX, GLUCAREST)}
UNKNOWN_GTIN = gtin(0, 20999)


class Lot(msgspec.Struct, frozen=True):
    """A lot of a medicine. ``expiry`` is what packs say, ``registered`` what the reference data says: one may have day 00."""

    medicine: Medicine
    lot: str
    expiry: str
    registered: str
    released: bool = True
    recalled_from: int = 0
    late: bool = False


class Lots:
    """Makes lots whose names no other world has: a hundred seeds of one end, the ends of a month.

    They have 6 characters, so that serial, 10 and lot are 20 when a scanner loses the separator: as long as a serial may be.
    """

    def __init__(self, seed: int, end: int) -> None:
        self._first = (seed + end // END_STEP * _SEEDS) % _WORLDS * LOTS_MAX
        self._end = end
        self._made: dict[str, int] = {}
        self.made: list[Lot] = []

    def make(self, medicine: Medicine, *, expires_after: int = 0, day_00: str = "", released: bool = True, recalled_from: int = 0,
             late: bool = False) -> Lot:  # fmt: skip
        """A new lot.

        Args:
            expires_after: microseconds from the end of the world to its last day; 0 = one to two years.
            day_00: "pack" or "reference": there the day is 00, and the expiry the last of its month.
        """
        number = self._made.get(medicine.letter, 0)
        self._made[medicine.letter] = number + 1
        last = datetime.fromtimestamp(self._end // SECOND, UTC) + timedelta(microseconds=expires_after or (400 + number % 300) * DAY)
        if day_00:
            following = (last.replace(day=1) + timedelta(days=32)).replace(day=1)
            last = following - timedelta(days=1)
        whole = last.strftime("%Y-%m-%d")
        month = last.strftime("%Y-%m-00")
        lot = Lot(
            medicine, self._name(medicine.letter, number), month if day_00 == "pack" else whole,
            month if day_00 == "reference" else whole, released, recalled_from, late,
        )  # fmt: skip
        self.made.append(lot)
        return lot

    def unknown(self) -> str:
        """A lot no product has."""
        number = self._made.get("", 0)
        self._made[""] = number + 1
        return self._name("W", number)

    def _name(self, letter: str, number: int) -> str:
        if number >= LOTS_MAX:
            raise RefusedError(f"expected at most {LOTS_MAX} lots of a product in one world; make it smaller")
        return letter + _letters(self._first + number, 5)


def _letters(number: int, count: int) -> str:
    text = ""
    for _ in range(count):
        number, rest = divmod(number, len(_LETTERS))
        text = _LETTERS[rest] + text
    return text

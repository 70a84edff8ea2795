"""The demo site: the reference data of everything the simulator names, in the format of the reference file.

It is the same for every seed, so that runs on one system share it. All places lie within 100 km of one another: what
moves between them within minutes breaks no rule of travel.
"""

from __future__ import annotations

from datetime import date

import msgspec

from packtrace.simulator.serials import gln, gtin

UNITS_PER_CASE = 10
CASES_PER_PALLET = 5
LINES_MAX = 64
LOTS_PER_PRODUCT = 12
EXPIRY_YEAR = 2031
"""Far enough that no demo pack expires while this code is used."""

_LOT_LETTERS = "ABCDEFGHJK"
"""Of one product each. No Y or Z, and no lot holds 21 or 10: none can be mistaken for a scanner's mangling of another."""


class Contents(msgspec.Struct, frozen=True):
    """What a full container of a product holds."""

    gtin: str
    count: int


class Product(msgspec.Struct, frozen=True, omit_defaults=True):
    gtin: str
    name: str
    level: str
    origin: str
    contains: Contents | None = None


class Lot(msgspec.Struct, frozen=True):
    gtin: str
    lot: str
    expiry: str
    released: bool = True


class Location(msgspec.Struct, frozen=True):
    gln: str
    name: str
    party: str
    latitude: float
    longitude: float
    time_zone: str = "Europe/Zurich"


class Party(msgspec.Struct, frozen=True):
    gln: str
    name: str
    roles: tuple[str, ...]


class LineOfSite(msgspec.Struct, frozen=True):
    id: str
    location: str


class Device(msgspec.Struct, frozen=True):
    id: str
    location: str
    clock: str


class Operator(msgspec.Struct, frozen=True):
    id: str
    qualified_until: str


class World(msgspec.Struct, frozen=True):
    """Reference data, with the names of the reference file (design.md 9)."""

    products: tuple[Product, ...]
    lots: tuple[Lot, ...]
    locations: tuple[Location, ...]
    parties: tuple[Party, ...]
    lines: tuple[LineOfSite, ...]
    devices: tuple[Device, ...]
    operators: tuple[Operator, ...]


class Place(msgspec.Struct, frozen=True):
    """A place of the world with its party; here every party has one place."""

    gln: str
    party: str
    zone: str = "+01:00"


SITE = Place(gln(100), gln(10))
DISTRIBUTOR = Place(gln(200), gln(20))
PHARMACIES = (Place(gln(301), gln(31)), Place(gln(302), gln(32)))
REWORK_DEVICE = "handheld-1"

# fmt: off
_MEDICINES = (
    #  item    name
    (10100, "Cardiolan 5 mg, 30 tablets"),
    (10200, "Pulmorin 100 ug, 1 inhaler"),
    (10300, "Neurovex 75 mg, 56 capsules"),
    (10400, "Glucarest 850 mg, 60 tablets"),
)
# fmt: on


class Medicine(msgspec.Struct, frozen=True):
    """What a line makes: the unit's and the case's GTIN and the lots in the order they are made, with their expiry."""

    unit: str
    case: str
    lots: tuple[tuple[str, str], ...]


def medicine_of(line: int) -> Medicine:
    """What line ``line`` (from 0) makes."""
    number = line % len(_MEDICINES)
    item = _MEDICINES[number][0]
    lots = tuple((lot, expiry) for lot, expiry, _ in _lots(number))
    return Medicine(gtin(0, item), gtin(5, item), lots)


def unknown_gtin() -> str:
    """A GTIN that the reference data does not have."""
    return gtin(0, 99900)


def unknown_lot() -> str:
    """A lot that no product has, and that no scanner makes of one that is known."""
    return "QX77"


def demo_site(lines: int = 2, units_per_case: int = UNITS_PER_CASE) -> World:
    """The world of ``lines`` lines whose full cases hold ``units_per_case``."""
    if not 1 <= lines <= LINES_MAX:
        raise ValueError(f"expected 1 to {LINES_MAX} lines, found {lines}")
    products: list[Product] = []
    lots: list[Lot] = []
    for number, (item, name) in enumerate(_MEDICINES):
        unit, case = gtin(0, item), gtin(5, item)
        products.append(Product(unit, name, "unit", "own"))
        products.append(Product(case, f"{name}, case", "case", "own", Contents(unit, units_per_case)))
        lots.extend(Lot(code, lot, reference) for lot, _, reference in _lots(number) for code in (unit, case))
    return World(
        products=tuple(products),
        lots=tuple(lots),
        locations=(
            Location(SITE.gln, "Packaging site, Pratteln", SITE.party, 47.520, 7.695),
            Location(DISTRIBUTOR.gln, "Distribution centre, Olten", DISTRIBUTOR.party, 47.352, 7.908),
            Location(PHARMACIES[0].gln, "Pharmacy at the bridge, Basel", PHARMACIES[0].party, 47.560, 7.590),
            Location(PHARMACIES[1].gln, "Pharmacy at the station, Aarau", PHARMACIES[1].party, 47.391, 8.051),
        ),
        parties=(
            Party(SITE.party, "Demo Contract Packaging", ("manufacturer",)),
            Party(DISTRIBUTOR.party, "Demo Distribution", ("distributor", "reports_receipts")),
            Party(PHARMACIES[0].party, "Pharmacy at the bridge", ("dispenser",)),
            Party(PHARMACIES[1].party, "Pharmacy at the station", ("dispenser",)),
        ),
        lines=tuple(LineOfSite(line_name(n), SITE.gln) for n in range(lines)),
        devices=(
            *(Device(f"{kind}-{n + 1}", SITE.gln, "synced") for n in range(lines) for kind in ("cam", "packer", "palletizer", "dock")),
            Device(REWORK_DEVICE, SITE.gln, "handheld"),
            Device("gate-1", DISTRIBUTOR.gln, "synced"),
        ),
        operators=tuple(Operator(operator_name(n), "2031-12-31") for n in range(lines)),
    )


def line_name(line: int) -> str:
    """The identifier of line ``line`` (from 0)."""
    return f"line-{line + 1}"


def operator_name(line: int) -> str:
    """Who works at line ``line`` (from 0)."""
    return f"op-{line + 11}"


def reference_file(world: World) -> bytes:
    """The world as a reference file: what ``packtrace reference load`` takes."""
    return msgspec.json.format(msgspec.json.encode(world), indent=1) + b"\n"


def _lots(medicine: int) -> list[tuple[str, str, str]]:
    """(lot, expiry on the pack, expiry in the reference data). Every sixth lot is registered by month only, with day 00."""
    letter = _LOT_LETTERS[medicine]
    lots = []
    for n in range(LOTS_PER_PRODUCT):
        month = n % 12 + 1
        last = (date(EXPIRY_YEAR + month // 12, month % 12 + 1, 1) - date(EXPIRY_YEAR, month, 1)).days
        by_month = n % 6 == 5
        lots.append(
            (
                f"P{letter}{n + 31}",
                f"{EXPIRY_YEAR}-{month:02d}-{last:02d}",
                f"{EXPIRY_YEAR}-{month:02d}-{'00' if by_month else f'{last:02d}'}",
            )
        )
    return lots

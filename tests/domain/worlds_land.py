"""Where small worlds happen: products, lots, places, parties and devices chosen so that every rule has something to break."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from packtrace.domain.dates import HOUR, read_time, time_text
from packtrace.domain.identifiers import check_digit, sgtin_key, sscc_key
from packtrace.domain.reference import Reference, ReferenceChange
from packtrace.domain.vocabulary import EventType
from tests.domain.story import gln, gtin

if TYPE_CHECKING:
    from tests.domain.worlds import Chance

OBJECT: Final = EventType.OBJECT
START: Final = read_time("2026-11-22T21:58:00Z")
"""Two hours before midnight in the plant (UTC), later in the east: days of the calendar differ."""

UNIT, OTHER_UNIT, BUNDLE, CASE, PARTNER_UNIT, PARTNER_CASE, STRANGER = (gtin(n) for n in range(11, 18))
# fmt: off
PLANT, PLANT_2, DISTRIBUTOR, DEPOT, PHARMACY, PHARMACY_2, RETURNS, OVERSEAS = (gln(n) for n in range(101, 109))
UNLISTED = gln(199)
STATION = f"{PLANT}/ST1"
PLANT_PARTY, DISTRIBUTOR_PARTY, PHARMACY_PARTY, PHARMACY_2_PARTY, RETURNS_PARTY, OVERSEAS_PARTY = (gln(n) for n in range(801, 807))
UNKNOWN_PARTY = gln(899)
PLACES: Final = {
    "plant": PLANT, "plant-2": PLANT_2, "station": STATION, "distributor": DISTRIBUTOR, "depot": DEPOT, "pharmacy": PHARMACY,
    "pharmacy-2": PHARMACY_2, "returns": RETURNS, "overseas": OVERSEAS, "unlisted": UNLISTED,
    "PLANT": PLANT_PARTY, "DISTRIBUTOR": DISTRIBUTOR_PARTY, "PHARMACY": PHARMACY_PARTY, "PHARMACY-2": PHARMACY_2_PARTY,
    "RETURNS": RETURNS_PARTY, "OVERSEAS": OVERSEAS_PARTY, "NOBODY": UNKNOWN_PARTY,
}
LOTS: Final = {
    # lot    expiry        released  recalled_from
    "L7":   ("2028-05-31", True,     None),
    "M0":   ("2028-06-00", True,     None),
    "Lz8":  ("2028-05-31", True,     None),
    "E1":   ("2026-11-22", True,     None),
    "E0":   ("2026-11-00", True,     None),
    "N1":   ("2028-05-31", False,    None),
    "R1":   ("2028-05-31", True,     START + HOUR),
}
# fmt: on
CALLED: Final = {gln: name for name, gln in PLACES.items()}
LETTERS: Final = {"U": UNIT, "V": OTHER_UNIT, "B": BUNDLE, "C": CASE, "F": PARTNER_UNIT, "G": PARTNER_CASE, "X": STRANGER}


def key(short: str) -> str:
    """``U1``, ``U=A10L7`` (the serial) or ``P1``, an SSCC."""
    letter, rest = short[0], short[1:]
    if letter == "P":
        body = f"0950600020{int(rest):07d}"
        return sscc_key(body + check_digit(body))
    return sgtin_key(LETTERS[letter], rest[1:] if rest[:1] == "=" else rest)


def name(key: str) -> str:
    """The inverse of ``key``."""
    if key[:2] == "00":
        return f"P{int(key[12:19])}"
    serial = key[18:]
    letter = next(letter for letter, gtin in LETTERS.items() if gtin == key[2:16])
    return f"{letter}{serial}" if serial.isdigit() else f"{letter}={serial}"


def spoken(value: object) -> str:
    return CALLED.get(str(value), str(value))


def entity(kind: str, key: str, **value: object) -> ReferenceChange:
    return ReferenceChange(kind, key, json.dumps({name: one for name, one in value.items() if one is not None}))


def product(code: str, level: str, origin: str = "own", contains: int = 0) -> ReferenceChange:
    inside = {"gtin": UNIT, "count": contains} if contains else None
    return entity("product", code, gtin=code, name=level, level=level, origin=origin, contains=inside)


def lot(code: str, name: str, expiry: str = "2028-05-31", released: bool = True, recalled: int | None = None) -> ReferenceChange:
    recalled_from = None if recalled is None else time_text(recalled)
    return entity("lot", f"{code}/{name}", gtin=code, lot=name, expiry=expiry, released=released, recalled_from=recalled_from)


def location(code: str, party: str, where: tuple[float, float] | None = None, zone: str | None = None) -> ReferenceChange:
    latitude, longitude = where or (None, None)
    return entity("location", code, gln=code, name=CALLED[code], party=party, latitude=latitude, longitude=longitude, time_zone=zone)


def party(code: str, roles: list[str], since: str | None = None, until: str | None = None) -> ReferenceChange:
    return entity("party", code, gln=code, name=CALLED[code], roles=roles, authorised_from=since, authorised_to=until)


BEFORE: Final = [
    product(UNIT, "unit"),
    product(OTHER_UNIT, "unit"),
    product(BUNDLE, "bundle", contains=2),
    product(CASE, "case", contains=2),
    product(PARTNER_UNIT, "unit", "partner"),
    product(PARTNER_CASE, "case", "partner", contains=1),
    *(lot(code, name, *stated) for code in (UNIT, OTHER_UNIT, CASE, BUNDLE, PARTNER_UNIT) for name, stated in LOTS.items()),
    location(PLANT, PLANT_PARTY, (47.0, 8.0)),
    location(PLANT_2, PLANT_PARTY, (47.1, 8.1), "+01:00"),
    location(DISTRIBUTOR, DISTRIBUTOR_PARTY, (48.0, 9.0), "+13:00"),
    location(DEPOT, DISTRIBUTOR_PARTY),
    location(PHARMACY, PHARMACY_PARTY, (46.0, 7.0)),
    location(PHARMACY_2, PHARMACY_2_PARTY),
    location(RETURNS, RETURNS_PARTY),
    location(OVERSEAS, OVERSEAS_PARTY, (-33.0, 151.0), "+11:00"),
    party(PLANT_PARTY, ["manufacturer"]),
    party(DISTRIBUTOR_PARTY, ["reports_receipts"]),
    party(PHARMACY_PARTY, [], until="2026-11-23"),
    party(PHARMACY_2_PARTY, ["reports_receipts"], since="2026-11-23"),
    party(RETURNS_PARTY, ["returns"]),
    entity("line", "line-1", id="line-1", location=PLANT),
    entity("line", "line-2", id="line-2", location=PLANT),
    entity("device", "d-1", id="d-1", location=PLANT, clock="synced"),
    entity("device", "d-2", id="d-2", location=DISTRIBUTOR, clock="synced"),
    entity("device", "d-3", id="d-3", location=PHARMACY, clock="handheld"),
]
REFERENCE: Final = Reference.empty().changed(BEFORE)

SWITCHABLE: Final = (
    "unknown-serial", "scanner-fault", "terminal-item", "two-parents", "level-inversion", "recalled-item", "child-shipped-alone",
    "undo-elsewhere", "impossible-travel", "data-no-product", "duplicate-commissioning", "hierarchy-loop", "inactive-again",
)  # fmt: skip


def policy(**value: object) -> list[ReferenceChange]:
    return [entity("policy", "policy", **value)]


def policy_before(chance: Chance) -> list[ReferenceChange]:
    """What a site has decided before it begins."""
    if chance.happens(40):
        return []
    value: dict[str, Any] = {"rules": {"data-no-product": {"days": 1}}}
    if chance.happens(15):
        value["sscc_commission_required"] = True
    if chance.happens(15):
        value["order_tolerance_seconds"] = chance.pick([0, 3, 30])
    return policy(**value)


def change(chance: Chance) -> list[ReferenceChange]:
    """What may become known, or be decided, in mid-stream."""
    switched = chance.pick(SWITCHABLE)
    return chance.pick(
        [
            [lot(UNIT, "L9")],
            [lot(UNIT, "L7", recalled=START + HOUR)],
            [lot(UNIT, "N1")],
            [product(STRANGER, "unit", "partner")],
            [product(STRANGER, "unit")],
            [location(UNLISTED, PLANT_PARTY)],
            [party(OVERSEAS_PARTY, [])],
            [ReferenceChange("party", PHARMACY_PARTY, None)],
            [ReferenceChange("lot", f"{UNIT}/L7", None)],
            policy(rules={switched: {"enabled": False}, "data-no-product": {"days": 1}}),
            policy(rules={switched: {"severity": "low"}, "data-no-product": {"days": 1}}),
        ]
    )

"""The reference data of a world, in the format of the reference file: what is known from the start, and what is loaded late."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from packtrace.domain.rules.codes import CODES
from packtrace.simulator.chain.goods import LATE, MEDICINES, Lot, Medicine
from packtrace.simulator.chain.places import LAPSED, LATE_PARTY, PARTIES, PHARMACIES, PLACES
from packtrace.simulator.chain.plant import line_names
from packtrace.simulator.chain.recipe import DAY, SECOND, Recipe
from packtrace.simulator.truth import iso

Row = dict[str, Any]
OPERATOR_UNTIL = "2035-12-31"


def reference(recipe: Recipe, lots: Iterable[Lot], grace_seconds: int | None = None) -> tuple[Row, Row]:
    """(loaded before the events, loaded among them), each an object of the reference file.

    Args:
        grace_seconds: of every rule, by policy; None leaves the policy alone.
    """
    noisy = recipe.noise != "none"
    late_products = [LATE] if noisy else []
    first: Row = {
        "products": [row for medicine in MEDICINES if medicine not in late_products for row in _products(medicine)],
        "lots": [row for lot in lots if not lot.late for row in _lots(lot)],
        "parties": [_party(number, recipe) for number in PARTIES if not (noisy and number == LATE_PARTY)],
        "locations": [_location(code) for code in PLACES],
        "lines": [{"id": line, "location": site.gln} for line, site in line_names(recipe.lines)],
        "devices": list(_devices(recipe)),
        "operators": [],
    }
    if grace_seconds is not None:
        first["policy"] = {"rules": {code: {"grace_seconds": grace_seconds} for code in CODES}}
    late: Row = {
        "products": [row for medicine in late_products for row in _products(medicine)],
        "lots": [row for lot in lots if lot.late for row in _lots(lot)],
        "parties": [_party(LATE_PARTY, recipe)] if noisy else [],
    }
    return first, late


def as_file(rows: Row) -> bytes:
    """As ``packtrace reference load`` takes it."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n"


def merged(first: bytes, late: bytes) -> bytes:
    """Both as one file."""
    rows: Row = msgspec.json.decode(first)
    for name, values in msgspec.json.decode(late).items():
        rows[name] += values
    return as_file(rows)


def _products(medicine: Medicine) -> list[Row]:
    origin = "own" if medicine.own else "partner"
    rows: list[Row] = [{"gtin": medicine.unit, "name": medicine.name, "level": "unit", "origin": origin}]
    inside = medicine.unit
    if medicine.bundle:
        rows.append({"gtin": medicine.bundle, "name": f"{medicine.name}, bundle", "level": "bundle", "origin": origin,
                     "contains": {"gtin": inside, "count": medicine.per_bundle}})  # fmt: skip
        inside = medicine.bundle
    if medicine.case:
        rows.append({"gtin": medicine.case, "name": f"{medicine.name}, case", "level": "case", "origin": origin,
                     "contains": {"gtin": inside, "count": medicine.per_case}})  # fmt: skip
    return rows


def _lots(lot: Lot) -> list[Row]:
    medicine = lot.medicine
    row: Row = {"lot": lot.lot, "expiry": lot.registered, "released": lot.released}
    if lot.recalled_from:
        row["recalled_from"] = iso(lot.recalled_from)
    return [{"gtin": gtin} | row for gtin in (medicine.unit, medicine.bundle, medicine.case) if gtin]


def _party(number: int, recipe: Recipe) -> Row:
    row: Row = msgspec.to_builtins(PARTIES[number])
    if number == LAPSED:
        row["authorised_from"] = "2015-01-01"
        row["authorised_to"] = datetime.fromtimestamp((recipe.start - 30 * DAY) // SECOND, UTC).strftime("%Y-%m-%d")
    return row


def _location(code: str) -> Row:
    place = PLACES[code]
    row: Row = {"gln": place.gln, "name": place.name, "party": place.party}
    if place.latitude is not None:
        row |= {"latitude": place.latitude, "longitude": place.longitude}
    return row | ({"time_zone": place.zone} if place.zone else {})


def _devices(recipe: Recipe) -> Iterable[Row]:
    for line, site in line_names(recipe.lines):
        for kind in ("cam", "packer", "palletizer", "dock"):
            yield {"id": f"{line}-{kind}", "location": site.gln, "clock": "synced"}
    for code, place in PLACES.items():
        kinds = (("till", "synced"), ("phone", "manual")) if place in PHARMACIES else (("gate", "synced"), ("hand", "handheld"))
        for kind, clock in (*kinds, ("office", "synced")):
            yield {"id": f"{code}-{kind}", "location": place.gln, "clock": clock}

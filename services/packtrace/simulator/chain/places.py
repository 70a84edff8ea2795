"""Who there is and where: manufacturers, distributors, pharmacies, a repacker, the processor of returns, partners."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

import msgspec

from packtrace.simulator.chain.recipe import HOUR
from packtrace.simulator.serials import gln

EARTH_KM = 6371.0


class Place(msgspec.Struct, frozen=True):
    """One premises. ``offset`` is what its events state; the reference data has the zone."""

    code: str
    gln: str
    party: str
    name: str
    zone: str
    offset: str
    latitude: float | None = None
    longitude: float | None = None


class Party(msgspec.Struct, frozen=True, omit_defaults=True):
    gln: str
    name: str
    roles: tuple[str, ...]
    authorised_from: str = ""
    authorised_to: str = ""


# fmt: off
_PARTIES = (
    # number  name                              roles
    (1001, "Helvetia Pharma AG",               ("manufacturer",)),
    (1002, "Leeside Contract Packaging Ltd",   ("manufacturer",)),
    (1011, "Rhein-Main Pharmahandel GmbH",     ("distributor", "reports_receipts")),
    (1012, "Distribuidora do Tejo Lda",        ("distributor", "reports_receipts")),
    (1013, "Hurtownia Mazowsze sp. z o.o.",    ("distributor",)),
    (1021, "Maas Parallel Import B.V.",        ("repackager",)),
    (1031, "Harz Retouren GmbH",               ("returns", "destruction")),
    (1041, "Nordic Originals AB",              ("manufacturer",)),
    (1042, "Straits Medical Pte Ltd",          ("distributor",)),
    (1043, "Lapsed Wholesale Ltd",             ("distributor",)),
    (1044, "Late Register Wholesale SARL",     ("distributor",)),
    (1101, "Pharmacy at the bridge, Basel",    ("dispenser",)),
    (1102, "Pharmacy at the lake, Zurich",     ("dispenser",)),
    (1103, "Linden pharmacy, Berlin",          ("dispenser",)),
    (1104, "Isar pharmacy, Munich",            ("dispenser",)),
    (1105, "Farmacia do Rossio, Lisbon",       ("dispenser",)),
    (1106, "Farmacia da Ribeira, Porto",       ("dispenser",)),
    (1107, "Apteka Stare Miasto, Warsaw",      ("dispenser",)),
    (1108, "Apteka Wawel, Cracow",             ("dispenser",)),
    (1109, "Liffey pharmacy, Dublin",          ("dispenser",)),
    (1110, "Mail order pharmacy",              ("dispenser",)),
)
_PLACES = (
    # code         number party  name                          zone                offset    latitude longitude
    ("pratteln",    2001, 1001, "Packaging site, Pratteln",    "Europe/Zurich",    "+01:00",  47.520,   7.695),
    ("cork",        2002, 1002, "Packaging site, Cork",        "Europe/Dublin",    "+00:00",  51.898,  -8.475),
    ("birsfelden",  2003, 1001, "Own warehouse, Birsfelden",   "Europe/Zurich",    "+01:00",  47.553,   7.623),
    ("frankfurt",   2011, 1011, "Distribution, Frankfurt",     "Europe/Berlin",    "+01:00",  50.110,   8.682),
    ("hamburg",     2014, 1011, "Branch, Hamburg",             "Europe/Berlin",    "+01:00",  53.551,   9.994),
    ("lisbon",      2012, 1012, "Distribution, Lisbon",        "Europe/Lisbon",    "+00:00",  38.780,  -9.120),
    ("warsaw",      2013, 1013, "Distribution, Warsaw",        "Europe/Warsaw",    "+01:00",  52.200,  20.900),
    ("rotterdam",   2021, 1021, "Repackaging, Rotterdam",      "Europe/Amsterdam", "+01:00",  51.920,   4.480),
    ("salzgitter",  2031, 1031, "Returns, Salzgitter",         "Europe/Berlin",    "+01:00",  52.150,  10.330),
    ("goteborg",    2041, 1041, "Plant, Gothenburg",           "Europe/Stockholm", "+01:00",  57.700,  11.970),
    ("singapore",   2042, 1042, "Import, Singapore",           "Asia/Singapore",   "+08:00",   1.350, 103.820),
    ("leeds",       2043, 1043, "Lapsed wholesale, Leeds",     "Europe/London",    "+00:00",  53.800,  -1.550),
    ("lyon",        2044, 1044, "Late register, Lyon",         "Europe/Paris",     "+01:00",  45.760,   4.840),
    ("ph-basel",    2101, 1101, "Pharmacy, Basel",             "Europe/Zurich",    "+01:00",  47.560,   7.590),
    ("ph-zurich",   2102, 1102, "Pharmacy, Zurich",            "Europe/Zurich",    "+01:00",  47.370,   8.540),
    ("ph-berlin",   2103, 1103, "Pharmacy, Berlin",            "Europe/Berlin",    "+01:00",  52.520,  13.400),
    ("ph-munich",   2104, 1104, "Pharmacy, Munich",            "Europe/Berlin",    "+01:00",  48.140,  11.580),
    ("ph-lisbon",   2105, 1105, "Pharmacy, Lisbon",            "Europe/Lisbon",    "+00:00",  38.710,  -9.140),
    ("ph-porto",    2106, 1106, "Pharmacy, Porto",             "Europe/Lisbon",    "+00:00",  41.150,  -8.610),
    ("ph-warsaw",   2107, 1107, "Pharmacy, Warsaw",            "Europe/Warsaw",    "+01:00",  52.250,  21.010),
    ("ph-cracow",   2108, 1108, "Pharmacy, Cracow",            "Europe/Warsaw",    "+01:00",  50.060,  19.940),
    ("ph-dublin",   2109, 1109, "Pharmacy, Dublin",            "Europe/Dublin",    "+00:00",  53.350,  -6.260),
    ("ph-mail",     2110, 1110, "Mail order, no coordinates",  "",                 "+01:00",  None,     None),
)
# fmt: on

PLACES = {
    code: Place(code, gln(number), gln(party), name, zone, offset, latitude, longitude)
    for code, number, party, name, zone, offset, latitude, longitude in _PLACES
}
PARTIES = {number: Party(gln(number), name, roles) for number, name, roles in _PARTIES}

OUTSIDE = Place("outside", gln(2999), gln(1999), "A partner nobody registered", "", "+00:00")
"""A partner outside reference data."""

LAPSED = 1043
LATE_PARTY = 1044

SITES = (PLACES["pratteln"], PLACES["cork"])
WAREHOUSE = PLACES["birsfelden"]
DISTRIBUTORS = (PLACES["frankfurt"], PLACES["lisbon"], PLACES["warsaw"])
BRANCH = PLACES["hamburg"]
REPACKER = PLACES["rotterdam"]
RETURNS = PLACES["salzgitter"]
PARTNER_PLANT = PLACES["goteborg"]
EXPORT = PLACES["singapore"]
LAPSED_PLACE = PLACES["leeds"]
LATE_PLACE = PLACES["lyon"]
PHARMACIES = tuple(place for code, place in PLACES.items() if code.startswith("ph-"))


def kilometres(one: Place, other: Place) -> float | None:
    """Great circle; None where a place has no coordinates."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    a, b = radians(one.latitude), radians(other.latitude)
    across = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(across))


def road(one: Place, other: Place) -> int:
    """How long goods take at least, in microseconds: a lorry at 60 km/h, overseas a plane; never faster than rules allow."""
    apart = kilometres(one, other)
    if apart is None:
        return 20 * HOUR
    return int((2 + (apart / 60 if apart < 4_000 else apart / 400)) * HOUR)

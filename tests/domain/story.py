"""Stories: one line per event, the expectation beside it (style.md 3).

    10:00  line-1   commission  U1 lot=L7 exp=2028-05-31        active
    10:01  line-1   pack        U1 U2 -> C1                     U1 in C1
    10:05  line-2   pack        U1 -> C2                        in C2     two-parents?
    10:09  line-1   unpack      U1 <- C1   at 10:04             in C2     (two-parents)

Columns are set apart by two spaces or more: log time, device or line, kind with items and words, then expectations.
``at 10:04`` is the event time where it is not the log time. Items: U own unit, V own unit of another product, B bundle, C own
case, D own case of two, D own case of two, P pallet (SSCC), F partner unit, X unit of an unknown product. Words: lot= exp= place= party= to= id= reason= of= (the id a
correction names) seq=. Expectations are of the first item named, or of ``U2:``: a state (active, inactive, none, ``in C1``,
loose, ``at GLN``, ``transit``, unknown, ``lot L7``), an outcome (repeat, resent, double_scan, conflict, late, refused,
corrected), an alert: ``rule?`` provisional, ``rule!`` confirmed, ``(rule)`` withdrawn, ``no rule``; ``quiet``: no alert stands.
A line with nothing but a time lets the clock pass; ``load`` loads reference data: ``load lot=L9``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from packtrace.domain.dates import HOUR, MINUTE, SECOND, read_date, read_time
from packtrace.domain.event import Correction, Event
from packtrace.domain.identifiers import check_digit, sgtin_key, sscc_key
from packtrace.domain.kinds import REACTIVATING
from packtrace.domain.reference import Reference, ReferenceChange
from packtrace.domain.vocabulary import Action, Custody, EventType, Life, Outcome, Status
from tests.domain.world import World

DAY0 = read_time("2026-11-22T00:00:00Z")


def gtin(number: int) -> str:
    body = f"0950600{number:06d}"
    return body + check_digit(body)


def gln(number: int) -> str:
    body = f"95060001{number:04d}"
    return body + check_digit(body)


UNIT, OTHER_UNIT, BUNDLE, CASE, PARTNER, STRANGER, CASE_OF_2 = (gtin(n) for n in (1, 2, 3, 4, 5, 6, 7))
SITE, SITE_2, DISTRIBUTOR, PHARMACY, PHARMACY_2, NORTH, SOUTH, RETURNS = (gln(n) for n in (1, 2, 20, 30, 31, 40, 41, 42))
SITE_PARTY, DISTRIBUTOR_PARTY, PHARMACY_PARTY, PHARMACY_2_PARTY = (gln(n) for n in (901, 920, 930, 931))
PLACES = {"site": SITE, "site-2": SITE_2, "distributor": DISTRIBUTOR, "pharmacy": PHARMACY, "pharmacy-2": PHARMACY_2, "nowhere": ""}
PLACES |= {"north": NORTH, "south": SOUTH, "returns": RETURNS}
LISBON, WARSAW = gln(50), gln(51)
PLACES |= {"lisbon": LISBON, "warsaw": WARSAW}
PARTIES = {"site": SITE_PARTY, "distributor": DISTRIBUTOR_PARTY, "pharmacy": PHARMACY_PARTY}


def change(entity: str, key: str, **value: object) -> ReferenceChange:
    return ReferenceChange(entity, key, json.dumps(value))


def product(code: str, level: str, origin: str = "own") -> ReferenceChange:
    return change("product", code, gtin=code, name=level, level=level, origin=origin)


def lot(code: str, name: str, expiry: str = "2028-05-31", released: bool = True, **more: object) -> ReferenceChange:
    return change("lot", f"{code}/{name}", gtin=code, lot=name, expiry=expiry, released=released, **more)


def party(code: str, *roles: str, **more: object) -> ReferenceChange:
    return change("party", code, gln=code, name=code, roles=list(roles), **more)


def location(code: str, party: str, **more: object) -> ReferenceChange:
    return change("location", code, gln=code, name=code, party=party, **more)


REFERENCE = Reference.empty().changed(
    [
        product(UNIT, "unit"),
        product(OTHER_UNIT, "unit"),
        product(BUNDLE, "bundle"),
        product(CASE, "case"),
        product(PARTNER, "unit", "partner"),
        *(lot(code, name) for code in (UNIT, OTHER_UNIT, BUNDLE, CASE, PARTNER) for name in ("L7", "Lz8")),
        lot(UNIT, "M0", "2028-05-00"),
        lot(UNIT, "R1", recalled_from="2026-11-22T11:30:00Z"),
        lot(UNIT, "Q1", released=False),
        lot(UNIT, "E1", "2026-11-21"),
        change("product", CASE_OF_2, gtin=CASE_OF_2, name="case of 2", level="case", origin="own", contains={"gtin": UNIT, "count": 2}),
        lot(CASE_OF_2, "L7"),
        location(NORTH, SITE_PARTY, latitude=47.4, longitude=8.5),
        location(SOUTH, DISTRIBUTOR_PARTY, latitude=-33.9, longitude=151.2),
        location(RETURNS, gln(942)),
        location(LISBON, gln(950), latitude=38.72, longitude=-9.14),
        location(WARSAW, gln(951), latitude=52.23, longitude=21.01),
        party(SITE_PARTY),
        party(DISTRIBUTOR_PARTY, "reports_receipts"),
        party(PHARMACY_PARTY),
        party(gln(942), "returns"),
        location(SITE, SITE_PARTY),
        location(SITE_2, SITE_PARTY),
        location(DISTRIBUTOR, DISTRIBUTOR_PARTY),
        location(PHARMACY, PHARMACY_PARTY),
        location(PHARMACY_2, PHARMACY_2_PARTY),
        *(change("line", f"line-{n}", id=f"line-{n}", location=SITE) for n in (1, 2, 3)),
        change("device", "till-lisbon", id="till-lisbon", location=LISBON, clock="synced"),
        change("device", "till-warsaw", id="till-warsaw", location=WARSAW, clock="synced"),
        change("device", "hand-warsaw", id="hand-warsaw", location=WARSAW, clock="handheld"),
        change("device", "hand-1", id="hand-1", location=SITE, clock="handheld"),
    ]
)

_GTINS = {"U": UNIT, "V": OTHER_UNIT, "B": BUNDLE, "C": CASE, "F": PARTNER, "X": STRANGER, "D": CASE_OF_2}
# fmt: off
_KINDS: dict[str, tuple[EventType, Action, str, str]] = {
    "commission":   (EventType.OBJECT,      Action.ADD,     "commissioning",                    "active"),
    "pack":         (EventType.AGGREGATION, Action.ADD,     "packing",                          "in_progress"),
    "unpack":       (EventType.AGGREGATION, Action.DELETE,  "unpacking",                        "in_progress"),
    "ship":         (EventType.OBJECT,      Action.OBSERVE, "shipping",                         "in_transit"),
    "receive":      (EventType.OBJECT,      Action.OBSERVE, "receiving",                        "in_progress"),
    "void_ship":    (EventType.OBJECT,      Action.OBSERVE, "void_shipping",                    "in_progress"),
    "dispense":     (EventType.OBJECT,      Action.DELETE,  "dispensing",                       "dispensed"),
    "destroy":      (EventType.OBJECT,      Action.DELETE,  "destroying",                       "destroyed"),
    "decommission": (EventType.OBJECT,      Action.DELETE,  "decommissioning",                  "inactive"),
    "observe":      (EventType.OBJECT,      Action.OBSERVE, "storing",                          "in_progress"),
    "verify":       (EventType.OBJECT,      Action.OBSERVE, "urn:packtrace:bizstep:verifying",  ""),
    "hold":         (EventType.OBJECT,      Action.OBSERVE, "holding",                          "non_sellable_other"),
    "release":      (EventType.OBJECT,      Action.OBSERVE, "urn:packtrace:bizstep:releasing",  "sellable_accessible"),
    "reactivate":   (EventType.OBJECT,      Action.OBSERVE, REACTIVATING,                       "active"),
    "recall":       (EventType.OBJECT,      Action.OBSERVE, "inspecting",                       "recalled"),
}
# fmt: on


def key(name: str) -> str:
    """``U1`` -> the key of that unit; ``U=A10L7`` gives the serial."""
    letter, rest = name[0], name[1:]
    if letter == "P":
        body = f"0950600010{int(rest):07d}"
        return sscc_key(body + check_digit(body))
    return sgtin_key(_GTINS[letter], rest[1:] if rest[:1] == "=" else rest)


def moment(text: str) -> int:
    """``10:05``, ``10:05:30`` or ``+2d 10:05`` on the day of the story."""
    days = 0
    if text[:1] == "+":
        day, text = text.split(" ", 1)
        days = int(day[1:-1])
    hours, minutes, *seconds = text.split(":")
    second = float(seconds[0]) if seconds else 0.0
    return DAY0 + days * 24 * HOUR + int(hours) * HOUR + int(minutes) * MINUTE + round(second * SECOND)


_NAME = re.compile(r"[UVBCDPFX](=\S+|[0-9]+)")
_TIME = re.compile(r"(\+[0-9]+d )?[0-9]{2}:[0-9]{2}(:[0-9.]+)?")


@dataclass
class Line:
    """One line of a story, read."""

    log_time: int
    source: str = ""
    kind: str = ""
    items: list[str] = field(default_factory=list)
    parent: str = ""
    children: list[str] = field(default_factory=list)
    event_time: int = 0
    words: dict[str, str] = field(default_factory=dict)
    expected: list[str] = field(default_factory=list)


def read(text: str, number: int) -> Line:
    columns = re.split(r"\s{2,}", text.strip())
    line = Line(moment(columns[0]))
    line.event_time = line.log_time
    if len(columns) == 1:
        return line
    line.source = columns[1]
    if columns[1] not in ("-", "load") and len(columns) > 2:
        columns[2:] = columns[2:]
    rest = columns[2:]
    if rest and (rest[0].split(" ")[0] in (*_KINDS, "correct", "load")):
        action = rest.pop(0)
        while rest and (
            (re.match(r"(at [+0-9]|[a-z]+=)", rest[0]) and not rest[0].startswith("at 95")) or (_NAME.match(rest[0]) and ":" not in rest[0])
        ):
            action += " " + rest.pop(0)
        _action(line, action, number)
    line.expected = [expected for column in rest for expected in column.split("; ")]
    return line


def _action(line: Line, action: str, number: int) -> None:
    at = re.search(rf"\bat ({_TIME.pattern})", action)
    if at:
        line.event_time = moment(at[1])
        action = action.replace(at[0], "")
    line.kind, *tokens = action.split()
    side = line.items
    for token in tokens:
        if token in ("->", "<-"):
            line.children, side = line.items, []
            line.items = []
        elif "=" in token and not _NAME.fullmatch(token):
            name, _, value = token.partition("=")
            line.words[name] = value
        else:
            if line.children or token in ("->", "<-"):
                line.parent = token
            else:
                side.append(token)
    if line.kind == "unpack" and not line.parent:
        line.parent, line.items = line.items[0], []
    line.words.setdefault("id", f"e{number}")


def event_of(line: Line) -> Event:
    words = line.words
    of = words.get("of", "").split(",") if words.get("of") else []
    type, action, biz_step, disposition = _KINDS[words.get("as", "observe") if line.kind == "correct" else line.kind]
    is_line = line.source.startswith("line-")
    to = words.get("to", "")
    return Event(
        id=words["id"],
        type=type,
        event_time=line.event_time,
        action=action,
        biz_step=biz_step,
        disposition=words.get("disposition", disposition),
        epcs=tuple(key(name) for name in line.items),
        parent=key(line.parent) if line.parent else "",
        children=tuple(key(name) for name in line.children),
        lot=words.get("lot", ""),
        expiry=read_date(words["exp"]) if "exp" in words else 0,
        place=PLACES[words["place"]] if "place" in words else "",
        party=PARTIES[words["party"]] if "party" in words else "",
        destination_place=PLACES[to] if to else "",
        line=line.source if is_line else "",
        sequence=int(words["seq"]) if "seq" in words else None,
        device="" if is_line or line.source == "-" else line.source,
        reason=words.get("reason", ""),
        partial="partial" in words,
        correction=Correction(words.get("why", "did_not_occur"), tuple(of)) if line.kind == "correct" else None,
    )


def logged(text: str) -> list[tuple[Event, int]]:
    """The events of a story with their log times, none played."""
    rows = (row for row in text.splitlines() if row.strip() and not row.strip().startswith("#"))
    lines = [read(row, number) for number, row in enumerate(rows)]
    return [(event_of(line), line.log_time) for line in lines if line.kind and line.kind != "load"]


def play(text: str, reference: Reference = REFERENCE, *, cold: bool = False) -> World:
    """Play a story, holding every expectation where it stands."""
    world = World(reference, cold=cold)
    for number, row in enumerate(line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")):
        line = read(row, number)
        world.tick(line.log_time)
        outcomes: list[Outcome] = []
        if line.kind == "load":
            world.load(_loaded(line), line.log_time)
        elif line.kind:
            outcomes = world.publish(event_of(line), line.log_time)
        for expected in line.expected:
            _hold(world, line, outcomes, expected, f"line {number}: {row.strip()}")
    return world


def _loaded(line: Line) -> list[ReferenceChange]:
    words = line.words
    found = []
    if "lot" in words:
        found.append(lot(UNIT, words["lot"], words.get("exp", "2028-05-31")))
    if "product" in words:
        found.append(product(STRANGER, "unit", words["product"]))
    return found


def _hold(world: World, line: Line, outcomes: list[Outcome], expected: str, where: str) -> None:
    name, colon, rest = expected.partition(": ")
    if colon and _NAME.fullmatch(name):
        expected = rest
    else:
        name = (line.children or line.items or [line.parent])[0]
    item = world.items.get(key(name))
    assert item is not None, f"{where}: {name} is not known"
    rules = world.rules(item.key)
    standing = {rule: status for rule, status in rules.items() if status is not Status.WITHDRAWN}
    found: object
    wanted: object
    if expected == "quiet":
        found, wanted = standing, {}
    elif expected.startswith("no "):
        found, wanted = rules.get(expected[3:]), None
    elif expected[-1] in "?!)":
        status = {"?": Status.PROVISIONAL, "!": Status.CONFIRMED, ")": Status.WITHDRAWN}[expected[-1]]
        rule = expected.strip("()?!")
        found, wanted = (rule, rules.get(rule)), (rule, status)
    elif expected in set(Outcome):
        found, wanted = [str(outcome) for outcome in outcomes][-1:], [expected]
    elif expected.split()[0] == "lot":
        found, wanted = item.lot, expected.split()[1]
    elif expected.startswith("in "):
        found, wanted = item.parent, key(expected[3:])
    elif expected == "loose":
        found, wanted = item.parent, ""
    elif expected.startswith("holds "):
        found, wanted = sorted(item.children), sorted(key(n) for n in expected[6:].split(","))
    elif expected == "empty":
        found, wanted = list(item.children), []
    elif expected.startswith("at "):
        found, wanted = (item.custody, item.place), (Custody.AT, PLACES[expected[3:]])
    elif expected == "transit":
        found, wanted = item.custody, Custody.IN_TRANSIT
    elif expected == "unknown":
        found, wanted = item.custody, Custody.UNKNOWN
    else:
        found, wanted = item.life, Life[expected.upper()]
    assert found == wanted, f"{where}: {name}: expected {expected}, found {found} (alerts {rules}, {item.now})"

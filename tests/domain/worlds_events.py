"""Fragments of the life of packs: what small worlds are put together from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from packtrace.domain.dates import DAY, HOUR, MINUTE, SECOND
from packtrace.domain.event import Event, Transaction
from packtrace.domain.identifiers import gtin_of, lot_key
from packtrace.domain.vocabulary import Action, EventType
from tests.domain.worlds_land import PLACES, key

if TYPE_CHECKING:
    from tests.domain.worlds import Chance

ADD, OBSERVE, DELETE = Action.ADD, Action.OBSERVE, Action.DELETE
OBJECT, AGGREGATION, TRANSFORMATION = EventType.OBJECT, EventType.AGGREGATION, EventType.TRANSFORMATION
OURS: Final = "urn:packtrace:bizstep:"

# fmt: off
SHAPES: Final[dict[str, tuple[EventType, Action | None, list[str], list[str]]]] = {
    # word          type            action   steps                                       dispositions
    "commission":   (OBJECT,         ADD,     ["commissioning"],                          ["active"]),
    "pack":         (AGGREGATION,    ADD,     ["packing"],                                ["in_progress"]),
    "unpack":       (AGGREGATION,    DELETE,  ["unpacking"],                              ["in_progress"]),
    "check":        (AGGREGATION,    OBSERVE, ["storing"],                                ["in_progress"]),
    "ship":         (OBJECT,         OBSERVE, ["shipping", "shipping", "departing"],      ["in_transit"]),
    "receive":      (OBJECT,         OBSERVE, ["receiving", "arriving", "accepting"],     ["in_progress"]),
    "void_ship":    (OBJECT,         OBSERVE, ["void_shipping"],                          ["in_progress"]),
    "dispense":     (OBJECT,         DELETE,  ["dispensing"],                             ["dispensed"]),
    "dispense_some": (OBJECT,        OBSERVE, ["dispensing"],                             ["partially_dispensed"]),
    "destroy":      (OBJECT,         DELETE,  ["destroying", "other"],                    ["destroyed"]),
    "decommission": (OBJECT,         DELETE,  ["decommissioning", "other"],               ["inactive", "stolen", "retail_sold"]),
    "reactivate":   (OBJECT,         OBSERVE, [OURS + "reactivating"],                    ["active"]),
    "verify":       (OBJECT,         OBSERVE, [OURS + "verifying"],                       [""]),
    "observe":      (OBJECT,         OBSERVE, ["storing", "", "inspecting"],              ["in_progress", ""]),
    "hold":         (OBJECT,         OBSERVE, ["holding", "inspecting"],                  ["non_sellable_other", "damaged"]),
    "release":      (OBJECT,         OBSERVE, [OURS + "releasing", "inspecting", ""],     ["sellable_accessible", "conformant"]),
    "recall":       (OBJECT,         OBSERVE, ["inspecting", ""],                         ["recalled"]),
    "recall_lot":   (OBJECT,         OBSERVE, ["inspecting"],                             ["recalled"]),
    "transform":    (TRANSFORMATION, None,    ["repackaging"],                            ["active"]),
}
# fmt: on
GAPS: Final = (
    MINUTE,
    40 * MINUTE,
    0,
    SECOND,
    2 * SECOND,
    3 * SECOND,
    9 * SECOND,
    20 * SECOND,
    40 * SECOND,
    2 * HOUR,
    5 * HOUR,
    20 * HOUR,
    25 * HOUR,
)  # fmt: skip
LONG: Final = (71 * HOUR, 73 * HOUR, 9 * DAY, 11 * DAY, 29 * DAY, 31 * DAY)
HERE: Final = ("plant", "distributor", "pharmacy", "pharmacy-2", "plant-2", "depot", "returns", "overseas", "station", "unlisted", "")


@dataclass
class Step:
    """One event to be: ``words`` are fields of the event, places by name."""

    word: str
    items: tuple[str, ...] = ()
    parent: str = ""
    place: str = "plant"
    gap: int = MINUTE
    words: dict[str, Any] = field(default_factory=dict)


class Cast:
    """The few items of one world."""

    def __init__(self, chance: Chance) -> None:
        self.units = [chance.pick(["U1", "U1", "U2", "F1", "X1", "U=A10L7"]), chance.pick(["U2", "V1", "F1", "U3"])]
        self.units = list(dict.fromkeys(self.units))
        self.case = chance.pick(["C1", "C1", "B1", "G1", "P1"])
        self.other = chance.pick(["C2", "P2", "B2"])
        self.pallet = chance.pick(["P3", "P3", "P2"])
        self.all = list(dict.fromkeys([*self.units, self.case, self.other, self.pallet]))


def event_of(chance: Chance, step: Step, id: str, time: int) -> Event:
    type, action, biz_steps, dispositions = SHAPES[step.word]
    words = {"disposition": chance.pick(dispositions), "biz_step": chance.pick(biz_steps), **step.words}
    place = chance.pick(HERE) if chance.happens(6) else step.place
    items = tuple(key(item) for item in step.items if item != step.parent or type is not AGGREGATION)
    if type is AGGREGATION:
        named: dict[str, Any] = {"parent": key(step.parent), "children": items}
    elif type is TRANSFORMATION:
        named = {"inputs": items[:1], "outputs": items[1:]}
    elif step.word == "recall_lot":
        named = {"lots": (lot_key(gtin_of(items[0]), chance.pick(["L7", "M0", "N1"])),)}
    else:
        named = {"epcs": items}
    if chance.happens(30) and "device" not in words:
        words["device"] = chance.pick(["d-1", "d-2", "d-3", "d-9"])
        if chance.happens(30):
            place = ""
    elif place == "plant" and chance.happens(40):
        words["line"] = chance.pick(["line-1", "line-2"])
        if chance.happens(30):
            words["boot"], words["sequence"] = 1, chance.pick([1, 2, 3])
    if place and chance.happens(6):
        words["party"] = PLACES[chance.pick(["PLANT", "DISTRIBUTOR", "PHARMACY"])]
    if chance.happens(4):
        words["zone_minutes"] = chance.pick([60, -300, 720])
    where = "read_point" if chance.happens(4) else "place"
    for name in ("destination_place", "destination_party"):
        if words.get(name):
            words[name] = PLACES[words[name]]
    if place:
        words[where] = PLACES[place]
    return Event(id=id, type=type, event_time=time, action=action, **named, **words)


def steps(chance: Chance, cast: Cast) -> Iterator[Step]:
    """The whole world: mostly a line of life, then accidents."""
    made = 0
    if chance.happens(70):
        for step in _beginning(chance, cast):
            made += 1
            yield step
    for _ in range(chance.pick([1, 2, 3, 4])):
        fragment = chance.pick(FRAGMENTS)
        for step in fragment(chance, cast):
            if made >= 16:
                return
            if chance.happens(90) and set(step.items) != {step.parent}:
                if chance.happens(15):
                    step.gap = chance.pick(GAPS)
                made += 1
                yield step
    if not made:
        yield Step("observe", (cast.units[0],))


def _lot(chance: Chance) -> dict[str, Any]:
    lot = chance.pick(["L7", "L7", "M0", "E1", "N1", "R1", "L9", "Lz8", "E0", ""])
    expiry = {"M0": 20280600, "E1": 20261122, "E0": 20261130}.get(lot, 20280531)
    return {"lot": lot, "expiry": chance.pick([expiry, 0, expiry, 20280500, 20290101])} if lot else {}


def _beginning(chance: Chance, cast: Cast) -> Iterator[Step]:
    lots = _lot(chance)
    for unit in cast.units:
        yield Step("commission", (unit,), words=lots if chance.happens(70) else _lot(chance))
    yield Step("commission", (cast.case,), words={"partial": chance.happens(10), **(_lot(chance) if chance.happens(20) else {})})
    if chance.happens(70):
        yield Step("pack", tuple(cast.units), cast.case, words={"partial": chance.happens(10)})


def _pack(chance: Chance, cast: Cast) -> Iterator[Step]:
    parent = chance.pick([cast.case, cast.other, cast.pallet])
    children = [i for i in _some(chance, [*cast.units, cast.case]) if i != parent]
    yield Step("pack", tuple(children or [i for i in cast.all if i != parent][:1]), parent, chance.pick(["plant", "distributor"]))


def _nest(chance: Chance, cast: Cast) -> Iterator[Step]:
    chain = [cast.case, cast.pallet, cast.other]
    a, b, c = chance.pick([chain, chain, [cast.other, cast.pallet, cast.case], ["P1", "P2", "P3"]])
    yield Step("pack", (a,), b)
    if b != c:
        yield Step("pack", (b,), c, gap=chance.pick(GAPS))
    if chance.happens(50) and c != a:
        yield Step("pack", (c,), a, gap=chance.pick(GAPS))


def _unpack(chance: Chance, cast: Cast) -> Iterator[Step]:
    parent = chance.pick([cast.case, cast.other, cast.pallet])
    children = () if chance.happens(40) else tuple(i for i in _some(chance, [*cast.units, cast.case]) if i != parent)
    yield Step("unpack", children, parent, chance.pick(["plant", "distributor", "pharmacy"]), chance.pick(GAPS))


def _some(chance: Chance, items: list[str]) -> list[str]:
    found = list(dict.fromkeys(chance.pick(items) for _ in range(chance.pick([1, 2]))))
    return found


def _to(chance: Chance, place: str) -> dict[str, Any]:
    stated: dict[str, Any] = {"destination_place": place} if chance.happens(80) else {}
    if chance.happens(35):
        party = {"distributor": "DISTRIBUTOR", "pharmacy": "PHARMACY", "plant-2": "PLANT", "returns": "RETURNS"}.get(place, "NOBODY")
        stated["destination_party"] = party if chance.happens(80) else chance.pick(["NOBODY", "OVERSEAS", "PHARMACY-2"])
    return stated


def _travel(chance: Chance, cast: Cast) -> Iterator[Step]:
    """Out, in, and perhaps on."""
    items = tuple(dict.fromkeys([chance.pick(cast.all)] + ([chance.pick(cast.all)] if chance.happens(25) else [])))
    here = "plant"
    for there in ("distributor", chance.pick(["pharmacy", "returns", "depot", "pharmacy-2", "overseas"])):
        to = "plant-2" if chance.happens(6) else there
        words = {**_to(chance, to), **_returned(chance), "partial": chance.happens(10)}
        yield Step("ship", items, place=here, gap=chance.pick(GAPS), words=words)
        if chance.happens(15):
            yield Step("void_ship", items, place=here, gap=chance.pick(GAPS))
        if chance.happens(25):
            yield Step(
                chance.pick(["observe", "verify", "pack", "unpack"]), (cast.units[0],), cast.case, chance.pick(HERE), chance.pick(GAPS)
            )
        if chance.happens(80):
            yield Step(
                "receive", items, place=there if chance.happens(85) else chance.pick(HERE), gap=chance.pick(GAPS), words=_returned(chance)
            )
        if not chance.happens(40):
            return
        here = there


def _returned(chance: Chance) -> dict[str, Any]:
    if not chance.happens(8):
        return {}
    return chance.pick([{"disposition": "returned"}, {"disposition": "damaged"}, {"transactions": (Transaction("rma", "R-1"),)}])


def _end(chance: Chance, cast: Cast) -> Iterator[Step]:
    """Made inactive, perhaps used again, perhaps taken back."""
    item = chance.pick([*cast.units, cast.units[0], cast.case, cast.pallet])
    word = chance.pick(["dispense", "dispense", "decommission", "destroy", "dispense_some"])
    here = chance.pick(["pharmacy", "plant", "distributor"])
    yield Step(word, (item,), place=here, gap=chance.pick([*GAPS, *LONG]), words=_why(chance) if word == "decommission" else {})
    for _ in range(chance.pick([1, 0, 2])):
        again = chance.pick(
            ["dispense", "verify", "ship", "receive", "observe", "destroy", "decommission", "hold", "recall", "release", "pack"]
        )
        words = _to(chance, "distributor") if again == "ship" else {}
        there = here if chance.happens(50) else chance.pick(HERE)
        parent = cast.other if item != cast.other else cast.case
        yield Step(again, (item,), parent, there, chance.pick([*GAPS, *LONG]), words)
    if chance.happens(60):
        stated = {"reason": chance.pick(["DISPENSED", "", "EXPORTED"])}
        there = here if chance.happens(75) else chance.pick(HERE)
        yield Step("reactivate", (item,), place=there, gap=chance.pick([*GAPS, *LONG]), words=stated)


def _why(chance: Chance) -> dict[str, Any]:
    return {"reason": chance.pick(["EXPORTED", "STOLEN", "SAMPLE", "LOCKED", "DESTROYED", "DISPENSED", ""])}


def _hold(chance: Chance, cast: Cast) -> Iterator[Step]:
    item = chance.pick(cast.all)
    words = {"reason": chance.pick(["", "QUARANTINE"])}
    if chance.happens(25):
        yield Step("recall_lot", (cast.units[0],), gap=chance.pick(GAPS))
    yield Step(chance.pick(["hold", "recall"]), (item,), words=words, gap=chance.pick(GAPS))
    if chance.happens(50):
        use = chance.pick(["dispense", "ship", "receive"])
        words = _to(chance, "distributor") if use == "ship" else {}
        used = item if use == "dispense" else chance.pick([item, cast.case, cast.pallet])
        yield Step(use, (used,), place=chance.pick(["plant", "pharmacy"]), words=words)
    if chance.happens(50):
        yield Step("release", (item,), gap=chance.pick(GAPS), words={"reason": chance.pick(["", "RECALLED", "QUARANTINE", "DAMAGED"])})


def _look(chance: Chance, cast: Cast) -> Iterator[Step]:
    item = chance.pick([*cast.units, cast.case])
    for _ in range(chance.pick([1, 2, 3])):
        words = _misread(chance) if chance.happens(25) else {}
        if chance.happens(15):
            words["expiry"] = chance.pick([20280531, 20280500, 20290101])
        gap = chance.pick([*GAPS, *LONG])
        yield Step(chance.pick(["verify", "observe", "verify", "dispense"]), (item,), place=chance.pick(HERE), gap=gap, words=words)


def _misread(chance: Chance) -> dict[str, Any]:
    return {"lot": chance.pick(["L7", "l7", "Ly8", "L721A1", "L9", "ZZ"])}


def _tour(chance: Chance, cast: Cast) -> Iterator[Step]:
    """One serial, many places."""
    item = cast.units[0]
    for place in ("pharmacy", "pharmacy-2", chance.pick(["distributor", "plant", "overseas"])):
        yield Step(chance.pick(["verify", "dispense"]), (item,), place=place, gap=chance.pick([2 * HOUR, 25 * HOUR, *LONG]))


def _again_and_again(chance: Chance, cast: Cast) -> Iterator[Step]:
    if chance.happens(35):
        for _ in range(12):
            yield Step("verify", (cast.units[0],), place="pharmacy", gap=chance.pick([40 * MINUTE, 2 * HOUR]))


def _reuse(chance: Chance, cast: Cast) -> Iterator[Step]:
    """A pallet's life, and its number used once more."""
    pallet, inside = cast.pallet, chance.pick([cast.case, cast.units[0]])
    yield Step("pack", (inside,), pallet)
    yield Step("ship", (pallet,), words=_to(chance, "distributor"))
    yield Step("receive", (pallet,), place="distributor")
    if chance.happens(80):
        yield Step("unpack", () if chance.happens(50) else (inside,), pallet, "distributor")
    else:
        yield Step("destroy", (pallet,), place="distributor")
    gap = chance.pick([25 * HOUR, 2 * HOUR, 9 * DAY, 29 * DAY, 400 * DAY])
    if chance.happens(50):
        yield Step("commission", (pallet,), gap=gap)
    else:
        yield Step("pack", (cast.units[-1],), pallet, gap=gap)


def _twice(chance: Chance, cast: Cast) -> Iterator[Step]:
    item = chance.pick(cast.all)
    for _ in range(2):
        yield Step("commission", (item,), place=chance.pick(["plant", "plant-2"]), words=_lot(chance), gap=chance.pick(GAPS))


def _transform(chance: Chance, cast: Cast) -> Iterator[Step]:
    yield Step("transform", tuple(cast.units), place=chance.pick(["plant", "pharmacy"]), gap=chance.pick(GAPS), words=_lot(chance))


def _check(chance: Chance, cast: Cast) -> Iterator[Step]:
    yield Step("check", tuple(_some(chance, cast.units)), cast.case, chance.pick(HERE), chance.pick(GAPS))


def _clocks(chance: Chance, cast: Cast) -> Iterator[Step]:
    """What belongs in one order, recorded in the other by two devices whose clocks differ by seconds."""
    item, container = chance.pick([cast.units[0], cast.case]), chance.pick([cast.other, cast.pallet])
    second, first = chance.pick(
        [("observe", "commission"), ("pack", "unpack"), ("unpack", "pack"), ("receive", "ship"), ("ship", "receive"), ("verify", "dispense"),
         ("dispense", "reactivate"), ("reactivate", "dispense"), ("dispense", "release"), ("void_ship", "ship"), ("pack", "dispense"),
         ("pack", "ship")]
    )  # fmt: skip
    if item == container:
        return
    place = chance.pick(["plant", "distributor"])
    for word, device, gap in ((second, "d-1", MINUTE), (first, "d-2", chance.pick([3 * SECOND, 0, 9 * SECOND, 20 * SECOND]))):
        words = {"device": device, **(_to(chance, "distributor") if word == "ship" else {})}
        parent = container if word == "pack" or chance.happens(50) else cast.case
        if parent != item:
            yield Step(word, (item,), parent, place if chance.happens(80) else chance.pick(HERE), gap, words)


def _anything(chance: Chance, cast: Cast) -> Iterator[Step]:
    for _ in range(chance.pick([1, 2, 3])):
        word = chance.pick([w for w in SHAPES if w not in ("transform", "recall_lot")])
        parent = chance.pick([cast.case, cast.other, cast.pallet])
        items = tuple(i for i in _some(chance, cast.all) if i != parent) or (cast.units[0],)
        words = _to(chance, chance.pick(["distributor", "pharmacy"])) if word == "ship" else {}
        if word == "decommission":
            words = _why(chance)
        yield Step(word, items, parent, chance.pick(HERE), chance.pick(GAPS), words)


FRAGMENTS: Final = (
    _look, _pack, _unpack, _travel, _travel, _nest, _end, _end, _hold, _tour, _reuse, _twice, _transform, _check, _anything, _anything,
    _again_and_again, _clocks, _clocks,
)  # fmt: skip

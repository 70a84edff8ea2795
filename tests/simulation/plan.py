"""What a simulated history is made of: captured input and a plan of turns and faults, drawn so that it shrinks to little."""

from __future__ import annotations

import json
from typing import NamedTuple

from hypothesis import strategies as st

from packtrace.adapters.crash_point import POINTS
from packtrace.codec import event_avro, reference_record, wire
from packtrace.codec.raw_event import RawCorrection, RawEvent
from packtrace.codec.reference_record import ReferenceRecord
from packtrace.domain.reference import ReferenceChange
from tests.router.seen import EVENTS_ID, GTIN, LOG_TIME, REFERENCE_ID, pallet, unit

KINDS = ("router", "tracker", "sink")
SLOTS = 2
MINUTE = 60_000_000
PLACES = ("9506000100005", "9506000200002")
UNITS = tuple(unit(f"U{n}") for n in range(4))
CASES = tuple(pallet(n) for n in range(3))
STEPS = {"ship": "shipping", "receive": "receiving", "look": "inspecting", "dispense": "dispensing"}


class Captured(NamedTuple):
    """One record that a line or a loader wrote; readable when a failing plan is printed."""

    topic: str
    partition: int
    said: RawEvent | ReferenceChange | bytes | None

    def key(self) -> bytes:
        return reference_record.record_key(self.said) if isinstance(self.said, ReferenceChange) else b"line-1"

    def value(self) -> bytes | None:
        if isinstance(self.said, RawEvent):
            return wire.frame(EVENTS_ID, event_avro.encode(self.said))
        if isinstance(self.said, ReferenceChange):
            record = ReferenceRecord(self.said, LOG_TIME)
            return None if self.said.value_json is None else wire.frame(REFERENCE_ID, reference_record.encode(record))
        return self.said


class Turn(NamedTuple):
    """One process does one round; at the ``passage``-th crash point ``point`` it dies, or sleeps while ``sleeps`` later actions of
    the plan run and the group throws it out. An empty point: nothing happens to it."""

    kind: str
    slot: int
    point: str = ""
    passage: int = 1
    sleeps: int = 0


class Fault(NamedTuple):
    """Something happens beside the processes: see ``plant.Plant.fault``."""

    name: str
    number: int = 0


LENGTHS = (1, 8, 16, 30)

Action = Captured | Turn | Fault

FAULTS = (
    "kill", "stop", "tick", "later", "clock back", "clock ahead", "throw out",
    "log away", "log back", "fail a write", "lose an acknowledgement",
    "redis away", "redis back", "lose a commit's answer", "remember redis", "restore redis", "empty redis",
    "clickhouse away", "clickhouse back", "lose an insert's answer", "forget tokens",
    "registry away", "registry back",
)  # fmt: skip


@st.composite
def event(draw: st.DrawFn) -> RawEvent:
    """Any event of a small world: few items, few instants, ids that come again."""
    id = f"e{draw(st.integers(0, 12))}"
    time = LOG_TIME - 60 * MINUTE + draw(st.integers(0, 5)) * MINUTE
    place = draw(st.sampled_from(PLACES))
    what = draw(st.sampled_from(("commission", "pack", "pack", "unpack", *STEPS, "declare an error")))
    if what in ("pack", "unpack"):
        parent = draw(st.sampled_from(CASES))
        others = [key for key in (*UNITS, *CASES) if key != parent]
        children = tuple(draw(st.lists(st.sampled_from(others), min_size=1 if what == "pack" else 0, max_size=3, unique=True)))
        action = "ADD" if what == "pack" else "DELETE"
        return RawEvent(
            id=id, event_time=time, type="aggregation", action=action, biz_step=f"{what}ing", parent=parent, children=children, place=place
        )
    epcs = tuple(draw(st.lists(st.sampled_from((*UNITS, *CASES)), min_size=1, max_size=2, unique=True)))
    if what == "commission":
        sequence = draw(st.none() | st.integers(1, 6))
        return RawEvent(
            id=id, event_time=time, type="object", action="ADD", biz_step="commissioning", epcs=epcs[:1], lot="L7", expiry="2028-05-31",
            place=place, line="line-1", boot=7 if sequence else None, sequence=sequence,
        )  # fmt: skip
    if what == "declare an error":
        return RawEvent(
            id=id, event_time=time, type="object", action="OBSERVE", epcs=epcs, place=place,
            correction=RawCorrection("did_not_occur", (f"e{draw(st.integers(0, 12))}",)),
        )  # fmt: skip
    return RawEvent(
        id=id, event_time=time, type="object", action="OBSERVE", biz_step=STEPS[what], epcs=epcs, place=place, destination_place=PLACES[1]
    )


REFERENCE = (
    ReferenceChange("product", GTIN, json.dumps({"gtin": GTIN, "name": "Pills", "level": "unit", "origin": "own"})),
    ReferenceChange("lot", f"{GTIN}/L7", json.dumps({"gtin": GTIN, "lot": "L7", "expiry": "2028-05-31", "released": True})),
    ReferenceChange("lot", f"{GTIN}/L7", json.dumps({"gtin": GTIN, "lot": "L7", "expiry": "2027-01-31", "released": False})),
    ReferenceChange("lot", f"{GTIN}/L7", None),
)


def captured(draw: st.DrawFn) -> Captured:
    what = draw(st.integers(0, 11))
    if what == 0:
        return Captured("reference", 0, draw(st.sampled_from(REFERENCE)))
    partition = draw(st.integers(0, 1))
    if what == 1:
        return Captured("events", partition, draw(st.sampled_from((None, b"", b"x", wire.frame(4711, b"x")))))
    return Captured("events", partition, draw(event()))


def turn(draw: st.DrawFn) -> Turn:
    kind = draw(st.sampled_from(KINDS))
    slot = draw(st.integers(0, SLOTS - 1))
    fate = draw(st.integers(0, 9))
    if fate < 6:
        return Turn(kind, slot)
    point = draw(st.sampled_from([name for name in POINTS if name.startswith(kind)]))
    passage = draw(st.integers(1, 3))
    return Turn(kind, slot, point, passage, draw(st.integers(1, 8)) if fate > 7 else 0)


@st.composite
def plans(draw: st.DrawFn, faults: tuple[str, ...] = FAULTS) -> list[Action]:
    """A history, the faults of which are among ``faults``."""

    @st.composite
    def action(draw: st.DrawFn) -> Action:
        what = draw(st.integers(0, 9))
        if what < 3:
            return captured(draw)
        if what < 8 or not faults:
            return turn(draw)
        return Fault(draw(st.sampled_from(faults)), draw(st.integers(0, 5)))

    length = draw(st.sampled_from(LENGTHS))
    return draw(st.lists(action(), min_size=length, max_size=length + 10))

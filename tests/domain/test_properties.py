"""The guarantees: neither the order of arrival nor repeats change anything, fast is fold, packed is plain, corrected is never."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packtrace.codec.state import content_of, pack, unpack
from packtrace.domain import judge, receive, settle
from packtrace.domain.dates import DAY, HOUR, MINUTE, SECOND
from packtrace.domain.event import Correction, Event
from packtrace.domain.explode import own_events
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.vocabulary import Action, EventType, Status
from tests.domain.story import _KINDS, DAY0, DISTRIBUTOR, PHARMACY, REFERENCE, SITE, SITE_2, key
from tests.domain.world import World

START = DAY0 + 10 * HOUR
INSTANTS = [START + n for n in (0, 1 * SECOND, 3 * SECOND, 20 * SECOND, 10 * MINUTE, 2 * HOUR)]
"""Few, so that ties happen; some within the tolerance, some within two seconds."""
UNITS = ["U1", "U2", "F1", "X1"]
CONTAINERS = ["C1", "C2", "P1", "P2", "P3"]
PLACES = ["", SITE, SITE_2, DISTRIBUTOR, PHARMACY]
KINDS = [kind for kind in _KINDS if kind not in ("pack", "unpack")]

slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def events(draw: st.DrawFn, containers: bool = True) -> Event:
    """One event of a small world; ids clash now and then."""
    line = draw(st.sampled_from(["", "line-1", "line-2"]))
    kind = draw(st.sampled_from([*KINDS, "commission", "observe"] + (["pack"] * 8 + ["unpack"] * 4 if containers else [])))
    type, action, biz_step, disposition = _KINDS[kind]
    parent = ""
    children: tuple[str, ...] = ()
    epcs: tuple[str, ...] = ()
    if kind in ("pack", "unpack"):
        parent = draw(st.sampled_from(CONTAINERS))
        some = draw(st.lists(st.sampled_from([*UNITS, *CONTAINERS]), min_size=kind == "pack", max_size=3, unique=True))
        children = tuple(key(name) for name in some if name != parent)
        if not children and kind == "pack":
            children = (key("U1"),)
        parent = key(parent)
    else:
        epcs = tuple(key(n) for n in draw(st.lists(st.sampled_from([*UNITS, "C1", "P1"]), min_size=1, max_size=2, unique=True)))
    return Event(
        id=f"e{draw(st.integers(0, 30))}",
        type=type,
        event_time=draw(st.sampled_from(INSTANTS)),
        action=action,
        biz_step=biz_step,
        disposition=disposition,
        epcs=epcs,
        parent=parent,
        children=children,
        lot=draw(st.sampled_from(["", "", "L7", "Lz8", "ly8"])),
        place=draw(st.sampled_from(PLACES)),
        destination_place=draw(st.sampled_from(["", DISTRIBUTOR])) if kind == "ship" else "",
        line=line,
        sequence=draw(st.one_of(st.none(), st.integers(0, 3))) if line else None,
        device=draw(st.sampled_from(["", "d-1", "d-2"])),
        reason=draw(st.sampled_from(["", "EXPORTED", "STOLEN"])) if kind in ("decommission", "hold") else "",
    )


@st.composite
def worlds(draw: st.DrawFn, containers: bool = True, corrections: bool = True) -> list[tuple[Event, int]]:
    """(event, log time), each logged once; some are sent again, some corrected."""
    found = draw(st.lists(events(containers), min_size=1, max_size=9))
    if draw(st.booleans()):
        again = draw(st.sampled_from(found))
        found.append(
            msgspec.structs.replace(again, id="again", event_time=again.event_time + draw(st.sampled_from([0, SECOND, 9 * SECOND])))
        )
    if corrections and draw(st.booleans()):
        wrong = draw(st.sampled_from(found))
        ids = tuple(draw(st.lists(st.sampled_from([e.id for e in found]), min_size=1, max_size=2)))
        found.append(msgspec.structs.replace(wrong, id=f"c-{wrong.id}", correction=Correction("did_not_occur", ids)))
    return [(event, event.event_time + draw(st.sampled_from([SECOND, MINUTE, 3 * HOUR]))) for event in found]


CROWD = [f"U{n}" for n in range(1, 9)]
"""Units that one event packs."""


@st.composite
def crowds(draw: st.DrawFn) -> list[tuple[Event, int]]:
    """Many units in few containers, which are packed, emptied and sent themselves."""

    def event(kind: str, **said: Any) -> Event:
        type, action, biz_step, disposition = _KINDS[kind]
        place = draw(st.sampled_from(PLACES[:3]))
        at = draw(st.sampled_from(INSTANTS))
        return Event(id="", type=type, event_time=at, action=action, biz_step=biz_step, disposition=disposition, place=place, **said)

    def some(names: list[str]) -> tuple[str, ...]:
        return tuple(key(name) for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=len(names), unique=True)))

    found = [event("commission", epcs=some(CROWD), lot=lot) for lot in draw(st.lists(st.sampled_from(["L7", "ly8"]), max_size=2))]
    for kind in draw(st.lists(st.sampled_from(["pack"] * 4 + ["stack", "unpack", "empty", "ship", "commission"]), min_size=2, max_size=6)):
        parent = key(draw(st.sampled_from(CONTAINERS)))
        if kind in ("pack", "unpack"):
            found.append(event(kind, parent=parent, children=some(CROWD)))
        elif kind == "stack":
            found.append(event("pack", parent=key("P3"), children=some(["C1", "C2", "P1"])))
        elif kind == "empty":
            found.append(event("unpack", parent=parent))
        else:
            found.append(event(kind, epcs=(parent,)))
    devices = [draw(st.sampled_from(["", "d-1", "d-2"])) for _ in found]
    return [
        (msgspec.structs.replace(one, id=f"e{n}", device=device), one.event_time + draw(st.sampled_from([SECOND, MINUTE, 3 * HOUR])))
        for n, (one, device) in enumerate(zip(found, devices, strict=True))
    ]


def run(ops: list[tuple[str, OwnEvent]], seed: int, *, cold: bool = False, grouped: bool = False) -> World:
    """Apply ``ops`` in their order, facts in any order between them, then let every grace pass."""
    chance = random.Random(seed)
    world = World(REFERENCE, shuffled=chance, cold=cold, grouped=grouped)
    for item, own in ops:
        world.apply(item, own, deliver=False)
        world.deliver(chance.choice([0, 0, 1, 3, 50]))
    world.deliver()
    world.tick(START + DAY)
    return world


def ops_of(world: list[tuple[Event, int]]) -> list[tuple[str, OwnEvent]]:
    return [op for event, log_time in world for op in own_events(event, log_time)]


def assert_same(one: World, other: World) -> None:
    assert one.standing() == other.standing()
    assert one.told() == other.told()
    assert one.snapshot() == other.snapshot()


@slow
@given(worlds(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_order_of_arrival_changes_nothing(world: list[tuple[Event, int]], chance: random.Random, seed: int) -> None:
    ops = ops_of(world)
    shuffled = list(ops)
    chance.shuffle(shuffled)
    assert_same(run(ops, seed), run(shuffled, seed + 1))


@slow
@given(worlds(), st.randoms(use_true_random=False))
def test_repeats_change_nothing(world: list[tuple[Event, int]], chance: random.Random) -> None:
    ops = ops_of(world)
    again = [(item, msgspec.structs.replace(own, log_time=own.log_time + chance.choice([0, 7 * SECOND]))) for item, own in ops]
    mixed = ops + chance.sample(again, chance.randint(1, len(again)))
    chance.shuffle(mixed)
    assert_same(run(ops, 1), run(mixed, 2))


@slow
@given(worlds(), st.integers(0, 3))
def test_packing_between_any_two_steps_changes_nothing(world: list[tuple[Event, int]], seed: int) -> None:
    ops = ops_of(world)
    warm, cold = run(ops, seed), run(ops, seed, cold=True)
    assert_same(warm, cold)
    assert [(c.id, c.version, c.status, c.events) for c in warm.changes] == [(c.id, c.version, c.status, c.events) for c in cold.changes]


@slow
@given(worlds(), st.integers(0, 3))
def test_packed_equals_plain(world: list[tuple[Event, int]], seed: int) -> None:
    for item in run(ops_of(world), seed).items.values():
        packed, content = pack(item), content_of(item)
        again = unpack(item.key, packed, content)
        assert (pack(again), content_of(again)) == (packed, content)
        for name in ("life", "reason", "lot", "expiry", "parent", "custody", "place", "destination", "custody_since", "holds", "alerts"):
            assert getattr(again, name) == getattr(item, name)
        assert set(again.children) == set(item.children)


@slow
@given(worlds(), st.integers(0, 3))
def test_the_fast_path_is_the_fold(world: list[tuple[Event, int]], seed: int) -> None:
    ops = ops_of(world)
    fast = run(ops, seed)
    with_fast, with_facts = judge._sorts_last_alone, receive.changes_nothing_else
    try:
        judge._sorts_last_alone = lambda *_: False
        receive.changes_nothing_else = lambda *_: False
        slow_run = run(ops, seed)
    finally:
        judge._sorts_last_alone = with_fast
        receive.changes_nothing_else = with_facts
    assert_same(fast, slow_run)
    assert fast.outcomes == slow_run.outcomes
    assert [(c.id, c.status) for c in fast.changes] == [(c.id, c.status) for c in slow_run.changes]


@slow
@given(worlds(), st.integers(0, 3))
def test_facts_taken_together_are_facts_taken_one_by_one(world: list[tuple[Event, int]], seed: int) -> None:
    ops = ops_of(world)
    assert_same(run(ops, seed), run(ops, seed, grouped=True))


@slow
@given(crowds(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_children_taken_together_are_children_taken_one_by_one(world: list[tuple[Event, int]], chance: random.Random, seed: int) -> None:
    ops = ops_of(world)
    one_by_one = run(ops, seed)
    assert_same(one_by_one, run(ops, seed, grouped=True))
    chance.shuffle(ops)
    assert_same(one_by_one, run(ops, seed, grouped=True))


@slow
@given(worlds(corrections=False), st.data())
def test_a_correction_equals_never_having_happened(world: list[tuple[Event, int]], data: st.DataObject) -> None:
    wrong = data.draw(st.sampled_from([event for event, _ in world]))
    same_id = [event.id for event, _ in world].count(wrong.id)
    if same_id > 1:
        return
    # what it would have hidden as a repeat of it under (a) is one event with it, and leaves with it
    mine = {own.mark for _, own in own_events(wrong, 0)} | {own.message_mark for _, own in own_events(wrong, 0) if own.message_mark}
    without = [
        (event, log_time)
        for event, log_time in world
        if event is not wrong and not any(own.mark in mine or own.message_mark in mine for _, own in own_events(event, 0))
    ]
    if len(without) != len(world) - 1:
        return
    correction = msgspec.structs.replace(wrong, id="correction", correction=Correction("incorrect_data", (wrong.id,)))
    corrected = [*world, (correction, START + HOUR)]
    data.draw(st.randoms(use_true_random=False)).shuffle(corrected)
    never, taken_out = run(ops_of(without), 1), run(ops_of(corrected), 2)
    assert never.standing() == taken_out.standing()
    assert never.told() == taken_out.told()
    for name, item in taken_out.items.items():
        if name in never.items:
            assert (item.life, item.reason, item.lot, item.parent, item.custody, item.place, item.holds, set(item.children)) == (
                (other := never.items[name]).life, other.reason, other.lot, other.parent, other.custody, other.place, other.holds, set(other.children)
            )  # fmt: skip


@slow
@given(worlds(corrections=False), st.integers(0, 3))
def test_settling_changes_no_conclusion(world: list[tuple[Event, int]], seed: int) -> None:
    """What followed before the window closed follows after it; nothing is told again, but of what does not arrive."""
    found = run(ops_of(world), seed)
    state = {
        name: (item.life, item.reason, item.lot, item.parent, item.custody, item.place, set(item.children))
        for name, item in found.items.items()
    }
    standing, told = found.standing(), len(found.changes)
    found.tick(START + 30 * DAY)
    overdue = {c.id for c in found.changes if c.rule == "data-no-product"}
    assert {id: status for id, status in found.standing().items() if id not in overdue} == standing
    assert [(c.rule, c.status) for c in found.changes[told:] if c.status is not Status.CONFIRMED] == []
    for name, item in found.items.items():
        assert not item.window and not item.told and item.settles_at is None
        assert (item.life, item.reason, item.lot, item.parent, item.custody, item.place, set(item.children)) == state[name]


@slow
@given(worlds(), st.integers(0, 3), st.sampled_from([3 * DAY + HOUR, 30 * DAY]))
def test_what_settles_in_plain_order_is_what_a_fold_settles(world: list[tuple[Event, int]], seed: int, until: int) -> None:
    ops = ops_of(world)
    plain = run(ops, seed)
    plain.tick(START + until)
    in_plain_order = settle._in_plain_order
    try:
        settle._in_plain_order = lambda *_: False
        folded = run(ops, seed)
        folded.tick(START + until)
    finally:
        settle._in_plain_order = in_plain_order
    assert_same(plain, folded)
    assert [c.id for c in plain.changes] == [c.id for c in folded.changes]


def test_neighbours_that_changed_places_settle_as_they_were_judged() -> None:
    """A pack that its device timed before the commission, which came first: no alert is ever told, and yet it is no plain order."""
    unit, case = key("U1"), key("P1")
    commission = Event(
        "e2", EventType.OBJECT, START + 3 * SECOND, Action.ADD, biz_step="commissioning", epcs=(unit,), lot="L7", device="d-1"
    )
    pack_later = Event("e1", EventType.AGGREGATION, START, Action.ADD, biz_step="packing", parent=case, children=(unit,), device="d-2")
    found = run(ops_of([(commission, START + SECOND), (pack_later, START + MINUTE)]), 1)
    item = found.items[unit]
    assert not item.alerts and item.parent == case
    found.tick(START + 4 * DAY)
    assert item.base is not None and item.base.last[2] == "e2~e1"


@slow
@given(worlds(), st.integers(0, 3))
def test_the_clock_applied_twice_is_applied_once(world: list[tuple[Event, int]], seed: int) -> None:
    found = run(ops_of(world), seed)
    for item in found.items.values():
        before = pack(item), content_of(item)
        judged = judge.apply_clock(item, REFERENCE, found.clock)
        assert (judged.alerts, judged.facts, judged.content) == ([], [], {})
        assert (pack(item), content_of(item)) == before


def test_the_generated_worlds_reach_what_they_should() -> None:
    """A property over worlds in which nothing happens proves nothing."""
    rules: set[str] = set()
    outcomes: set[str] = set()

    @settings(max_examples=1500, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(worlds())
    def look(world: list[tuple[Event, int]]) -> None:
        found = run(ops_of(world)[::-1], 0)
        rules.update(change.rule for change in found.changes)
        outcomes.update(found.outcomes)

    look()
    assert {"two-parents", "hierarchy-loop", "level-inversion", "wrong-unpack", "duplicate-commissioning", "terminal-item"} <= rules
    assert {"resent", "double_scan", "repeat", "conflict", "corrected", "refused"} <= outcomes

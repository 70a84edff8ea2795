"""The stream is a function of the recipe; its plant is consistent: counts, order, ids, partial flags, no item used twice."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packtrace.codec.raw_event import RawEvent
from packtrace.errors import RefusedError
from packtrace.simulator.faults import FAULTS
from packtrace.simulator.messages import Message, item_key, raw_event
from packtrace.simulator.recipe import Recipe
from packtrace.simulator.stream import Stream, read_faults

START = 1_795_000_000_000_000

recipes = st.builds(
    Recipe,
    seed=st.integers(0, 2**32),
    lines=st.integers(1, 4),
    units=st.integers(1, 150),
    units_per_case=st.integers(1, 12),
    cases_per_pallet=st.integers(1, 4),
    units_per_batch=st.integers(5, 60),
    epcs_per_event=st.sampled_from([1, 7, 40]),
    camera_rejects=st.sampled_from([0, 0.2]),
    print_rejects=st.sampled_from([0, 0.2]),
    noise=st.sampled_from([0, 0.3]),
    faults=st.sampled_from([{}, dict.fromkeys(FAULTS, 1)]),
)
worlds = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def told(stream: Stream) -> list[RawEvent]:
    return [raw_event(message) for message in stream]


@worlds
@given(recipes)
def test_the_same_recipe_gives_the_same_stream_and_the_same_truth(recipe: Recipe) -> None:
    one, other = Stream(recipe, START), Stream(recipe, START)
    assert told(one) == told(other)
    assert one.truth == other.truth


@worlds
@given(recipes, st.integers(1, 10**6))
def test_another_start_moves_times_and_boot_and_nothing_else(recipe: Recipe, later_milliseconds: int) -> None:
    shift = later_milliseconds * 1000
    one, other = Stream(recipe, START), Stream(recipe, START + shift)
    boot, other_boot = START // 1000, (START + shift) // 1000
    for a, b in zip(told(one), told(other), strict=True):
        assert b.event_time - a.event_time == shift
        assert b.id.split("/") == [a.id.split("/")[0], str(other_boot), a.id.split("/")[2]]
        assert (a.epcs, a.parent, a.children, a.type, a.biz_step, a.lot) == (b.epcs, b.parent, b.children, b.type, b.biz_step, b.lot)
    assert [(fault.rule, fault.epc) for fault in one.truth.planted] == [(fault.rule, fault.epc) for fault in other.truth.planted]
    assert boot != other_boot


def test_another_seed_gives_other_serials() -> None:
    named = [{epc for message in Stream(Recipe(seed=seed, units=300), START) for epc in message.epcs} for seed in (1, 2)]
    assert not named[0] & named[1]


@worlds
@given(recipes)
def test_messages_go_out_in_order_and_never_before_they_happened(recipe: Recipe) -> None:
    messages = list(Stream(recipe, START))
    assert all(a.at <= b.at for a, b in pairwise(messages))
    assert all(START <= message.time <= message.at for message in messages if not recipe.noise)
    assert all(message.time <= message.at for message in messages)
    assert messages[-1].at <= START + recipe.span_seconds * 1_000_000


@worlds
@given(recipes)
def test_ids_are_unique_but_for_exact_resends(recipe: Recipe) -> None:
    by_id: dict[str, Message] = {}
    for message in Stream(recipe, START):
        assert raw_event(by_id.setdefault(message.id, message)) == raw_event(message)
    if not recipe.noise:
        assert len(by_id) == sum(1 for _ in Stream(recipe, START))


@worlds
@given(recipes)
def test_the_plant_adds_up(recipe: Recipe) -> None:
    stream = Stream(Recipe(**{name: getattr(recipe, name) for name in Recipe.__struct_fields__} | {"noise": 0, "faults": {}}), START)
    messages = [raw_event(message) for message in stream]
    commissioned = Counter(epc for event in messages if event.biz_step == "commissioning" for epc in event.epcs)
    packings = [event for event in messages if event.biz_step == "packing"]
    packed = Counter(child for event in packings for child in event.children)
    parents = Counter(event.parent for event in packings)
    rejected = {epc for event in messages if event.biz_step == "decommissioning" for epc in event.epcs}
    units = {epc for epc in commissioned if "/01/0" in epc}
    assert max(commissioned.values()) == max(packed.values(), default=1) == max(parents.values(), default=1) == 1
    assert len(units) == stream.units == recipe.units
    assert units - rejected == {epc for epc in packed if "/01/0" in epc}
    assert len(packings) == stream.cases + stream.pallets
    assert set(parents) | set(packed) <= set(commissioned)
    shipped = [epc for event in messages if event.biz_step == "shipping" and event.line for epc in event.epcs]
    received = [epc for event in messages if event.biz_step == "receiving" for epc in event.epcs if "/00/" in epc]
    assert len(shipped) == stream.pallets
    assert sorted(shipped) == sorted(received)


@worlds
@given(recipes)
def test_partial_is_said_of_short_cases_and_pallets_only(recipe: Recipe) -> None:
    faults_and_repeats = {"faults": {}, "noise": 0}
    stream = Stream(Recipe(**{name: getattr(recipe, name) for name in Recipe.__struct_fields__} | faults_and_repeats), START)
    for event in map(raw_event, stream):
        if event.biz_step == "packing":
            holds_units = "/01/0" in event.children[0]
            full = recipe.units_per_case if holds_units else recipe.cases_per_pallet
            assert event.partial == (len(event.children) < full)
        else:
            assert not event.partial


def test_lots_change_with_the_batch_and_cases_hold_one_lot() -> None:
    lot_of: dict[str, str] = {}
    lots = set()
    for event in map(raw_event, Stream(Recipe(seed=3, lines=1, units=95, units_per_batch=30), START)):
        if event.lot:
            lots.add(event.lot)
            lot_of.update(dict.fromkeys(event.epcs, event.lot))
        if event.biz_step == "packing" and "/01/0" in event.children[0]:
            assert len({lot_of[child] for child in event.children}) == 1
    assert len(lots) == 4


def test_every_identifier_can_be_read() -> None:
    from packtrace.codec.identifiers import parse_gln, parse_item

    for event in map(raw_event, Stream(Recipe(seed=4, units=200, faults=dict.fromkeys(FAULTS, 2), noise=0.1), START)):
        for epc in (*event.epcs, *event.children, *([event.parent] if event.parent else [])):
            assert parse_item(epc) == item_key(epc)
        assert parse_gln(event.place) == event.place


def test_lines_stop_when_they_are_told_to() -> None:
    stream = Stream(Recipe(seed=5, units=10**9), START)
    messages = iter(stream)
    for _ in range(100):
        next(messages)
    stream.stop()
    rest = [raw_event(message) for message in messages]
    assert stream.units < 120
    assert rest[-1].biz_step == "dispensing"


# fmt: off
READ = {
    "none":                                dict[str, int](),
    "0":                                   dict.fromkeys(FAULTS, 0),
    "2":                                   dict.fromkeys(FAULTS, 2),
    "two-parents=3, terminal-item":        {"two-parents": 3, "terminal-item": 1},
}
# fmt: on


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_faults_are_read(text: str, expected: dict[str, int]) -> None:
    assert read_faults(text) == expected


@pytest.mark.parametrize("text", ["", "x", "two-parents=-1", "two-parents=٣", "100001", "two-parents="])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="--faults"):
        read_faults(text)


@pytest.mark.parametrize(
    "change", [{"lines": 0}, {"lines": 65}, {"units": 0}, {"noise": 1.5}, {"packs_per_minute": 0}, {"epcs_per_event": 100_001}]
)
def test_a_recipe_out_of_range_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(RefusedError, match="expected"):
        Stream(Recipe(**{"seed": 1} | change), START)  # type: ignore[arg-type]

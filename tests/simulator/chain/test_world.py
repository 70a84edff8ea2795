"""A world is a function of its recipe; what it labels is what the domain says; what is innocent leaves nothing standing."""

from __future__ import annotations

from collections import Counter

import pytest

from packtrace.codec.event_check import check
from packtrace.domain.reference import Reference, parse_file
from packtrace.errors import RefusedError
from packtrace.simulator.chain.faults import FAULTS, NEED_LOG_TIME, per_rule, read_faults
from packtrace.simulator.chain.recipe import END_STEP, HOUR, Recipe, last_end
from packtrace.simulator.chain.reference import merged
from packtrace.simulator.chain.world import World
from packtrace.simulator.encode import Encoder
from packtrace.simulator.messages import Message, raw_event
from packtrace.simulator.truth import decode, encode
from tests.simulator.chain.memory import Memory
from tests.simulator.chain.worlds import ALL, END, scored, world

ORDERS = ("arrival", "event", "shuffled")


def published(made: World) -> bytes:
    encoder = Encoder(1)
    return b"".join(map(encoder.encode, made))


def content(made: Message) -> tuple[object, ...]:
    """A message without the moment it goes out at."""
    return made.id, made.time, made.epcs, made.parent, made.children, made.sequence, made.template.biz_step, made.template.lot


def test_the_same_recipe_gives_the_same_bytes() -> None:
    one, other = world(3, noise="high", faults=ALL), world(3, noise="high", faults=ALL)
    assert published(one) == published(other)
    assert (one.reference, one.late_reference, encode(one.truth)) == (other.reference, other.late_reference, encode(other.truth))


def test_another_seed_shares_no_serial() -> None:
    named = [{epc for made in world(seed) for epc in (*made.epcs, *made.children) if "/21/" in epc} for seed in (1, 2)]
    assert not named[0] & named[1]


def test_orders_publish_the_same_events() -> None:
    worlds = [world(5, noise="high", faults=ALL, order=order) for order in ORDERS]
    assert len({frozenset(Counter(map(content, made)).items()) for made in worlds}) == 1
    assert len({encode(made.truth).partition(b"\n")[2] for made in worlds}) == 1
    assert len({tuple(made.id for made in one) for one in worlds}) == 3
    for made in worlds:
        assert all(one.at <= other.at for one, other in zip(made.messages, made.messages[1:], strict=False))


def test_a_truth_file_of_a_world_reads_as_it_was_written() -> None:
    truth = world(2, noise="high", faults=ALL).truth
    assert decode(encode(truth), "truth.jsonl") == truth
    assert truth.run.counts["events"] > 1_000
    assert truth.run.flags["noise"] == "high"


@pytest.mark.parametrize("seed", range(1, 4))
def test_what_is_labelled_stands_and_nothing_else(seed: int) -> None:
    made = world(seed, noise="high", faults=ALL, order=ORDERS[seed % 3])
    found = scored(made, Memory().tell(made).told())
    assert (found.missing, found.extra) == ((), ())
    assert found.withdrawn


@pytest.mark.parametrize("noise", ["none", "low", "high"])
def test_innocent_worlds_leave_only_what_rules_want_told(noise: str) -> None:
    made = world(7, units=600, noise=noise)
    found = scored(made, Memory().tell(made).told())
    assert found.perfect
    assert {label.rule for label in made.truth.planted} <= {"scanner-fault"}
    assert bool(made.truth.planted) == (noise != "none")


def test_high_noise_has_every_kind() -> None:
    made = world(1, units=2_000, noise="high")
    assert min(made.noise.values()) > 0
    biz_steps = {one.template.biz_step for one in made}
    assert {"void_shipping", "repackaging", "urn:packtrace:bizstep:reactivating", "holding"} <= biz_steps
    assert {one.template.correction.reason for one in made if one.template.correction} == {"did_not_occur", "incorrect_data"}
    assert b"-00" in made.reference + made.late_reference
    assert parse_file(made.late_reference)


def test_every_event_can_be_read_and_lies_in_its_month() -> None:
    made = world(4, units=800, noise="high", faults=ALL)
    future = {label.event for label in made.truth.planted if label.rule == "future-event"}
    for one in made:
        check(raw_event(one), log_time=made.recipe.end + HOUR)
        assert one.time < END or one.id in future


def test_the_reference_data_has_what_the_world_names_and_each_entity_once() -> None:
    made = world(4, noise="high", faults=ALL)
    everything = Reference.empty().changed(parse_file(merged(made.reference, made.late_reference)))
    for one in made:
        if one.template.device:
            assert everything.device(one.template.device) is not None


def test_what_is_told_after_its_window_is_labelled_late() -> None:
    """The log takes a month here, as the world planned it: events settle, and what comes after is late."""
    made = world(6, units=100, noise="low", faults={"late-beyond-window": 3, "two-parents": 2})
    found = scored(made, Memory(planned=True).tell(made).told())
    assert (found.missing, found.extra) == ((), ())


def test_a_world_ends_on_the_half_day_and_lies_behind() -> None:
    now = END + 5 * HOUR
    assert last_end(now) == END
    assert last_end(END + HOUR - 1) == END - END_STEP
    assert last_end(END + 13 * HOUR) == END + 12 * HOUR


# fmt: off
READ = {
    "none":                             dict[str, int](),
    "all":                              per_rule(20_000),
    "2":                                dict.fromkeys(per_rule(0), 2),
    "two-parents=3, undo-too-late":     {"two-parents": 3, "undo-too-late": 1},
}
# fmt: on


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_faults_are_read(text: str, expected: dict[str, int]) -> None:
    assert read_faults(text, 20_000) == expected


@pytest.mark.parametrize("text", ["", "x", "two-parents=-1", "two-parents=٣", "100001", *NEED_LOG_TIME])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="--faults"):
        read_faults(text, 100)


@pytest.mark.parametrize("change", [{"units": 0}, {"lines": 1}, {"noise": "loud"}, {"order": "random"}, {"within_hours": -1}, {"end": 1}])
def test_a_recipe_out_of_range_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(RefusedError, match="expected"):
        Recipe(**{"seed": 1, "end": END} | change).check()  # type: ignore[arg-type]


def test_every_story_has_its_own_name() -> None:
    names = [story.__name__ for stories in FAULTS.values() for story in stories]
    assert len(set(names)) == len(names)
    assert {label.story for label in world(1, faults=ALL).truth.planted} >= {
        story.__name__ for rule, stories in FAULTS.items() if rule not in NEED_LOG_TIME for story in stories
    }

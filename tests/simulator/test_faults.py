"""Every planted fault, judged by the real domain, raises exactly its alert on its item, and noise raises nothing that stays."""

from __future__ import annotations

from random import Random

import pytest

from packtrace.simulator import world
from packtrace.simulator.faults import FAULTS
from packtrace.simulator.messages import raw_event
from packtrace.simulator.recipe import Recipe
from packtrace.simulator.score import score
from packtrace.simulator.stream import Stream
from tests.simulator.judged import Site

START = 1_795_000_000_000_000
REFERENCE = world.reference_file(world.demo_site(lines=3))
SEEDS = range(1, 21)


def judged(stream: Stream, order: Random | None = None) -> Site:
    """The stream in order of arrival, or in a random one."""
    events = [(message.at, raw_event(message)) for message in stream]
    if order is not None:
        last = events[-1][0]
        events = [(last, raw) for _, raw in order.sample(events, len(events))]
    return Site(REFERENCE).tell(events).settle()


def recipe(seed: int, **changes: object) -> Recipe:
    given: dict[str, object] = {"seed": seed, "lines": 3, "units": 150, "units_per_batch": 30} | changes
    return Recipe(**given)  # type: ignore[arg-type]


def assert_exact(stream: Stream, site: Site) -> None:
    told = score([stream.truth], site.told(), whole_system=True)
    assert not told.missing
    assert not told.extra


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_among_good_production_are_found_and_nothing_else(seed: int) -> None:
    stream = Stream(recipe(seed, faults=dict.fromkeys(FAULTS, 4)), START)
    site = judged(stream)
    assert_exact(stream, site)
    offenders = {fault.event for fault in stream.truth.planted}
    assert {alert.events[0] for alert in site.standing} == offenders


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_leaves_nothing_standing(seed: int) -> None:
    stream = Stream(recipe(seed, noise=0.4, camera_rejects=0.05, opened_every=1), START)
    assert not judged(stream).standing


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_are_found_in_noise_and_in_any_order(seed: int) -> None:
    made = recipe(seed, units=60, noise=0.3, faults=dict.fromkeys(FAULTS, 2))
    stream = Stream(made, START)
    assert_exact(stream, judged(stream))
    shuffled = Stream(made, START)
    assert_exact(shuffled, judged(shuffled, Random(seed)))


@pytest.mark.parametrize("rule", FAULTS)
def test_each_variant_alone(rule: str) -> None:
    for lines in (1, 3):
        stream = Stream(recipe(1, lines=lines, units=lines, faults={rule: 2 * len(FAULTS[rule][1])}), START)
        assert_exact(stream, judged(stream))


@pytest.mark.parametrize("pace", [{"dock_seconds": 2.0, "transit_seconds": 3.0}, {"packs_per_minute": 30_000.0}, {"epcs_per_event": 40}])
def test_other_paces_raise_nothing_either(pace: dict[str, float]) -> None:
    stream = Stream(recipe(1, noise=0.2, opened_every=1, **pace), START)
    assert not judged(stream).standing

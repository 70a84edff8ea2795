"""``wait`` returns only when everything that follows from what was captured before has arrived, however the processes interleave."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.cli.settled import FACT_HOPS_MAX, Lag, LateError, TrackerPosition, Waiter
from packtrace.ports import Position, TopicPartition

PARTITIONS = 3
ACTORS = ("route", "apply", "commit", "store", "noise")
EVENTS = TopicPartition("events", 0)
HISTORY = TopicPartition("history", 0)


class Op(NamedTuple):
    """A record of ops: a chain of facts with ``hops`` still to come; ``source`` is None for the event itself."""

    chain: int
    hops: int
    source: tuple[int, int] | None


class World:
    """Router, tracker and sink as counters that move one step at a time in a random order."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pace = [self.random.choice([1, 1, 5, 50]) for _ in ACTORS]
        self.events: list[tuple[int, int]] = []
        self.routed_to = 0
        self.ops: list[list[Op]] = [[] for _ in range(PARTITIONS)]
        self.applied_to = [0] * PARTITIONS
        self.committed = [TrackerPosition(0, {}) for _ in range(PARTITIONS)]
        self.history = 0
        self.stored_to: Counter[TopicPartition] = Counter()
        self.done: Counter[int] = Counter()
        self.noise = 0
        self.frozen: set[str] = set()

    def publish(self, chain: int, hops: int) -> None:
        self.events.append((chain, hops))

    def step(self) -> None:
        (actor,) = self.random.choices(ACTORS, self.pace)
        if actor in self.frozen:
            return
        if actor == "route" and self.routed_to < len(self.events):
            chain, hops = self.events[self.routed_to]
            self.random.choice(self.ops).append(Op(chain, hops, None))
            self.routed_to += 1
        elif actor == "apply":
            number = self.random.randrange(PARTITIONS)
            if self.applied_to[number] < len(self.ops[number]):
                self.apply(number)
        elif actor == "commit":
            number = self.random.randrange(PARTITIONS)
            facts = dict(self.committed[number].facts)
            for op in self.ops[number][: self.applied_to[number]]:
                if op.source is not None:
                    facts[f"ops/{op.source[0]}"] = max(facts.get(f"ops/{op.source[0]}", Position(-1, 0)), Position(op.source[1], 0))
            self.committed[number] = TrackerPosition(self.applied_to[number], facts)
        elif actor == "store":
            self.stored_to[HISTORY] = self.history
            self.stored_to[EVENTS] = len(self.events)
        elif actor == "noise" and self.noise:
            self.noise -= 1
            self.publish(-1, self.random.randint(0, 3))

    def apply(self, number: int) -> None:
        offset = self.applied_to[number]
        op = self.ops[number][offset]
        self.done[op.chain] += 1
        self.history += 1
        if op.hops:
            self.random.choice(self.ops).append(Op(op.chain, op.hops - 1, (number, offset)))
        self.applied_to[number] += 1

    def sleep(self, seconds: float) -> None:
        for _ in range(self.random.randint(1, 12)):
            self.step()

    # what ``Positions`` asks
    def ends(self, topic: str) -> dict[TopicPartition, int]:
        self.sleep(0)
        return {
            "events": {EVENTS: len(self.events)},
            "ops": {TopicPartition("ops", number): len(ops) for number, ops in enumerate(self.ops)},
            "history": {HISTORY: self.history},
        }.get(topic, {})

    def routed(self, topic: str) -> dict[TopicPartition, int]:
        self.sleep(0)
        return {EVENTS: self.routed_to}

    def tracked(self) -> dict[int, TrackerPosition]:
        self.sleep(0)
        return dict(enumerate(self.committed))

    def stored(self, topic: str) -> dict[TopicPartition, int]:
        self.sleep(0)
        return dict(self.stored_to)


def waiter(world: World, tries: int = 200_000) -> Waiter:
    left = [tries]

    def seconds_left() -> float:
        left[0] -= 1
        return left[0]

    return Waiter(world, seconds_left, world.sleep, lambda lags: None)


@settings(max_examples=120)
@given(
    seed=st.integers(0, 2**32),
    chains=st.lists(st.integers(0, FACT_HOPS_MAX), min_size=1, max_size=6),
    noise=st.sampled_from([0, 0, 5, 40]),
)
def test_every_chain_of_facts_is_applied_and_stored_when_it_returns(seed: int, chains: list[int], noise: int) -> None:
    world = World(seed)
    world.noise = noise
    for number, hops in enumerate(chains):
        world.publish(number, hops)
    waiter(world).wait()
    assert {number: world.done[number] for number in range(len(chains))} == {number: hops + 1 for number, hops in enumerate(chains)}
    committed = sum(position.offset for position in world.committed)
    assert world.stored_to[HISTORY] >= sum(hops + 1 for hops in chains)
    assert committed >= sum(hops + 1 for hops in chains)


def test_an_idle_system_takes_two_rounds() -> None:
    assert waiter(World(1)).wait() == 2


@pytest.mark.parametrize(
    ("frozen", "lag"),
    [
        ("route", Lag("the router", "events", 2)),
        ("commit", Lag("the tracker", "ops", 2)),
        ("store", Lag("the sink", "history", 2)),
    ],
)
def test_it_says_who_is_behind_and_by_how_much(frozen: str, lag: Lag) -> None:
    world = World(3)
    world.publish(0, 0)
    world.publish(1, 0)
    world.frozen.add(frozen)
    with pytest.raises(LateError) as caught:
        waiter(world, 200).wait()
    assert caught.value.lags == [lag]
    assert str(caught.value) == f"{lag.who} is 2 records behind the end of {lag.what}"

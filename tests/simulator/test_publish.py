"""The publisher keeps the pace, counts what is acknowledged, and says what it planted only when it is stored."""

from __future__ import annotations

import pytest

from packtrace.adapters.log_memory import MemoryLog, MemoryWriter
from packtrace.errors import UnavailableError
from packtrace.simulator.encode import Encoder
from packtrace.simulator.faults import FAULTS
from packtrace.simulator.publish import Progress, Publisher
from packtrace.simulator.recipe import Recipe
from packtrace.simulator.stream import Stream

START = 1_795_000_000_000_000


class Clock:
    """A wall clock that stands still but for sleeps and an optional step per question."""

    def __init__(self, step: int = 0) -> None:
        self.now = START
        self.step = step

    def __call__(self) -> int:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(int(seconds * 1_000_000), 1)


def id_of(value: bytes | None) -> str:
    """The first field of the record; shorter than 64 bytes here."""
    assert value is not None
    return value[6 : 6 + value[5] // 2].decode()


def publisher(recipe: Recipe, log: MemoryLog, clock: Clock, *, real_time: bool, told: list[Progress] | None = None) -> Publisher:
    return Publisher(
        Stream(recipe, START), MemoryWriter(log), Encoder(1), real_time=real_time, now_microseconds=clock, sleep=clock.sleep,
        on_progress=(told if told is not None else []).append,
    )  # fmt: skip


def test_in_real_time_every_record_is_stored_when_it_is_due() -> None:
    recipe = Recipe(seed=1, units=60, noise=0.1)
    clock, log, told = Clock(), MemoryLog(), list[Progress]()
    summary = publisher(recipe, log, clock, real_time=True, told=told).run()
    messages = list(Stream(recipe, START))
    assert clock.now >= messages[-1].at
    assert clock.now - messages[-1].at < 100_000
    assert summary.progress.events == len(messages) == len(log.topic("events"))
    assert summary.progress.operations == sum(message.operations for message in messages)
    assert [progress.events for progress in told] == sorted(progress.events for progress in told)
    assert len(told) > 50


def test_flat_out_it_does_not_sleep_and_keys_by_source() -> None:
    recipe = Recipe(seed=1, units=500, faults=dict.fromkeys(FAULTS, 1))
    clock, log = Clock(), MemoryLog()
    summary = publisher(recipe, log, clock, real_time=False).run()
    assert clock.now == START
    keys = {record.key for record in log.topic("events")}
    assert {b"line-1", b"line-2", b"distributor-1", b"rework-1"} <= keys
    assert summary.planted == dict.fromkeys(sorted(FAULTS), 1)
    assert summary.truth == Stream(recipe, START).truth
    assert summary.complete


def test_when_the_time_is_over_lines_end_their_batch() -> None:
    log = MemoryLog()
    summary = publisher(Recipe(seed=1, units=1_000_000), log, Clock(step=100_000), real_time=False).run(wall_seconds_max=1)
    assert 0 < summary.progress.units < 20_000
    assert summary.progress.events == summary.progress.written == len(log.topic("events"))


def test_a_run_that_is_interrupted_tells_only_what_it_published() -> None:
    recipe = Recipe(seed=1, units=300, faults=dict.fromkeys(FAULTS, 2))
    clock, log = Clock(), MemoryLog()
    moments = iter(range(200))

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if next(moments, None) is None:
            raise KeyboardInterrupt

    stream = Stream(recipe, START)
    summary = Publisher(stream, MemoryWriter(log), Encoder(1), real_time=True, now_microseconds=clock, sleep=sleep).run()
    assert not summary.complete
    assert 0 < len(summary.truth.planted) < len(stream.truth.planted)
    stored = {id_of(record.value) for record in log.topic("events")}
    assert summary.truth.planted == tuple(fault for fault in stream.truth.planted if fault.event in stored)


def test_a_broker_that_loses_a_record_ends_the_run() -> None:
    log = MemoryLog()
    log.fail_writes = 1
    with pytest.raises(UnavailableError):
        publisher(Recipe(seed=1, units=100), log, Clock(), real_time=False).run()

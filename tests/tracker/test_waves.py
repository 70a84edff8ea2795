"""Waves: order within a partition is the log's, nothing is lost, and a bite never has half a wave that is all there."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from packtrace.codec.wire import wave_header, wave_of
from packtrace.ports import LogRecord
from packtrace.tracker.waves import Waves

PARTITIONS = 4
WRITTEN = st.lists(st.tuples(st.integers(0, PARTITIONS - 1), st.integers(1, 12), st.booleans()), max_size=60)
"""Records as they stand in the log: (partition, wave, whether it says so)."""


def logged(written: list[tuple[int, int, bool]]) -> list[LogRecord]:
    offsets: defaultdict[int, int] = defaultdict(int)
    records = []
    for partition, wave, says in sorted(written, key=lambda one: one[1]):
        records.append(LogRecord("ops", partition, offsets[partition], None, b"x" * 10, wave, wave_header(wave) if says else ()))
        offsets[partition] += 1
    return records


def wave(record: LogRecord) -> int:
    named = wave_of(record.headers)
    return record.log_time if named is None else named


@given(WRITTEN, st.lists(st.integers(0, PARTITIONS - 1), max_size=200), st.integers(1, 200))
def test_whole_waves_in_the_order_of_the_log(written: list[tuple[int, int, bool]], turns: list[int], bytes_max: int) -> None:
    """However the broker hands out partitions, a record at a time from any: no wave is cut while more of it may come."""
    records = logged(written)
    of: dict[int, list[LogRecord]] = {p: [record for record in records if record.partition == p] for p in range(PARTITIONS)}
    read = dict.fromkeys(of, 0)
    waves = Waves()
    taken: list[LogRecord] = []
    bites: list[list[LogRecord]] = []
    for partition in [*turns, *(p for p in of for _ in of[p])]:
        if read[partition] < len(of[partition]):
            waves.add([of[partition][read[partition]]])
            read[partition] += 1
        while bite := waves.take(bytes_max, [p for p in of if read[p] < len(of[p])]):
            bites.append(bite)
            taken += bite
    assert waves.bytes == 0
    assert not waves
    for partition, mine in of.items():
        assert [record for record in taken if record.partition == partition] == mine
    several = {one: any(sum(wave(record) == one for record in mine) > 1 for mine in of.values()) for _, one, _ in written}
    for n, bite in enumerate(bites):
        whole = {wave(record) for record in bite}
        size = sum(len(record.value or b"") for record in bite)
        assert (
            size <= bytes_max or len(whole) == 1 or size - bytes_max < sum(len(r.value or b"") for r in bite if wave(r) == wave(bite[-1]))
        )
        later = {wave(record) for other in bites[n + 1 :] for record in other}
        assert not later or min(later) >= max(whole), "a later bite has an earlier wave"
        assert all(several[cut] for cut in later & whole), "a wave is cut that a partition could not have more of"


def test_a_bite_waits_for_partitions_that_are_behind() -> None:
    waves = Waves()
    waves.add(logged([(0, 1, True), (0, 2, True), (1, 1, True)]))
    assert waves.take(1_000, [2]) == []
    assert [(record.partition, wave(record)) for record in waves.take(1_000, [1])] == [(0, 1), (1, 1)]
    assert [(record.partition, wave(record)) for record in waves.take(1_000)] == [(0, 2)]


def test_what_is_forgotten_does_not_count() -> None:
    waves = Waves()
    waves.add(logged([(0, 1, True), (1, 1, True)]))
    assert waves.end(0) == 1
    waves.forget(0)
    assert (waves.end(0), waves.bytes) == (None, 10)
    waves.clear()
    assert not waves
    assert waves.bytes == 0

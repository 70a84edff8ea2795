"""Whatever crashes, repeats or comes in pieces, the table ends with every row of the lineage exactly once."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.errors import UnavailableError
from packtrace.ports import LogRecord, Position
from packtrace.sink.lane import Lane, Limits
from packtrace.sink.shell import Noticed, Sink
from tests.sink.world import Crash, CrashAt, CrashOn, Row, World


def rows_of(partition: int, offsets: int, rows_per_offset: int) -> list[Row]:
    return [(partition, offset, nth, f"item-{partition}-{offset}-{nth}") for offset in range(offsets) for nth in range(rows_per_offset)]


@st.composite
def tracked(draw: st.DrawFn) -> tuple[list[Row], list[list[Row]]]:
    """(all rows, records as a tracker writes them that crashes and goes back now and then, at other borders)."""
    truth: list[Row] = []
    written: list[list[list[Row]]] = []
    for partition in range(draw(st.integers(1, 4))):
        rows = rows_of(partition, draw(st.integers(1, 6)), draw(st.integers(1, 3)))
        truth += rows
        records: list[list[Row]] = []
        at, crashes_left = 0, draw(st.integers(0, 3))
        while at < len(rows):
            count = draw(st.integers(1, 5))
            records.append(rows[at : at + count])
            at += count
            if crashes_left and draw(st.booleans()):
                crashes_left -= 1
                at = draw(st.integers(0, min(at, len(rows))))
            if draw(st.integers(0, 9)) == 0:
                records.append([])
        written.append(records)
    merged: list[list[Row]] = []
    while any(written):
        lane = draw(st.sampled_from([number for number, records in enumerate(written) if records]))
        merged.append(written[lane].pop(0))
    return sorted(truth), merged


@settings(max_examples=300, deadline=None)
@given(
    data=tracked(),
    crashes=st.lists(st.integers(1, 12), max_size=6),
    poll_records_max=st.integers(1, 7),
    block_rows_max=st.integers(1, 9),
    lose_answers=st.integers(0, 3),
    halves=st.booleans(),
)
def test_rows_are_the_lineage_exactly(
    data: tuple[list[Row], list[list[Row]]],
    crashes: list[int],
    poll_records_max: int,
    block_rows_max: int,
    lose_answers: int,
    halves: bool,
) -> None:
    truth, records = data
    world = World()
    world.history.lose_answers = lose_answers
    first = records[: len(records) // 2] if halves else records
    for record in first:
        world.write(record)
    limits = Limits(block_rows_max=block_rows_max)
    for passages in crashes:
        sink, reader = world.sink(CrashAt(passages), limits, poll_records_max)
        try:
            world.run(sink)
        except Crash:
            reader.kill()
            continue
        reader.close()
    for record in records[len(first) :]:
        world.write(record)
    sink, _ = world.sink(limits=limits, poll_records_max=poll_records_max)
    world.run(sink)
    assert world.stored() == truth


def test_a_sleeper_that_wakes_up_after_it_was_replaced_changes_nothing() -> None:
    world = World()
    truth = rows_of(0, 3, 2)
    world.write(truth)
    later = rows_of(0, 5, 2)

    def fall_asleep(name: str) -> None:
        """The group throws the sleeper out; another takes over, stores that block and the next."""
        if name == "sink.after_intent" and not woken:
            woken.append(name)
            reader.kill()
            successor, _ = world.sink()
            world.run(successor)
            world.write(later[len(truth) :])
            world.run(successor)

    woken: list[str] = []
    sleeper, reader = world.sink(fall_asleep)
    sleeper.step()
    world.now += 1
    sleeper.step()
    assert woken
    assert world.stored() == later


def test_a_member_thrown_out_inserts_nothing_it_could_not_intend() -> None:
    world = World()
    world.write(rows_of(0, 2, 1))

    def thrown_out(name: str) -> None:
        if name == "sink.before_intent" and not thrown:
            thrown.append(name)
            reader.kill()

    thrown: list[str] = []
    sink, reader = world.sink(thrown_out)
    for _ in range(4):
        sink.step()
        world.now += 1
    assert world.stored() == []
    assert sink.trouble is not None
    assert "not ours" in sink.trouble


def test_while_the_table_is_away_memory_stays_flat_and_the_reason_is_told() -> None:
    world = World()
    world.write(rows_of(0, 1, 1))
    sink, _ = world.sink(poll_records_max=10)
    world.run(sink)
    world.history.away = True
    truth = rows_of(0, 300, 1)
    for row in truth[1:]:
        world.write([row])
    held = []
    for _ in range(50):
        sink.step()
        world.now += 0.3
        held.append(sink.buffered_bytes)
    assert trouble_of(sink) == "memory history: away"
    assert held[5:] == [held[5]] * len(held[5:])
    world.history.away = False
    world.now += 60
    world.run(sink)
    assert trouble_of(sink) is None
    assert world.stored() == truth


def test_what_was_read_is_stored_and_confirmed_on_drain() -> None:
    world = World()
    world.write(rows_of(0, 2, 1))
    sink, reader = world.sink()
    sink.step()
    sink.drain()
    reader.close()
    assert world.stored() == rows_of(0, 2, 1)
    assert world.log.group("packtrace-sink").positions[world.log.partitions("history")[0]].offset == 1


class Recovered(Noticed):
    def __init__(self) -> None:
        self.behind: list[tuple[str, ...]] = []

    def recovered(self, lane: Lane, behind: tuple[str, ...]) -> None:
        if behind:
            self.behind.append(behind)


def test_a_table_that_lost_its_last_rows_is_filled_again_though_it_remembers_their_tokens() -> None:
    world = World()
    truth = rows_of(0, 6, 2)
    for row in truth:
        world.write([row])
    sink, reader = world.sink(limits=Limits(block_rows_max=3))
    world.run(sink)
    reader.close()
    del world.history.tables["history"][5:]
    recovered = Recovered()
    sink, _ = world.sink(limits=Limits(block_rows_max=3), noticed=recovered)
    world.run(sink)
    assert world.stored() == truth
    assert recovered.behind == [("ops/0",)]


def test_a_block_lost_with_the_power_after_its_intent_is_stored_under_a_new_generation() -> None:
    world = World()
    truth = rows_of(0, 2, 2)
    world.write(truth)
    sink, reader = world.sink(CrashOn("sink.after_insert"))
    with pytest.raises(Crash):
        world.run(sink)
    reader.kill()
    world.history.tables["history"].clear()
    sink, _ = world.sink()
    world.run(sink)
    assert world.stored() == truth


def test_a_group_without_positions_goes_on_above_what_the_table_holds() -> None:
    world = World()
    truth = rows_of(0, 4, 1)
    for row in truth:
        world.write([row])
    sink, reader = world.sink()
    world.run(sink)
    reader.close()
    world.log.group("packtrace-sink").positions.clear()
    sink, _ = world.sink()
    world.run(sink)
    assert world.stored() == truth


def test_a_schema_that_cannot_be_had_now_loses_no_record() -> None:
    world = World()
    truth = rows_of(0, 2, 1)
    world.write(truth)
    sink, _ = world.sink()
    table = sink._tables["history"]
    real, table.read = table.read, unavailable  # type: ignore[method-assign]
    for _ in range(3):
        sink.step()
        world.now += 1
    assert sink.trouble == "registry: away"
    table.read = real  # type: ignore[method-assign]
    world.now += 10
    world.run(sink)
    assert world.stored() == truth


def trouble_of(sink: Sink) -> str | None:
    return sink.trouble


def unavailable(record: object) -> None:
    raise UnavailableError("registry: away")


def test_positions_order_as_lineage_does() -> None:
    assert Position(1, 9) < Position(2, 0) < Position(2, 1)


def test_an_answer_is_lost_and_the_tokens_are_forgotten_before_the_block_is_sent_again() -> None:
    world = World()
    truth = rows_of(0, 2, 2)
    world.write(truth)
    sink, _ = world.sink()
    world.history.lose_answers = 1
    for _ in range(4):
        sink.step()
        world.now += 0.04
        if sink.trouble is not None:
            break
        world.now += 0.3
    assert trouble_of(sink) == "memory history: the answer was lost"
    world.history.forget_tokens()
    world.run(sink)
    assert world.stored() == truth
    assert [table for table, _ in world.history.completed] == ["history"]


def test_a_block_in_doubt_that_was_lost_with_the_power_is_sent_under_a_new_generation() -> None:
    world = World()
    truth = rows_of(0, 2, 2)
    world.write(truth)
    sink, _ = world.sink()
    world.history.lose_answers = 1
    while sink.trouble is None:
        sink.step()
        world.now += 0.3
    world.history.tables["history"].clear()
    world.run(sink)
    assert world.stored() == truth


def test_a_slow_table_never_keeps_the_sink_from_the_group_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many partitions with a block each, an insert takes almost as long as the driver waits."""
    world = World(partitions=24)
    rows = [(partition, 0, 0, f"item-{partition}") for partition in range(24)]
    for row in rows:
        world.write([row])
    insert = world.history.insert

    def slow(*words: Any, derive: bool) -> None:
        world.now += 25
        insert(*words, derive=derive)

    monkeypatch.setattr(world.history, "insert", slow)
    sink, reader = world.sink()
    polls = [world.now]
    poll = reader.poll

    def watched(records_max: int, timeout_seconds: float) -> list[LogRecord]:
        polls.append(world.now)
        return poll(records_max, timeout_seconds)

    monkeypatch.setattr(reader, "poll", watched)
    world.run(sink)
    assert world.stored() == rows
    assert max(after - before for before, after in pairwise(polls)) < 120

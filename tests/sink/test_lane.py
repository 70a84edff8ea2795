"""When a block is due: full at once, after a pause soon, in a stream not too often."""

from __future__ import annotations

from packtrace.ports import Committed, LogRecord, Position, TopicPartition
from packtrace.sink.lane import RUSH_SPACINGS, Lane, Limits, recover
from tests.sink.world import Rows, encoded

import pytest  # isort: skip
from packtrace.errors import RefusedError  # isort: skip
from packtrace.sink.intent import Intent, encode  # isort: skip


def lane(limits: Limits = Limits()) -> Lane:
    made = Lane(TopicPartition("history", 0), Rows(2), limits)
    made.recovered = True
    return made


def record(offset: int, rows: int = 1) -> LogRecord:
    return LogRecord("history", 0, offset, None, encoded([(0, offset, n, "x") for n in range(rows)]), 0)


def take(into: Lane, one: LogRecord, now: float) -> None:
    into.add(one, now)
    into.read()


def test_after_a_pause_a_row_waits_a_moment_and_in_a_stream_for_the_spacing() -> None:
    one = lane()
    assert one.due_at() is None
    take(one, record(0), 10.0)
    assert one.due_at() == 10.25
    one.stored(one.form(), 10.3)
    take(one, record(1), 10.31)
    assert one.due_at() == 10.3 + 0.5
    one.stored(one.form(), 10.8)
    take(one, record(2), 20.0)
    assert one.due_at() == 20.25


def test_in_a_rush_blocks_are_further_apart_until_a_pause_or_the_rush_is_over() -> None:
    one = lane()
    take(one, record(0, 300), 10.0)
    one.stored(one.form(), 10.25)
    take(one, record(1, 300), 10.5)
    one.stored(one.form(), 10.75)  # 300 rows in half a second
    for number, now in enumerate((10.8, 11.0, 11.2), 2):
        take(one, record(number), now)
        assert one.due_at() == now + 0.25 or now + 0.25 < 10.75 + 0.5
    for number, now in enumerate((12.0, 12.3, 12.6), 5):
        take(one, record(number), now)
    assert one.due_at() == 10.75 + RUSH_SPACINGS * 0.5
    one.stored(one.form(), 12.75)  # six rows in two seconds
    take(one, record(8), 12.8)
    assert one.due_at() == 12.75 + 0.5


def test_a_full_block_is_due_at_once_and_holds_no_more_than_its_limit() -> None:
    one = lane(Limits(block_rows_max=4))
    take(one, record(0, 3), 10.0)
    take(one, record(1, 3), 11.0)
    assert one.due_at() == 10.0
    block = one.form()
    assert (block.start, block.end, block.rows) == (0, 1, 3)


def test_a_record_beyond_the_limit_is_a_block_by_itself() -> None:
    one = lane(Limits(block_rows_max=2))
    take(one, record(0, 5), 10.0)
    assert one.form().rows == 5


def test_a_range_to_form_again_waits_for_all_of_its_records() -> None:
    one = lane()
    one.reform_end = 3
    take(one, record(0), 1.0)
    take(one, record(1), 1.0)
    assert one.due_at() is None
    take(one, record(2), 1.0)
    take(one, record(3), 1.0)
    assert one.due_at() == 1.0
    assert (one.form().end, one.form().rows) == (3, 3)


def test_recovery_decides_from_the_position_the_table_and_the_log() -> None:
    held = {"ops/0": Position(7, 1)}
    fresh = recover(Committed(-1), held, 5, 90, 33)
    assert (fresh.position, fresh.generation, fresh.watermarks, fresh.reform_end) == (5, 33, held, None)
    set_by_a_tool = recover(Committed(40, "x"), held, 5, 90, 33)
    assert (set_by_a_tool.position, set_by_a_tool.generation, set_by_a_tool.watermarks) == (40, 33, held)
    pending = recover(Committed(40, encode(Intent(8, 60, {"ops/0": Position(7, 1)}))), held, 5, 90, 33)
    assert (pending.position, pending.generation, pending.reform_end) == (40, 8, 60)
    behind = recover(Committed(40, encode(Intent(8, 60, {"ops/0": Position(7, 2)}))), held, 5, 90, 33)
    assert (behind.position, behind.seek, behind.generation, behind.behind) == (5, 5, 33, ("ops/0",))
    with pytest.raises(RefusedError, match="lost some"):
        recover(Committed(40, encode(Intent(8, 60, {}))), held, 5, 50, 33)

"""The history is complete up to t once the sink has confirmed what the topics held after the live state had reached t."""

from __future__ import annotations

from packtrace.ports import TopicPartition
from packtrace.query.horizon import NOTES_MAX, Horizon

HISTORY = TopicPartition("history", 0)
ALERTS = TopicPartition("alerts", 0)


def test_it_advances_as_the_sink_confirms_and_never_before() -> None:
    horizon = Horizon()
    horizon.note(100, {HISTORY: 5, ALERTS: 2})
    horizon.note(200, {HISTORY: 9, ALERTS: 2})
    assert [horizon.reached] == [None]
    horizon.confirm({HISTORY: 9, ALERTS: 1})
    assert [horizon.reached] == [None]
    horizon.confirm({HISTORY: 8, ALERTS: 2})
    assert horizon.reached == 100
    horizon.confirm({HISTORY: 9, ALERTS: 2})
    assert horizon.reached == 200


def test_a_topic_that_never_held_anything_does_not_hold_it_back() -> None:
    horizon = Horizon()
    horizon.note(100, {HISTORY: 0, ALERTS: 0})
    horizon.confirm({})
    assert horizon.reached == 100


def test_while_the_sink_is_away_it_keeps_a_bounded_number_of_notes_and_then_catches_up() -> None:
    horizon = Horizon()
    for second in range(NOTES_MAX * 2):
        horizon.note(second, {HISTORY: second})
    horizon.confirm({HISTORY: NOTES_MAX * 2})
    assert horizon.reached == NOTES_MAX - 1
    horizon.note(NOTES_MAX * 2, {HISTORY: NOTES_MAX * 2})
    horizon.confirm({HISTORY: NOTES_MAX * 2})
    assert horizon.reached == NOTES_MAX * 2

"""Deadlines: whatever moves, and however the clock jumps, what is due is found; what is far away is not in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packtrace.tracker.deadlines import AHEAD_MICROSECONDS, Deadlines

KEYS = ("a", "b", "c")
TIMES = st.integers(0, 4).map(lambda n: n * AHEAD_MICROSECONDS // 2)
MOVES = st.lists(st.tuples(st.sampled_from(KEYS), st.none() | TIMES), max_size=4)


@given(st.lists(st.tuples(TIMES, MOVES, st.booleans()), max_size=8))
def test_what_is_due_is_found(steps: list[tuple[int, list[tuple[str, int | None]], bool]]) -> None:
    """Each step: the clock moves on, what is due sleeps, others move; the store takes it at once, or after the next."""
    found = Deadlines()
    true: dict[str, int] = {}
    stored: dict[str, int] = {}
    waiting: dict[str, int | None] = {}
    clock = 0
    for ahead, moves, waits in steps:
        clock += ahead
        until = found.wants(clock)
        if until is not None:
            found.take_in({key: time for key, time in stored.items() if time <= until}, waiting, until)
        due = {key: time for key, time in true.items() if time <= clock}
        assert set(found.passed(clock)) == set(due)
        assert found.take_passed(clock) == due
        for key in due:
            found.move(key, None)
            del true[key]
        for key, time in moves:
            found.move(key, time)
            if time is None:
                true.pop(key, None)
            else:
                true[key] = time
        take(stored, waiting)
        waiting = found.take_changes()
        if not waits:
            take(stored, waiting)
            waiting = {}


def take(stored: dict[str, int], changes: dict[str, int | None]) -> None:
    for key, time in changes.items():
        if time is None:
            stored.pop(key, None)
        else:
            stored[key] = time


def test_what_is_far_away_is_not_in_memory() -> None:
    found = Deadlines()
    found.take_in({}, {}, AHEAD_MICROSECONDS)
    for number in range(1_000):
        found.move(f"{number}", 100 * AHEAD_MICROSECONDS + number)
    assert len(found.take_changes()) == 1_000
    assert len(found) == 0

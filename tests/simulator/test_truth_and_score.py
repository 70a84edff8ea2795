"""The truth file survives writing and reading; the score tells missing, extra and other runs apart."""

from __future__ import annotations

from typing import Any

import pytest

from packtrace.errors import RefusedError
from packtrace.simulator.faults import FAULTS
from packtrace.simulator.recipe import Recipe
from packtrace.simulator.score import score
from packtrace.simulator.stream import Stream
from packtrace.simulator.truth import Planted, Truth, decode, encode, iso, microseconds

TRUTH = Stream(Recipe(seed=7, units=20, faults=dict.fromkeys(FAULTS, 2)), 1_795_000_000_123_456).truth


def alert(fault: Planted, **changes: Any) -> dict[str, Any]:
    """The alert that ``fault`` must raise, as the query service tells it."""
    time = iso(fault.event_time)
    cause = "item" if fault.cause == "item" else {"kind": fault.cause, "event_time": time, "place": fault.place}
    told = {"id": f"{fault.rule}/{fault.epc}", "rule": fault.rule, "status": "provisional", "epc": fault.epc, "cause": cause}
    return told | {"event_time": time, "events": [fault.event]} | changes


def test_a_truth_file_reads_as_it_was_written() -> None:
    assert decode(encode(TRUTH), "truth.jsonl") == TRUTH
    assert len(TRUTH.planted) == 2 * len(FAULTS)
    assert microseconds(iso(1_795_000_000_123_456)) == 1_795_000_000_123_456


# fmt: off
SPOILED = (
    #  text                                                             where
    (b"",                                                             "line 1"),
    (b"{}\n",                                                         "line 1"),
    (b'{"run":{"seed":1,"boot":2}}\n{"rule":"x"}\n',                  "line 2"),
    (encode(TRUTH).replace(b"2026-", b"20x6-"),                       "line 2"),
)
# fmt: on


@pytest.mark.parametrize(("text", "where"), SPOILED)
def test_a_spoiled_truth_file_says_where(text: bytes, where: str) -> None:
    with pytest.raises(RefusedError, match=where):
        decode(text, "truth.jsonl")


def test_all_found_is_perfect() -> None:
    told = score([TRUTH], [alert(fault) for fault in TRUTH.planted], whole_system=True)
    assert told.perfect
    assert [(rule.planted, rule.found, rule.not_planted) for rule in told.rules] == [(2, 2, 0)] * len(FAULTS)


@pytest.mark.parametrize("changes", [{"status": "withdrawn"}, {"rule": "other"}, {"epc": "https://id.gs1.org/00/000000000000000000"}])
def test_an_alert_that_is_withdrawn_or_another_leaves_its_fault_missing(changes: dict[str, Any]) -> None:
    first, *rest = TRUTH.planted
    told = score([TRUTH], [alert(first, **changes), *(alert(fault) for fault in rest)], whole_system=True)
    assert told.missing == (first,)
    assert len(told.extra) == (0 if "status" in changes else 1)


def test_an_alert_of_another_event_is_another_alert_only_where_each_event_has_its_own() -> None:
    for fault in TRUTH.planted:
        moved = alert(fault, event_time=iso(fault.event_time + 1_000_000))
        others = [alert(other) for other in TRUTH.planted if other != fault]
        assert score([TRUTH], [moved, *others], whole_system=True).perfect == (fault.cause == "item")


def test_the_same_alert_twice_is_one_too_many() -> None:
    alerts = [alert(fault) for fault in TRUTH.planted]
    assert len(score([TRUTH], [*alerts, alerts[0]], whole_system=True).extra) == 1


def test_alerts_of_other_runs_count_only_when_the_whole_system_is_asked_about() -> None:
    foreign = alert(TRUTH.planted[0], epc="https://id.gs1.org/00/106141412345678908", events=["line-1/5/17"])
    alerts = [*(alert(fault) for fault in TRUTH.planted), foreign]
    assert score([TRUTH], alerts, whole_system=False).perfect
    assert not score([TRUTH], alerts, whole_system=True).perfect


def test_two_truths_are_scored_together() -> None:
    other = Stream(Recipe(seed=8, units=20, faults={"two-parents": 1}), 1_796_000_000_000_000).truth
    alerts = [alert(fault) for truth in (TRUTH, other) for fault in truth.planted]
    assert score([TRUTH, other], alerts, whole_system=True).perfect
    assert not score([TRUTH], alerts, whole_system=True).perfect
    assert score([Truth(TRUTH.run, ())], [], whole_system=True).perfect

"""Which options ask for a labelled world, and what it writes; no server is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from packtrace.cli.app import app
from packtrace.cli.simulate_world import Asked, make, wanted
from packtrace.codec.event_check import check
from packtrace.codec.event_json import raw_from_json
from packtrace.domain.reference import parse_file
from packtrace.errors import RefusedError
from packtrace.simulator.chain.recipe import HOUR, last_end
from packtrace.simulator.messages import raw_event
from packtrace.simulator.truth import decode, iso

NOW = 1_795_323_600_000_000
"""2026-11-22T05:00:00Z."""


def asked(**changes: Any) -> Asked:
    plain: dict[str, Any] = {
        "world": False, "lines": None, "units": 50, "seed": 1, "noise": "none", "faults": "none", "order": "arrival", "within": "6h",
        "end": None, "graces": None, "write_events": None, "truth": None, "load_reference": True, "write_reference": None,
    }  # fmt: skip
    return Asked(**plain | changes)


# fmt: off
WORLDS: tuple[dict[str, Any], ...] = ({"world": True}, {"noise": "low"}, {"noise": "high"}, {"order": "event"}, {"faults": "all"}, {"faults": "undo-too-late=2"}, {"graces": 2})
LIVE: tuple[dict[str, Any], ...] = ({}, {"noise": "0.1"}, {"faults": "2"}, {"faults": "two-parents=3"}, {"faults": "none"})
# fmt: on


@pytest.mark.parametrize("changes", WORLDS)
def test_words_ask_for_a_world_and_not_for_a_rate(changes: dict[str, Any]) -> None:
    assert wanted(asked(**changes), None)
    assert wanted(asked(**changes), 0)
    with pytest.raises(RefusedError, match="--rate"):
        wanted(asked(**changes), 300)


@pytest.mark.parametrize("changes", LIVE)
def test_numbers_ask_for_lines(changes: dict[str, Any]) -> None:
    assert not wanted(asked(**changes), None)
    assert not wanted(asked(**changes), 300)


def test_made_twice_within_half_a_day_it_is_the_same() -> None:
    one, other = make(asked(noise="high"), NOW), make(asked(noise="high"), NOW + HOUR)
    assert [raw_event(made) for made in one] == [raw_event(made) for made in other]
    assert one.recipe.end == last_end(NOW) <= NOW - HOUR


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"within": "6"}, "--within"),
        ({"end": iso(NOW)}, "hour ago"),
        ({"end": "20h", "faults": "all"}, "15 h"),
        ({"noise": "loud"}, "noise"),
    ],
)
def test_what_cannot_be_published_is_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(RefusedError, match=match):
        make(asked(**changes), NOW)


def test_events_reference_and_truth_can_be_written_down(tmp_path: Path) -> None:
    events, reference, truth = tmp_path / "events.jsonl", tmp_path / "reference.json", tmp_path / "truth.jsonl"
    common = ["simulate", "--units", "50", "--seed", "1", "--noise", "high", "--faults", "two-parents=2", "--end", "2026-11-22"]
    runner = CliRunner()
    written = runner.invoke(app, [*common, "--write-events", str(events), "--truth", str(truth)])
    assert written.exit_code == 0, written.output
    assert runner.invoke(app, [*common, "--write-reference", str(reference)]).exit_code == 0
    told = [check(raw_from_json(row)) for row in events.read_bytes().splitlines()]
    planted = decode(truth.read_bytes(), "truth").planted
    assert {label.event for label in planted} <= {event.id for event in told}
    assert [label.rule for label in planted].count("two-parents") == 2
    changes = parse_file(reference.read_bytes())
    assert len({(change.entity, change.key) for change in changes}) == len(changes)

"""The demo succeeds only when everything planted was found, nothing else stands and the rows match."""

from __future__ import annotations

from io import StringIO
from typing import Any

import msgspec
import pytest
from rich.console import Console

from packtrace.cli.demo_report import Burst, Findings, counts_table, score_table, verdict
from packtrace.cli.demo_screen import Screen
from packtrace.simulator.score import Finding, RuleScore, Score
from packtrace.simulator.truth import Planted

STATS = {
    "history_rows": 130, "history_rows_unique": 130, "ops": 100, "ops_expected": 100, "facts": 30, "items": 50, "events": 60,
    "rejected": 0, "alert_changes": 9, "alert_changes_unique": 9,
}  # fmt: skip
GOOD = Findings(
    events=60, operations=100, stats=STATS, score=Score((RuleScore("two-parents", 2, 2, 0),), (), (), 3),
    line_latency=[90_000, 110_000], burst_latency=[900_000], burst=Burst(20, 40, 60, 1.0, 2.0),
)  # fmt: skip
MISSING = Planted("two-parents", "https://id.gs1.org/01/x", "x", "a/1/2", 0, "", "pack")
EXTRA = Finding("id", "wrong-unpack", "https://id.gs1.org/01/y", "confirmed", "a/1/3", 0, "unpack")


def test_all_promises_kept_is_a_success() -> None:
    assert GOOD.complaints == []


# fmt: off
BROKEN = {
    "a row is missing":          ({"ops": 99},                      "published"),
    "a row too many":            ({"ops": 101},                     "published"),
    "an op was lost":            ({"ops_expected": 101},            "history"),
    "a row stored twice":        ({"history_rows": 131},            "twice"),
    "an event is missing":       ({"events": 59},                   "60 events"),
    "an event rejected":         ({"rejected": 1},                  "rejected"),
    "an alert stored twice":     ({"alert_changes": 10},            "twice"),
}
# fmt: on


@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_promise_is_told(what: str) -> None:
    changes, sentence = BROKEN[what]
    complaints = msgspec.structs.replace(GOOD, stats=STATS | changes).complaints
    assert any(sentence in complaint for complaint in complaints)


@pytest.mark.parametrize(("changes", "sentence"), [({"missing": (MISSING,)}, "not found"), ({"extra": (EXTRA,)}, "not planted")])
def test_a_wrong_score_is_told(changes: dict[str, Any], sentence: str) -> None:
    spoiled = msgspec.structs.replace(GOOD, score=msgspec.structs.replace(GOOD.score, **changes))
    assert any(sentence in complaint for complaint in spoiled.complaints)


def test_the_report_fits_80_columns() -> None:
    console = Console(width=80, record=True, file=StringIO())
    for part in (counts_table(GOOD), score_table(GOOD.score), verdict([]), verdict(["broken"])):
        console.print(part)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "100 ms" in text or "90 ms" in text
    assert msgspec.json.encode(GOOD.as_json())


def test_steps_are_told_in_plain_lines_to_a_pipe() -> None:
    console = Console(width=80, record=True, file=StringIO())
    with Screen(console) as view:
        with view.step("one") as tell:
            tell("half")
        with pytest.raises(KeyboardInterrupt), view.step("two"):
            raise KeyboardInterrupt
    text = console.export_text()
    assert "✔ one" in text
    assert "✗ two" in text

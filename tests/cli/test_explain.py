"""What ``packtrace explain`` prints: within 100 columns, every merge, move, fact and rule in words; as JSON one entry a line."""

from __future__ import annotations

import pytest

from packtrace.cli.ask import timeline_rows
from packtrace.cli.draw_explain import explained
from tests.cli.test_draw import text
from tests.query.test_explain import STORIES, answered

# fmt: off
SAID = {
    ("unit", "U1", 0): (
        "1 merged",
        "again (resent): the same report under another id, 1 s later",
        "judged before into: 4 s apart on different devices",
        "taken out by sorry",
        "it takes out wrong (did_not_occur)",
        "the root answered what it was just before this event: in transit to",
        "away-from-parent  confirmed",
        "was emptied",
        "it was in there, and is loose now",
        "2 alerts follow:",
        "packtrace alerts show ",
    ),
    ("unit", "U1", 9): ("settled up to here", "commission 2026-11-22", "2 alerts follow:"),
    ("case", "C1", 0): ("2 joined: (01)", "1 left: (01)", "told by what is inside", "in transit to", "2 children"),
}
# fmt: on


@pytest.mark.parametrize("case", SAID)
@pytest.mark.parametrize("columns", [100, 80])
def test_a_timeline_in_words(case: tuple[str, str, int], columns: int) -> None:
    drawn = text(explained(answered(*case)), columns)
    assert max(map(len, drawn.splitlines())) <= columns
    flat = " ".join(drawn.split())
    for words in SAID[case]:
        assert " ".join(words.split()) in flat, drawn


@pytest.mark.parametrize("story", STORIES)
def test_as_json_each_entry_is_a_line(story: str) -> None:
    answer = answered(story, "U1")
    rows = list(timeline_rows(answer))
    assert [row["entry"] for row in rows] == [one["entry"] for one in answer["entries"]] + ["conclusion"] * len(answer["conclusions"])
    assert {row["epc"] for row in rows} == {answer["epc"]}

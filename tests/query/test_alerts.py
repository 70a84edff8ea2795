"""What an alert shows of the events it names."""

from __future__ import annotations

import pytest

from packtrace.query.alerts import first_reports
from packtrace.query.archive_items import EventRow


def report(id: str, outcome: str, offset: int) -> EventRow:
    return EventRow(id, 0, 0, "pack", "child", outcome, "", "ACTIVE", "NONE", "at", "", 0, offset, 3, offset, 0)


# fmt: off
COUNTED = [
    (("applied",),                0),
    (("applied", "repeat"),       0),
    (("conflict", "applied"),     1),
    (("repeat", "refused"),       1),
    (("resent", "double_scan"),   0),
]
# fmt: on


@pytest.mark.parametrize(("outcomes", "shown"), COUNTED)
def test_of_an_id_the_report_that_counted(outcomes: tuple[str, ...], shown: int) -> None:
    rows = [report("e", outcome, n) for n, outcome in enumerate(outcomes)]
    assert first_reports(rows, ["e"]) == [rows[shown]]


def test_in_the_order_in_which_the_alert_names_them() -> None:
    rows = [report(id, "applied", n) for n, id in enumerate(("a", "b", "c"))]
    assert [row.event_id for row in first_reports(rows, ["c", "unknown", "a"])] == ["c", "a"]

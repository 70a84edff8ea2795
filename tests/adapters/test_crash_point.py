"""The crash points are a closed list, each in the source where the list says, and arming one that is not there is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packtrace.adapters.crash_point import POINTS, arm, crash_point
from packtrace.errors import RefusedError

SERVICES = Path(__file__).parents[2] / "services" / "packtrace"
NAMED = re.compile(r"""["']((?:gateway|router|tracker|sink|watch)\.(?:before|after|between)_[a-z_]+)["']""")


def test_the_list_is_what_the_source_passes() -> None:
    found = {
        name for path in SERVICES.rglob("*.py") if path.name != "crash_point.py" for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert found == set(POINTS)
    assert len(set(POINTS)) == len(POINTS)


@pytest.mark.parametrize("wrong", ["router", "router.nowhere", "router.after_read:0", "router.after_read:x"])
def test_what_is_no_crash_point_is_refused(wrong: str) -> None:
    with pytest.raises(RefusedError, match="PACKTRACE_CRASH_AT"):
        arm(wrong)


def test_the_nth_passage_ends_the_process() -> None:
    ended: list[int] = []
    arm("sink.after_insert:2", ended.append)
    crash_point("sink.after_insert")
    crash_point("sink.after_intent")
    assert ended == []
    crash_point("sink.after_insert")
    arm("")
    crash_point("sink.after_insert")
    assert ended == [137]

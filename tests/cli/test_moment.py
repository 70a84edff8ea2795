"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from packtrace.cli.moment import read_moment
from packtrace.errors import RefusedError

NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)


# fmt: off
MOMENTS = [
    ("2026-11-22T10:00:00Z",        "2026-11-22T10:00:00.000000Z"),
    ("2026-11-22T10:00:00.125+01:00", "2026-11-22T09:00:00.125000Z"),
    ("2026-11-22 09:00",            "2026-11-22T09:00:00.000000Z"),
    ("2026-11-22",                  "2026-11-22T00:00:00.000000Z"),
    ("90s",                         "2026-11-22T09:58:30.000000Z"),
    ("15m",                         "2026-11-22T09:45:00.000000Z"),
    ("2h ago",                      "2026-11-22T08:00:00.000000Z"),
    ("3d",                          "2026-11-19T10:00:00.000000Z"),
]
# fmt: on


@pytest.mark.parametrize(("text", "moment"), MOMENTS)
def test_a_moment_is_read(text: str, moment: str) -> None:
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "5", "5y", "٣d", "2026-13-01"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(RefusedError, match="expected a time such as"):
        read_moment(text, NOW)

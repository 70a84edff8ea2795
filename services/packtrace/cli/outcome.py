"""Exit codes, and the answer that is no."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """design.md 9."""

    DONE = 0
    NO = 1
    WRONG_USE = 2
    AWAY = 3
    INTERRUPTED = 130


class NoError(Exception):
    """The answer is no; the text is the one sentence that says so (empty: it was said already)."""

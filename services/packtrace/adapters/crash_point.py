"""Named places where a test may kill the process: before or after each numbered effect of a shell.

Armed once at the start with ``PACKTRACE_CRASH_AT`` ("name" or "name:n", read by ``settings``); unarmed, a crash point
is one comparison. The n-th passage (from 1) ends the process as ``kill -9`` would: nothing is flushed, no handler runs.
"""

from __future__ import annotations

import os
import re

from packtrace.errors import RefusedError

EXIT_STATUS = 137
"""What a shell reports of a process ended by SIGKILL."""

_FORM = re.compile(r"([a-z_]+\.[a-z_]+)(?::([0-9]{1,9}))?")

_armed = ""
_passages_left = 0


def arm(crash_at: str) -> None:
    """Arm one crash point, e.g. ``"router.after_write:3"``; an empty text disarms.

    Raises:
        RefusedError: not of the form ``service.place`` or ``service.place:n`` with n from 1.
    """
    global _armed, _passages_left
    if not crash_at:
        _armed, _passages_left = "", 0
        return
    found = _FORM.fullmatch(crash_at)
    passages = int(found[2] or 1) if found else 0
    if found is None or passages < 1:
        raise RefusedError(f"PACKTRACE_CRASH_AT: expected service.place or service.place:n with n from 1, found {crash_at!r}")
    _armed, _passages_left = found[1], passages


def crash_point(name: str) -> None:
    """End the process here if ``name`` is armed and this is its n-th passage."""
    global _passages_left
    if name != _armed:
        return
    _passages_left -= 1
    if _passages_left == 0:
        os._exit(EXIT_STATUS)

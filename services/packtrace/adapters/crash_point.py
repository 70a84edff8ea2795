"""Named places where a test may kill the process: before or after each numbered effect of a shell.

Armed once at the start with ``PACKTRACE_CRASH_AT`` ("name" or "name:n", read by ``settings``); unarmed, a crash point
is one comparison. The n-th passage (from 1) ends the process as ``kill -9`` would: nothing is flushed, no handler runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from packtrace.errors import RefusedError

EXIT_STATUS = 137
"""What a shell reports of a process ended by SIGKILL."""

# fmt: off
POINTS: tuple[str, ...] = (
    "gateway.before_publish",
    "gateway.after_publish",
    "gateway.after_receipt",
    "router.after_read",
    "router.before_write",
    "router.between_writes",
    "router.after_write",
    "router.after_flush",
    "router.after_commit",
    "tracker.after_read",
    "tracker.after_acquire",
    "tracker.after_load",
    "tracker.after_fold",
    "tracker.between_writes",
    "tracker.before_flush",
    "tracker.after_write",
    "tracker.after_commit",
    "sink.after_read",
    "sink.after_recover",
    "sink.before_intent",
    "sink.after_intent",
    "sink.after_insert",
    "sink.after_confirm",
    "watch.after_read",
    "watch.between_writes",
    "watch.after_write",
    "watch.between_tables",
    "watch.after_tables",
)
"""Every boundary between two effects, in the order of the flow. A closed list: a test compares it with the source."""
# fmt: on

_FORM = re.compile(r"([a-z_]+\.[a-z_]+)(?::([0-9]{1,9}))?")

_armed = ""
_passages_left = 0
_die: Callable[[int], object] = os._exit


def arm(crash_at: str, die: Callable[[int], object] = os._exit) -> None:
    """Arm one crash point, e.g. ``"router.after_write:3"``; an empty text disarms.

    Args:
        die: how the process ends; a test in one process raises instead.

    Raises:
        RefusedError: not of the form ``service.place`` or ``service.place:n`` with n from 1, or not in ``POINTS``.
    """
    global _armed, _passages_left, _die
    _die = die
    if not crash_at:
        _armed, _passages_left = "", 0
        return
    found = _FORM.fullmatch(crash_at)
    passages = int(found[2] or 1) if found else 0
    if found is None or passages < 1:
        raise RefusedError(f"PACKTRACE_CRASH_AT: expected service.place or service.place:n with n from 1, found {crash_at!r}")
    if found[1] not in POINTS:
        raise RefusedError(f"PACKTRACE_CRASH_AT: there is no crash point {found[1]}; there are {', '.join(POINTS)}")
    _armed, _passages_left = found[1], passages


def crash_point(name: str) -> None:
    """End the process here if ``name`` is armed and this is its n-th passage."""
    global _passages_left
    if name != _armed:
        return
    _passages_left -= 1
    if _passages_left == 0:
        _die(EXIT_STATUS)

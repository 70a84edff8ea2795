"""What came, in the order of the log."""

from __future__ import annotations

from typing import NamedTuple

from packtrace.domain.event import Event
from packtrace.domain.reference import ReferenceChange


class Logged(NamedTuple):
    """An event and when the log took it, microseconds."""

    log_time: int
    event: Event


class Changed(NamedTuple):
    """Reference data as it is from now on."""

    log_time: int
    changes: list[ReferenceChange]

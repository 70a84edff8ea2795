"""The local zone of a place: what makes an instant a day (rules.md 1).

A named zone is read from the zone database of the Python that runs; machines that must agree need one version of it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packtrace.domain.dates import read_zone
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def known_zone(text: str) -> str:
    """``text`` when it is an offset from UTC or a zone of the IANA database.

    Raises:
        RejectedError: bad-reference: neither.
    """
    if text[:1] in ("+", "-", "Z"):
        read_zone(text)
        return text
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RejectedError(Reject.BAD_REFERENCE, expected="a zone such as Europe/Zurich or +01:00", found=text) from error
    return text


def minutes_east(zone: str, micros: int) -> int:
    """Offset from UTC of ``zone`` at an instant, in minutes; whole minutes are enough for a day."""
    if zone[:1] in ("+", "-", "Z"):
        return read_zone(zone)
    offset = (_EPOCH + timedelta(microseconds=micros)).astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) // 60

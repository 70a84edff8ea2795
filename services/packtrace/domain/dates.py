"""Times and dates: event times as microseconds since 1970 UTC, dates as the integer YYYYMMDD with day 00 kept.

Day 00 stands for the last day of the month (GS1 General Specifications, 3.4.6): packs that carry it live on for years.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

ZONE_MINUTES_MAX: Final = 14 * 60
"""Largest offset from UTC (Line Islands, +14:00); what lies beyond is no local time anywhere."""

TIME_MAX: Final = 10_413_791_999_999_999
"""2299-12-31T23:59:59.999999Z, the last instant a DateTime64 column of the history holds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})",
)
_ZONE = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YYMMDD = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})")

_MINUTES_MAX: Final = 4_096
_minutes: dict[str, int] = {}
"""``2026-11-22T10:00:`` of a time with Z -> microseconds; only of what the whole way has read."""


def read_time(text: str) -> int:
    """ISO 8601 with seconds and a zone -> microseconds; digits below the microsecond are cut.

    >>> read_time("2026-11-22T11:00:00.125+01:00")
    1795341600125000

    Raises:
        RejectedError: bad-time: no zone, no such day, an offset beyond 14 hours, a year outside 1970 to 2299.
    """
    begun = _minutes.get(text[:17])
    if begun is not None and text[-1:] == "Z" and text.isascii():
        # 0.7 us where the whole way takes 2.6
        seconds, fraction = text[17:19], text[20:-1]
        if seconds.isdigit() and seconds < "60":
            if len(text) == 20 and len(seconds) == 2:
                return begun + int(seconds) * SECOND
            if len(text) == 24 and text[19] == "." and fraction.isdigit():
                return begun + int(seconds) * SECOND + int(fraction) * 1000
    match = _TIME.fullmatch(text)
    if match is None:
        raise RejectedError(Reject.BAD_TIME, expected="a time with zone such as 2026-11-22T10:00:00.125Z", found=text)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError as error:
        raise RejectedError(Reject.BAD_TIME, expected="a moment of the calendar", found=text) from error
    offset = 0 if zone == "Z" else read_zone(zone)
    micros = (moment - _EPOCH) // timedelta(microseconds=1) - offset * MINUTE
    if fraction is not None:
        micros += int(fraction[:6].ljust(6, "0"))
    if not 0 <= micros <= TIME_MAX:
        raise RejectedError(Reject.BAD_TIME, expected="a time between 1970 and 2299", found=text)
    if zone == "Z":
        if len(_minutes) >= _MINUTES_MAX:
            _minutes.clear()
        _minutes[text[:17]] = micros // MINUTE * MINUTE
    return micros


def time_text(micros: int) -> str:
    """ISO 8601 with Z; as many groups of three fraction digits as are needed.

    >>> time_text(1795341600125000)
    '2026-11-22T10:00:00.125Z'
    """
    rest = micros % SECOND
    precision = "seconds" if rest == 0 else "microseconds" if rest % 1000 else "milliseconds"
    return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec=precision)[:-6] + "Z"


def read_zone(text: str) -> int:
    """``+01:00`` -> minutes east of UTC; at most 14 hours either way."""
    match = _ZONE.fullmatch(text)
    if match is not None:
        sign, hours, minutes = match.groups()
        offset = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and offset <= ZONE_MINUTES_MAX:
            return -offset if sign == "-" else offset
    if text == "Z":
        return 0
    raise RejectedError(Reject.BAD_TIME, expected="an offset from UTC between -14:00 and +14:00, such as +01:00", found=text)


def zone_text(minutes: int) -> str:
    """Minutes east of UTC -> ``+01:00``."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def read_date(text: str) -> int:
    """``YYYY-MM-DD``, day 00 allowed, -> YYYYMMDD.

    >>> read_date("2028-05-00")
    20280500
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise RejectedError(Reject.BAD_DATE, expected="a date such as 2028-05-31 (day 00: end of the month)", found=text)
    return _checked(int(match[1]), int(match[2]), int(match[3]), text)


def read_yymmdd(text: str, reference_year: int) -> int:
    """``YYMMDD`` of a barcode -> YYYYMMDD; the century is that nearest to ``reference_year``.

    The difference to the last two digits of that year decides: 51 and more is the century before, -50 and less the one
    after (GS1 General Specifications, 7.12).

    >>> read_yymmdd("280500", 2026)
    20280500
    """
    match = _YYMMDD.fullmatch(text)
    if match is None:
        raise RejectedError(Reject.BAD_DATE, expected="a date of 6 digits YYMMDD", found=text)
    century, now = divmod(reference_year, 100)
    ahead = int(match[1]) - now
    if ahead >= 51:
        century -= 1
    elif ahead <= -50:
        century += 1
    return _checked(century * 100 + int(match[1]), int(match[2]), int(match[3]), text)


def _checked(year: int, month: int, day: int, text: str) -> int:
    if year < 1900 or not 1 <= month <= 12 or day > monthrange(year, month)[1]:
        raise RejectedError(Reject.BAD_DATE, expected="a day of the calendar", found=text)
    return year * 10_000 + month * 100 + day


def date_text(date: int) -> str:
    """YYYYMMDD -> ``YYYY-MM-DD``, day 00 kept; 0 (not stated) is empty."""
    return f"{date // 10_000:04d}-{date // 100 % 100:02d}-{date % 100:02d}" if date else ""


def yymmdd(date: int) -> str:
    """YYYYMMDD as a barcode carries it."""
    return f"{date % 1_000_000:06d}"


def last_day(date: int) -> int:
    """The day meant: day 00 is the last of its month.

    >>> last_day(20280200)
    20280229
    """
    if date % 100:
        return date
    return date + monthrange(date // 10_000, date // 100 % 100)[1]


def dates_agree(one: int, other: int) -> bool:
    """Whether two stated dates may be the same: a day 00 on either side compares months (rules.md 5, expiry-mismatch)."""
    if one % 100 and other % 100:
        return one == other
    return one // 100 == other // 100


def local_date(micros: int, zone_minutes: int) -> int:
    """The day of an instant at an offset from UTC, YYYYMMDD."""
    moment = _EPOCH + timedelta(microseconds=micros, minutes=zone_minutes)
    return moment.year * 10_000 + moment.month * 100 + moment.day


@lru_cache(maxsize=4_096)
def surely_before(expiry: int) -> int:
    """An instant before which the day of ``expiry`` is over nowhere, microseconds."""
    day = last_day(expiry)
    return int(datetime(day // 10_000, day // 100 % 100, day % 100, tzinfo=UTC).timestamp()) * SECOND - ZONE_MINUTES_MAX * MINUTE


def expired(expiry: int, micros: int, zone_minutes: int) -> bool:
    """Whether the day of ``expiry`` is over at an instant, in local time; 0 (not stated) never is."""
    return expiry != 0 and micros >= surely_before(expiry) and local_date(micros, zone_minutes) > last_day(expiry)

"""Times with zones, dates with day 00, centuries of barcodes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.domain import dates as dates_module
from packtrace.domain.dates import (
    TIME_MAX,
    date_text,
    dates_agree,
    expired,
    last_day,
    local_date,
    read_date,
    read_time,
    read_yymmdd,
    read_zone,
    time_text,
    yymmdd,
    zone_text,
)
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

moments = st.integers(0, TIME_MAX)
offsets = st.integers(-14 * 60, 14 * 60)
dates = st.dates(date(1951, 1, 1), date(2299, 12, 31)).flatmap(
    lambda day: st.sampled_from([day.year * 10_000 + day.month * 100 + day.day, day.year * 10_000 + day.month * 100])
)


@given(moments)
def test_times_read_back(micros: int) -> None:
    assert read_time(time_text(micros)) == micros


@given(moments, offsets)
def test_a_time_is_the_same_instant_in_every_zone(micros: int, minutes: int) -> None:
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros, minutes=minutes)
    if 1970 <= local.year < 2300:
        text = local.isoformat(timespec="microseconds").removesuffix("+00:00") + zone_text(minutes)
        assert read_time(text) == micros


@given(moments, st.lists(st.tuples(st.integers(10, 27), st.integers(0, 2), st.sampled_from([*"0123456789Z.:T+ -", "٣", ""])), max_size=2))
def test_a_minute_that_was_read_before_changes_no_answer(micros: int, edits: list[tuple[int, int, str]]) -> None:
    text = time_text(micros)
    read_time(text)
    for at, size, new in edits:
        text = text[:at] + new + text[at + size :]
    known = _answer(text)
    dates_module._minutes.clear()
    assert _answer(text) == known


def _answer(text: str) -> object:
    try:
        return read_time(text)
    except RejectedError as error:
        return error.text


@given(st.integers(0, 10**10), st.integers(0, 9))
def test_python_reads_the_same_instant(second: int, digits: int) -> None:
    moment = datetime(1971, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{123456789:09d}"[: digits + 1] if digits else "") + "+05:30"
    wanted = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert read_time(text) == wanted // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01T00:00:00.0000019Z", 1),
        ("1970-01-01T14:00:00+14:00", 0),
        ("2299-12-31T23:59:59.999999Z", TIME_MAX),
    ],
)
def test_limits_of_time(text: str, micros: int) -> None:
    assert read_time(text) == micros


# fmt: off
NO_TIMES = [
    "", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22 10:00:00Z", "2026-11-22T10:00Z", "2026-11-22T10:00:00z", "2026-11-22T24:00:00Z",
    "2026-11-22T10:00:60Z", "2026-02-30T10:00:00Z", "2026-13-01T10:00:00Z", "2026-11-22T10:00:00+25:00", "2026-11-22T10:00:00+14:01",
    "2026-11-22T10:00:00+01:60", "2026-11-22T10:00:00+0100", "2026-11-22T10:00:00,5Z", "2026-11-22T10:00:00.Z", "2026-11-22T10:00:00.1234567890Z",
    "1969-12-31T23:59:59Z", "2300-01-01T00:00:00Z", "1970-01-01T00:00:00+00:01", "２026-11-22T10:00:00Z", "2026-11-22T10:00:00Z\n", "0000-01-01T00:00:00Z",
]
# fmt: on


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_with_zone_is_refused(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        read_time(text)
    assert caught.value.code == Reject.BAD_TIME


@given(offsets)
def test_zones_read_back(minutes: int) -> None:
    assert read_zone(zone_text(minutes)) == minutes


@pytest.mark.parametrize("text", ["", "+1:00", "01:00", "+14:01", "-14:01", "+01:60", "+25:00", "Europe/Berlin", "+01:00 "])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        read_zone(text)
    assert caught.value.code == Reject.BAD_TIME


@given(dates)
def test_dates_read_back(day: int) -> None:
    assert read_date(date_text(day)) == day
    assert date_text(0) == ""


@given(dates, st.integers(-49, 50))
def test_barcode_dates_read_back_near_their_year(day: int, distance: int) -> None:
    assert read_yymmdd(yymmdd(day), day // 10_000 - distance) == day


@pytest.mark.parametrize(
    ("text", "year", "found"),
    [("760101", 2026, 20760101), ("770101", 2026, 19770101), ("000101", 1960, 20000101), ("991231", 2026, 19991231)],
)
def test_the_century_is_the_near_one(text: str, year: int, found: int) -> None:
    assert read_yymmdd(text, year) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2028-5-31",
        "2028-02-30",
        "2028-13-01",
        "2028-00-01",
        "20280531",
        "2028-05-32",
        "2028-05-31T00:00:00Z",
        "２028-05-31",
        "0000-01-01",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        read_date(text)
    assert caught.value.code == Reject.BAD_DATE


@pytest.mark.parametrize("text", ["", "281301", "280230", "28053", "2805311", "28053a", "280001"])
def test_what_is_no_barcode_date_is_refused(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        read_yymmdd(text, 2026)
    assert caught.value.code == Reject.BAD_DATE


def test_day_00_is_the_last_day_of_its_month() -> None:
    assert [last_day(day) for day in (20280200, 20270200, 20281200, 20280531)] == [20280229, 20270228, 20281231, 20280531]


def test_a_day_00_on_either_side_compares_months() -> None:
    assert dates_agree(20280500, 20280531)
    assert dates_agree(20280501, 20280500)
    assert dates_agree(20280500, 20280500)
    assert not dates_agree(20280500, 20280601)
    assert not dates_agree(20280530, 20280531)
    assert not dates_agree(20280500, 20290500)


def test_expiry_ends_with_its_local_day() -> None:
    before, after = read_time("2028-05-31T21:59:59Z"), read_time("2028-05-31T22:00:00Z")
    for expiry in (20280531, 20280500):
        assert not expired(expiry, before, 120)
        assert expired(expiry, after, 120)
        assert not expired(expiry, after, 0)
    assert not expired(0, after, 0)
    assert local_date(0, -60) == 19691231

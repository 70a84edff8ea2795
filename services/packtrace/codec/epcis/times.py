"""Times as partners write them: read as they were meant where only one reading is possible, with a remark."""

from __future__ import annotations

import re

from packtrace.domain.dates import read_date, read_time, read_zone
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

_LOOSE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]+([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,]([0-9]+))? *(?:([Zz])|(?:UTC|GMT)?([+-][0-9]{2}):?([0-9]{2}))"
)


def clean_time(text: str) -> tuple[str, str]:
    """The time as ISO 8601 has it, and what was done to it; nothing where nothing was.

    Raises:
        RejectedError: bad-time.
    """
    try:
        read_time(text)
        return text, ""
    except RejectedError:
        match = _LOOSE.fullmatch(text)
        if match is None:
            raise
    date, clock, fraction, zulu, hours, minutes = match.groups()
    if len(clock) == 5:
        clock += ":00"
    cleaned = f"{date}T{clock}" + (f".{fraction[:9]}" if fraction else "") + ("Z" if zulu else f"{hours}:{minutes}")
    read_time(cleaned)
    return cleaned, f"{text!r} was read as {cleaned}"


def clean_zone(text: str) -> tuple[str, str]:
    """The offset as EPCIS has it; ``Z``, ``+0100`` and ``+1:00`` are read with a remark.

    Raises:
        RejectedError: bad-time.
    """
    if text != "Z":
        try:
            read_zone(text)
            return text, ""
        except RejectedError:
            match = re.fullmatch(r"([+-])?([0-9]{1,2}):?([0-9]{2})", text)
            if match is None:
                raise
            cleaned = f"{match[1] or '+'}{match[2]:0>2}:{match[3]}"
    else:
        cleaned = "+00:00"
    read_zone(cleaned)
    return cleaned, f"{text!r} was read as {cleaned}"


def zone_of(time: str) -> str:
    """The offset that a time itself states."""
    return "+00:00" if time.endswith("Z") else time[-6:]


def clean_date(text: str) -> tuple[str, str]:
    """A date, cut out of a time where one was given.

    Raises:
        RejectedError: bad-date.
    """
    if len(text) > 10 and text[10] in "T ":
        read_date(text[:10])
        return text[:10], f"{text!r} was read as {text[:10]}"
    if re.fullmatch(r"[0-9]{8}", text):
        cleaned = f"{text[:4]}-{text[4:6]}-{text[6:]}"
        read_date(cleaned)
        return cleaned, f"{text!r} was read as {cleaned}"
    if len(text) == 6:
        return text, ""
    if not text:
        raise RejectedError(Reject.BAD_DATE, expected="a date", found=text)
    read_date(text)
    return text, ""

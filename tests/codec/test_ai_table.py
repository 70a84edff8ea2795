"""The AI table against the GS1 Syntax Dictionary it was taken from, and its formats by example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packtrace.codec.ai_table import Identifier, identifiers, leading, named
from packtrace.errors import RejectedError

DICTIONARY = Path(__file__).parents[3] / "shared/testdata/gs1-syntax-dictionary/gs1-syntax-dictionary.txt"
LINE = re.compile(r"(?P<first>[0-9]{2,4})(?:-(?P<last>[0-9]{2,4}))?\s+(?P<flags>[*?]*)\s*(?P<rest>.*)")
OURS = {"csum", "yymmd0", "yymmdd", "yyyymmdd"}


def dictionary() -> dict[str, tuple[str, str, str, frozenset[str]]]:
    """AI -> flags, format, Digital Link key, and those of its checks that we make."""
    found = {}
    for line in DICTIONARY.read_text(encoding="utf-8").splitlines():
        match = LINE.match(line.partition("#")[0])
        if match is None:
            continue
        words = match["rest"].split()
        parts = [word for word in words if re.match(r"\[?[NXYZ](\.\.)?[0-9]", word)]
        keys = [word for word in words if word.startswith("dlpkey")]
        checks = frozenset(check for part in parts for check in part.split(",")[1:] if check in OURS)
        key = "-" if not keys else keys[0].removeprefix("dlpkey").removeprefix("=") or "alone"
        for number in range(int(match["first"]), int(match["last"] or match["first"]) + 1):
            ai = str(number).zfill(len(match["first"]))
            found[ai] = (match["flags"], " ".join(part.partition(",")[0] for part in parts), key, checks)
    return found


def told(one: Identifier) -> tuple[str, str, str, frozenset[str]]:
    """The same facts as our table has them."""
    key = "-" if one.qualifiers is None else "|".join(",".join(sequence) for sequence in one.qualifiers) or "alone"
    flags = ("*" if one.length else "") + ("?" if one.attribute else "")
    return flags, one.format, key, frozenset(check for _, check in one.checks)


def test_the_table_says_what_the_dictionary_says() -> None:
    assert {ai: told(one) for ai, one in identifiers().items()} == dictionary()


def test_predefined_length_goes_by_the_first_two_digits() -> None:
    """GS1 General Specifications, figure 7.8.5-2; what only happens to be fixed (402, 7003) needs a separator."""
    fixed = {one.ai[:2] for one in identifiers().values() if one.length}
    assert fixed <= {"00", "01", "02", "03", "04", *map(str, range(11, 21)), *map(str, range(31, 37)), "41"}
    assert not {ai for ai in identifiers() if ai[:2] in fixed and not identifiers()[ai].length}
    assert named("402").length == named("7003").length == 0


def test_no_ai_begins_another() -> None:
    table = identifiers()
    assert not [(one, other) for one in table for other in table if one != other and other.startswith(one)]


@pytest.mark.parametrize("text", ["", "9", "0", "05", "8", "89", "x1"])
def test_what_begins_with_no_ai_is_refused(text: str) -> None:
    with pytest.raises(RejectedError):
        leading(text)


# fmt: off
DATA = [
    # AI      fits                       does not
    ("10",   "L7",                       ""),
    ("17",   "280500",                   "281331"),
    ("7003", "2805311200",               "2805001200"),
    ("37",   "12345678",                 "123456789"),
    ("253",  "4012345000092PO-4711",     "4012345000091PO-4711"),
    ("253",  "4012345000092",            "401234500009"),
    ("423",  "276056",                   "2760"),
    ("8010", "4012345-A#1",              "4012345a"),
    ("8003", "04012345000221334455",     "04012345000222"),
    ("7251", "198002281200",             "198002301200"),
]
# fmt: on


@pytest.mark.parametrize(("ai", "good", "bad"), DATA)
def test_formats_and_checks(ai: str, good: str, bad: str) -> None:
    assert named(ai).verified(good) == good
    with pytest.raises(RejectedError) as caught:
        named(ai).verified(bad)
    assert f"({ai})" in caught.value.expected

"""What each GS1 application identifier (AI) looks like, read from ``schemas/application_identifiers.txt``."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import msgspec

from packtrace.contracts import schema_text
from packtrace.domain.dates import read_yymmdd
from packtrace.domain.identifiers import verified
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

CENTURY_YEAR: Final = 2026
"""The year two-digit years are read against where the reader knows no better; a constant, so that one text has one meaning."""

# fmt: off
_CLASSES = {
    #     GS1 General Specifications, figures 7.11-1 to 7.11-3
    "N": "[0-9]",
    "X": "[!-\"%-?A-Z_a-z]",
    "Y": "[#/0-9A-Z-]",
    "Z": "[0-9A-Za-z_=-]",
}
# fmt: on
_COMPONENT = re.compile(r"(\[?)([NXYZ])(\.\.)?([0-9]+)\]?((?:,[a-z0-9]+)*)")


class Identifier(msgspec.Struct, frozen=True):
    """One AI.

    Args:
        length: of a predefined-length AI the characters that follow it; else 0: a separator ends it.
        attribute: may follow ``?`` in a Digital Link.
        qualifiers: of a Digital Link primary key the allowed sequences of qualifiers; None of any other AI.
        checks: group of ``pattern`` -> name of the check made on it.
    """

    ai: str
    title: str
    format: str
    length: int
    attribute: bool
    qualifiers: tuple[tuple[str, ...], ...] | None
    pattern: re.Pattern[str]
    checks: tuple[tuple[int, str], ...]

    def verified(self, data: str) -> str:
        """``data`` when it fits the format and its checks; raises RejectedError."""
        match = self.pattern.fullmatch(data)
        if match is None:
            raise RejectedError(Reject.BAD_IDENTIFIER, expected=f"({self.ai}) {self.title} of format {self.format}", found=data)
        for group, check in self.checks:
            part = match[group]
            if part is not None:
                _CHECKS[check](part, f"({self.ai}) {self.title}")
        return data


def _yymmd0(part: str, what: str) -> None:
    try:
        read_yymmdd(part, CENTURY_YEAR)
    except RejectedError as error:
        raise RejectedError(error.code, expected=f"{what}: {error.expected}", found=part) from error


def _yymmdd(part: str, what: str) -> None:
    if part.endswith("00"):
        raise RejectedError(Reject.BAD_DATE, expected=f"{what} with a day", found=part)
    _yymmd0(part, what)


def _yyyymmdd(part: str, what: str) -> None:
    _yymmdd(part[2:], what)


def _csum(part: str, what: str) -> None:
    verified(part, len(part), what)


_CHECKS = {"csum": _csum, "yymmd0": _yymmd0, "yymmdd": _yymmdd, "yyyymmdd": _yyyymmdd}


@cache
def identifiers() -> dict[str, Identifier]:
    """AI -> what it looks like; every range spelled out."""
    table: dict[str, Identifier] = {}
    for line in schema_text("application_identifiers.txt").splitlines():
        if line.startswith("#"):
            continue
        names, flags, keys, rest = line.split(maxsplit=3)
        described, _, title = rest.partition("  ")
        first, _, last = names.partition("-")
        for number in range(int(first), int(last or first) + 1):
            ai = str(number).zfill(len(first))
            table[ai] = _identifier(ai, flags, keys, described, title.strip() or f"AI {ai}")
    return table


def _identifier(ai: str, flags: str, keys: str, described: str, title: str) -> Identifier:
    pattern, longest, checks = "", 0, []
    for group, (optional, kind, upto, digits, named) in enumerate(_COMPONENT.findall(described), 1):
        pattern += f"({_CLASSES[kind]}{{{'1,' if upto else ''}{digits}}}){'?' if optional else ''}"
        longest += int(digits)
        checks += [(group, check) for check in named.split(",") if check]
    return Identifier(
        ai=ai,
        title=title,
        format=re.sub(r",[a-z0-9]+", "", described),
        length=longest if "*" in flags else 0,
        attribute="?" in flags,
        qualifiers=_qualifiers(keys),
        pattern=re.compile(pattern),
        checks=tuple(checks),
    )


def _qualifiers(keys: str) -> tuple[tuple[str, ...], ...] | None:
    if keys == "-":
        return None
    return () if keys == "alone" else tuple(tuple(one.split(",")) for one in keys.split("|"))


def leading(text: str) -> Identifier:
    """The AI that ``text`` begins with; no AI is the beginning of another."""
    table = identifiers()
    for digits in (2, 3, 4):
        found = table.get(text[:digits])
        if found is not None and len(found.ai) <= len(text):
            return found
    raise RejectedError(Reject.BAD_IDENTIFIER, expected="a GS1 application identifier", found=text[:4])


def named(ai: str) -> Identifier:
    """The AI ``ai``; raises RejectedError where there is none."""
    found = identifiers().get(ai)
    if found is None:
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="a GS1 application identifier", found=ai)
    return found

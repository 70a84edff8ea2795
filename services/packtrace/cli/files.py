"""Events from files or standard input, one at a time, each with its place for messages: ``events.jsonl:12``, ``events.json[3]``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from packtrace.errors import RefusedError, RejectedError
from packtrace.gateway.document import BOM, EpcisDocumentError, split

_LINE = re.compile(r"^line [0-9]+(?:, |$)")
ANY_NUMBER = sys.maxsize
STDIN = "-"


class Located(NamedTuple):
    """The text of one event and where it stands; ``error`` where it is no JSON."""

    place: str
    text: bytes
    error: RejectedError | None = None


def open_file(name: str) -> BinaryIO:
    """``-`` is standard input.

    Raises:
        RefusedError: there is no such file, or it may not be read.
    """
    if name == STDIN:
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise RefusedError(f"{name}: {error.strerror or error}") from None


def events_of(name: str, stream: BinaryIO) -> Iterator[Located]:
    """JSON lines are read line by line, however many; an object or an array over several lines as a whole.

    Raises:
        RejectedError: neither JSON lines nor JSON; ``where`` has the place.
        RefusedError: an EPCIS document.
    """
    shown = "standard input" if name == STDIN else name
    number = 0
    blank = b""
    for line in stream:
        number += 1
        text = line.strip().removeprefix(BOM)
        if not text:
            blank += line
            continue
        if not (text.startswith(b"{") and text.endswith(b"}")):
            return (yield from _whole(shown, blank + line + stream.read()))
        yield from _one(shown, number, text)
        break
    for line in stream:
        number += 1
        if text := line.strip():
            yield from _one(shown, number, text)


def _one(shown: str, number: int, text: bytes) -> Iterator[Located]:
    try:
        for event in split(text, ANY_NUMBER):
            yield Located(f"{shown}:{number}", event.text, event.error and within_line(event.error))
    except RejectedError as error:
        yield Located(f"{shown}:{number}", text, within_line(error))
    except EpcisDocumentError:
        raise RefusedError(f"{shown}:{number}: an EPCIS document; expected events of packtrace, one JSON object per line") from None


def within_line(error: RejectedError) -> RejectedError:
    """The error without the number of its line, which the place has already."""
    return RejectedError(error.code, _LINE.sub("", error.where), error.expected, error.found)


def _whole(shown: str, text: bytes) -> Iterator[Located]:
    try:
        events = split(text, ANY_NUMBER)
    except RejectedError as error:
        raise RejectedError(error.code, f"{shown}, {error.where}", error.expected, error.found) from None
    except EpcisDocumentError:
        raise RefusedError(f"{shown}: an EPCIS document; expected events of packtrace as JSON") from None
    if len(events) == 1 and not text.lstrip().startswith(b"["):
        yield Located(shown, *events[0])
        return
    for index, event in enumerate(events):
        yield Located(f"{shown}[{index}]", event.text, event.error)

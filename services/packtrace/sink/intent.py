"""The range a sink is about to store, kept with the group's position so that the broker fences it. Pure.

Committed as (offset a, metadata of this intent): everything below ``a`` is stored; [a, ``end``) is being stored, or nothing
is when ``end`` equals ``a``. ``watermarks`` are those of the table at ``a``: with the records of the range they determine the
block, so a successor forms the very same one under the very same token.

Text: ``1 generation end topic=partition:offset:position,...;...`` with the numbers in base 36, for 4,000 characters must do
for the alerts of 256 partitions; where they do not, ``*`` stands for "ask the table". A note of ``poison`` may stand behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from packtrace.ports import Position
from packtrace.sink import poison

METADATA_CHARACTERS_MAX = 4_000
"""The broker's default ``offset.metadata.max.bytes`` is 4,096."""

_NUMBER = r"[0-9a-z]{1,13}"
_MARK = f"{_NUMBER}:{_NUMBER}:{_NUMBER}"
_TOPIC = f"[a-z]+={_MARK}(?:,{_MARK})*"
_FORM = re.compile(f"1 ({_NUMBER}) ({_NUMBER}) (\\*|(?:{_TOPIC}(?:;{_TOPIC})*)?)(?: ({poison.FORM}))?")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Intent(NamedTuple):
    """``watermarks`` None: not stated, to be asked of the table."""

    generation: int
    end: int
    watermarks: Mapping[str, Position] | None
    note: poison.Note = poison.Note()


def encode(intent: Intent) -> str:
    head = f"1 {_base36(intent.generation)} {_base36(intent.end)} "
    tail = f" {poison.encode(intent.note)}" if intent.note.kills else ""
    if intent.watermarks is None:
        return head + "*" + tail
    topics: dict[str, list[str]] = {}
    for source, last in sorted(intent.watermarks.items()):
        topic, _, partition = source.partition("/")
        topics.setdefault(topic, []).append(f"{_base36(int(partition))}:{_base36(last.offset)}:{_base36(last.nth)}")
    text = head + ";".join(f"{topic}={','.join(marks)}" for topic, marks in topics.items()) + tail
    return text if len(text) <= METADATA_CHARACTERS_MAX else head + "*" + tail


def decode(text: str) -> Intent | None:
    """None where the text is none of ours, e.g. where a tool has set the position."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    marks: dict[str, Position] | None = None
    if match[3] != "*":
        marks = {}
        for part in filter(None, match[3].split(";")):
            topic, _, stated = part.partition("=")
            for mark in stated.split(","):
                partition, offset, nth = mark.split(":")
                marks[f"{topic}/{int(partition, 36)}"] = Position(int(offset, 36), int(nth, 36))
    return Intent(int(match[1], 36), int(match[2], 36), marks, poison.decode(match[4] or ""))


def token(generation: int, layout: int, topic: str, partition: int, start: int, end: int, table: str) -> str:
    """What the table remembers a block by."""
    return f"{_base36(generation)}/{layout}/{topic}/{partition}/{start}/{end}/{table}"


def _base36(number: int) -> str:
    out = ""
    while True:
        number, digit = divmod(number, 36)
        out = _DIGITS[digit] + out
        if not number:
            return out

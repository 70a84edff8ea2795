"""A record of ``events`` that ends the process while it is read, found and set aside. Pure: notes that travel in the group beside the
intent.

Before its first reading from a position, a sink notes there that it has begun. A position from which ``BATCHES_MAX`` processes began and
none got on has a record that kills near it: from there records are read alone, each noted before. The one at which
``PACKTRACE_SINK_POISON_KILLS`` processes ended alone is not read: its bytes, its place and the reason ``poison`` go to the topic
``rejected``, and its neighbours are stored. An outage is none: the process lives, and knows its own note.

Only lines and partners write to ``events``. A record of a topic that only we write is never set aside: without it the history would be
incomplete.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

BATCHES_MAX: Final = 2
"""Processes that may end while they read many before records are read alone."""
ALONE_MAX: Final = 1_000
"""Records that are read alone, some 5 ms each."""

FORM: Final = r"begun ([0-9]{1,3}) ([0-9]{1,3}) ([0-9]{1,19}) ([0-9a-f]{1,32})"
_FORM = re.compile(FORM)


class Note(NamedTuple):
    """How many processes began here and did not get on: with many records, and with the one at ``offset`` alone; ``by`` names the last."""

    batches: int = 0
    alone: int = 0
    offset: int = 0
    by: str = "0"

    @property
    def kills(self) -> int:
        return self.batches + self.alone


def encode(note: Note) -> str:
    """As the group keeps it behind the intent."""
    return f"begun {min(note.batches, 999)} {min(note.alone, 999)} {note.offset} {note.by}"


def decode(text: str) -> Note:
    """Nothing where the text is no note."""
    found = _FORM.fullmatch(text)
    return Note(int(found[1]), int(found[2]), int(found[3]), found[4]) if found else Note()


class Watch:
    """One partition from the position a process starts at, until it has read on from there.

    Args:
        note: of another process.
        kills_max: processes that may end at one record alone before it is set aside.
    """

    __slots__ = ("_kills_max", "left", "note")

    def __init__(self, note: Note, kills_max: int) -> None:
        self.note = note
        self.left = ALONE_MAX if note.batches >= BATCHES_MAX else 0
        """Records that are still read alone."""
        self._kills_max = kills_max

    def kills(self, offset: int) -> bool:
        """Whether the record at ``offset`` has ended as many processes alone as may be."""
        return bool(self.left) and offset == self.note.offset and self.note.alone >= self._kills_max

    def begins(self, me: str) -> Note:
        """To note before many are read."""
        return Note(self.note.batches + 1, 0, 0, me)

    def begins_alone(self, offset: int, me: str) -> Note:
        """To note before one is read alone."""
        return Note(self.note.batches, (self.note.alone if offset == self.note.offset else 0) + 1, offset, me)

"""A record that ends the process, found and rejected. Pure: notes that travel in the group beside the position.

Before its first batch from a position, a router notes there that it has begun; a stored position without a note has been passed.
A position from which ``BATCHES_MAX`` processes began and none got on has a record that kills near it: from there records go alone,
each noted before. The one at which ``PACKTRACE_ROUTER_POISON_KILLS`` processes ended alone is rejected with the reason ``poison``; its
bytes are kept.

What ends a process from outside (``kill -9``) counts too, but it would have to come five times in a row without one record of progress,
three times at the same record; ``packtrace rejected replay`` sends that one again. An outage is none: the process lives, and knows
its own note.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

BATCHES_MAX: Final = 2
"""Processes that may end in batches from one position before records go alone."""
ALONE_MAX: Final = 1_000
"""Records that go alone, some 5 ms each; the one that kills lies among what is read at once."""

_FORM = re.compile(r"begun ([0-9]{1,3}) ([0-9]{1,3}) ([0-9a-f]{1,32})")


class Note(NamedTuple):
    """How many processes began at a position and did not get on: with batches, and with its record alone; ``by`` names the last."""

    batches: int = 0
    alone: int = 0
    by: str = "0"

    @property
    def kills(self) -> int:
        return self.batches + self.alone


def encode(note: Note) -> str:
    """As the group keeps it beside the position."""
    return f"begun {min(note.batches, 999)} {min(note.alone, 999)} {note.by}"


def decode(metadata: str, me: str) -> Note:
    """What the position that a process starts from says; nothing, where ``me`` wrote it itself, before an outage."""
    found = _FORM.fullmatch(metadata)
    if found is None or found[3] == me:
        return Note()
    return Note(int(found[1]), int(found[2]), found[3])


class Watch:
    """One partition from the position a process starts at, until it has got on from there.

    Args:
        kills_max: processes that may end at one record alone before it is rejected.
    """

    __slots__ = ("_kills_max", "left", "note", "start")

    def __init__(self, start: int, note: Note, kills_max: int) -> None:
        self.start = start
        self.note = note
        self.left = ALONE_MAX if note.batches >= BATCHES_MAX else 0
        """Records that still go alone."""
        self._kills_max = kills_max

    def kills(self, offset: int) -> bool:
        """Whether the record at ``offset`` has ended as many processes alone as may be."""
        return bool(self.left) and offset == self.start and self.note.alone >= self._kills_max

    def begins(self, me: str) -> Note:
        """To note before the first batch."""
        return Note(self.note.batches + 1, 0, me)

    def begins_alone(self, offset: int, me: str) -> Note:
        """To note before a record that goes alone."""
        return Note(self.note.batches, (self.note.alone if offset == self.start else 0) + 1, me)

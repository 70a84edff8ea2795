"""Innocent repeats and delays, as networks, L3 systems and people make them. None of it may leave an alert standing.

Source: domain.md 2.1 (D1 transport, D2 semantic, D3 operator), 7 (scenarios 1 and 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random

from packtrace.simulator.messages import Message
from packtrace.simulator.recipe import SECOND

# fmt: off
KINDS = (
    #  name            weight   what
    ("exact-resend",   4),    # the same event again, id and all
    ("new-id-resend",  3),    # the same event under another id, at the same time or up to 1.5 s later
    ("late-upload",    2),    # it goes out a while after it happened
    ("double-scan",    3),    # a person scans twice; of other events than these it is an exact resend
)
# fmt: on
_SCANNED_BY_HAND = frozenset({"dispensing", "destroying"})
_NAMES = [name for name, weight in KINDS for _ in range(weight)]


def noisy(messages: Iterator[Message], seed: int, share: float) -> Iterator[Message]:
    """``messages``, with a repeat or a delay at ``share`` of them, in the order in which they go out."""
    random = Random(f"noise/{seed}")
    held: list[tuple[int, int, Message]] = []
    number = 0
    for original in messages:
        while held and held[0][0] <= original.at:
            yield heappop(held)[2]
        if random.random() >= share:
            yield original
            continue
        name = random.choice(_NAMES)
        if name != "late-upload":
            yield original
        number += 1
        disturbed = _disturb(original, name, random)
        heappush(held, (disturbed.at, number, disturbed))
    while held:
        yield heappop(held)[2]


def _disturb(original: Message, name: str, random: Random) -> Message:
    after = int((1 + 7 * random.random()) * SECOND)
    if name == "new-id-resend":
        shifted = original.time + (int(min(1.5 * SECOND, after) * random.random()) if random.random() < 0.5 else 0)
        return _renamed(original)._replace(at=original.at + after, time=shifted)
    if name == "double-scan" and original.template.biz_step in _SCANNED_BY_HAND:
        return _renamed(original)._replace(at=original.at + after, time=original.at + after)
    return original._replace(at=original.at + after)


def _renamed(original: Message) -> Message:
    """The same under the next id of its source."""
    source = original.template.source
    source.number = number = source.number + 1
    return original._replace(id=f"{source.prefix}{number}", sequence=number if source.counts else None)

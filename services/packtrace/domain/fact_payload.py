"""What each type of fact adds to its envelope (rules.md 7), as canonical msgpack.

===========  =====================================================================  ===========
type         payload                                                                 empty means
===========  =====================================================================  ===========
JOINED       ``Joined``: was the pack applied; custody where the pack has no place   applied
LEFT         path, the item that left first; each that passed it on after it         direct
CONTENT      ``Passed``: a joined fact passed on upwards                             never
ANSWER       ``Answer``: custody of the root then, and the path to it                never
EMPTIED      ``Answer``, the path being the container                                never
===========  =====================================================================  ===========
"""

from __future__ import annotations

from typing import Final

import msgspec

from packtrace.domain.state import CustodyValue

HOPS_MAX: Final = 8


class Joined(msgspec.Struct, frozen=True, array_like=True):
    applied: bool = True
    custody: CustodyValue | None = None


class Passed(msgspec.Struct, frozen=True, array_like=True):
    path: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True, array_like=True):
    custody: CustodyValue
    path: tuple[str, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_joined = msgspec.msgpack.Decoder(Joined)
_passed = msgspec.msgpack.Decoder(Passed)
_answer = msgspec.msgpack.Decoder(Answer)
_APPLIED: Final = Joined()


def pack(payload: Joined | Passed | Answer) -> bytes:
    return b"" if payload == _APPLIED else _encoder.encode(payload)


def joined(payload: bytes) -> Joined:
    return _joined.decode(payload) if payload else _APPLIED


def path(payload: bytes, source: str) -> tuple[str, ...]:
    """The items a fact that goes upwards has passed, the first asker first."""
    return _passed.decode(payload).path if payload else (source,)


def answer(payload: bytes) -> Answer:
    return _answer.decode(payload)

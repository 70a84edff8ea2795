"""What each type of fact adds to its envelope (rules.md 7), as canonical msgpack.

===========  ====================================================================  =============
type         payload                                                               empty means
===========  ====================================================================  =============
JOINED       ``Joined``: was the pack applied; custody where the pack has no place  applied
LEFT         ``Passed``, where it was passed on                                    the source left
CONTENT      ``Passed``: joined facts passed on upwards                            never
ANSWER       ``Answer``: custody of the root then, and the path to it              never
EMPTIED      ``Answer``, the path being the container                              never
===========  ====================================================================  =============
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
    """What one event makes a container pass on: for each item that asks the path it came by, itself first."""

    paths: tuple[tuple[str, ...], ...]


class Answer(msgspec.Struct, frozen=True, array_like=True):
    custody: CustodyValue
    path: tuple[str, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_joined = msgspec.msgpack.Decoder(Joined)
_passed = msgspec.msgpack.Decoder(Passed)
_path = msgspec.msgpack.Decoder(tuple[str, ...])
_answer = msgspec.msgpack.Decoder(Answer)
_APPLIED: Final = Joined()


def pack(payload: Joined | Passed | Answer) -> bytes:
    return b"" if payload == _APPLIED else _encoder.encode(payload)


def joined(payload: bytes) -> Joined:
    return _joined.decode(payload) if payload else _APPLIED


def paths(payload: bytes) -> tuple[tuple[str, ...], ...]:
    """The paths of a fact that was passed on."""
    return _passed.decode(payload).paths


def path(row_payload: bytes) -> tuple[str, ...]:
    """The path a row of a content keeps."""
    return _path.decode(row_payload)


def pack_path(path: tuple[str, ...]) -> bytes:
    """The inverse of ``path``."""
    return _encoder.encode(path)


def answer(payload: bytes) -> Answer:
    return _answer.decode(payload)

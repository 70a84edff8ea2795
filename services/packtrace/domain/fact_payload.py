"""What each type of fact adds to its envelope (rules.md 7), as canonical msgpack.

===========  ====================================================================  ===========================
type         payload                                                               empty means
===========  ====================================================================  ===========================
JOINED       ``Joined``: was the pack applied, what joined, custody just before    applied, nothing is known
LEFT         never one                                                             the source left
CHANGED      a summary (``inside.Summary``)                                        nothing is known any more
SIGHTING     ``Passed``: who asks, the source among them or not                    the source alone asks
CONTENT      ``Passed``: joined facts passed on upwards                            never
ANSWER       ``Answer``: the root as it was just before, and the path to it        never
EMPTIED      ``Answer``, the path being the container                              never
===========  ====================================================================  ===========================
"""

from __future__ import annotations

from typing import Final

import msgspec

from packtrace.domain.state import CustodyValue, Moment

HOPS_MAX: Final = 8
_NAMED: Final = "*"


class Joined(msgspec.Struct, frozen=True, array_like=True):
    applied: bool = True
    summary: bytes = b""
    """``inside.Summary`` of the child, packed."""
    custody: CustodyValue | None = None
    """Of the child just before, where the pack has no place."""


class Passed(msgspec.Struct, frozen=True, array_like=True):
    """What one event makes a container pass on: for each item that asks the path it came by, itself first."""

    paths: tuple[tuple[str, ...], ...]


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The root just before the event that asks: custody, its last ship, receive and naming, and the way to it."""

    custody: CustodyValue
    path: tuple[str, ...] = ()
    """Containers from the parent of the item that asks up to the root; one that the event names too is ``named``."""
    shipped: Moment | None = None
    received: Moment | None = None
    naming: Moment | None = None

    @property
    def names_an_ancestor(self) -> bool:
        """Whether the event that asks names a container above the item as well."""
        return any(step.startswith(_NAMED) for step in self.path)


_encoder = msgspec.msgpack.Encoder()
_joined = msgspec.msgpack.Decoder(Joined)
_passed = msgspec.msgpack.Decoder(Passed)
_path = msgspec.msgpack.Decoder(tuple[str, ...])
_custody = msgspec.msgpack.Decoder(CustodyValue)
_answer = msgspec.msgpack.Decoder(Answer)
_APPLIED: Final = Joined()
_NOT_APPLIED: Final = Joined(False)
_NOT_APPLIED_BYTES: Final = b"\x92\xc2\xc0"
"""[false, nil]: the view ``edges`` of the history looks for it."""


def pack(payload: Joined | Passed | Answer) -> bytes:
    if payload == _NOT_APPLIED:
        return _NOT_APPLIED_BYTES
    return b"" if payload == _APPLIED else _encoder.encode(payload)


def joined(payload: bytes) -> Joined:
    if payload == _NOT_APPLIED_BYTES:
        return _NOT_APPLIED
    return _joined.decode(payload) if payload else _APPLIED


def paths(payload: bytes) -> tuple[tuple[str, ...], ...]:
    """The paths of a fact that was passed on."""
    return _passed.decode(payload).paths


def paths_asked(payload: bytes, source: str) -> tuple[tuple[str, ...], ...]:
    """The paths of a sighting: that of its source alone where it says nothing."""
    return _passed.decode(payload).paths if payload else ((source,),)


def path(row_payload: bytes) -> tuple[str, ...]:
    """The path a row of a content keeps."""
    return _path.decode(row_payload)


def pack_path(path: tuple[str, ...]) -> bytes:
    """The inverse of ``path``."""
    return _encoder.encode(path)


def pack_custody(custody: CustodyValue) -> bytes:
    """Custody as a row of a content keeps it."""
    return _encoder.encode(custody)


def custody(row_payload: bytes) -> CustodyValue:
    """The inverse of ``pack_custody``."""
    found: CustodyValue = _custody.decode(row_payload)
    return found


def named(key: str) -> str:
    """How a path writes a container that the event names too."""
    return _NAMED + key


def visits(path: tuple[str, ...], key: str) -> bool:
    """Whether a path has been at an item."""
    return key in path or _NAMED + key in path


def answer(payload: bytes) -> Answer:
    return _answer.decode(payload)

"""A checkpoint of one ops partition, as a history row of its own carries it: where the partition stood once all below was applied.

With the rows before it, it is what an empty Redis is rebuilt from; its digest proves that nothing of them is missing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from packtrace.errors import RefusedError

VERSION: Final = 1


class Checkpoint(NamedTuple):
    """``offset`` is the next to apply; ``watermarks`` are source -> (offset, nth), ``clocks`` source -> log time in microseconds."""

    version: int
    offset: int
    digest: int
    watermarks: dict[str, tuple[int, int]]
    clocks: dict[str, int]


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(Checkpoint)


def pack(offset: int, digest: int, watermarks: dict[str, tuple[int, int]], clocks: dict[str, int]) -> bytes:
    """One encoding of one moment, whatever the order in which sources became known."""
    return _encoder.encode(Checkpoint(VERSION, offset, digest, watermarks, clocks))


def unpack(packed: bytes) -> Checkpoint:
    """The inverse of ``pack``.

    Raises:
        RefusedError: of a newer layout.
    """
    found = _decoder.decode(packed)
    if found.version > VERSION:
        raise RefusedError(f"checkpoint: expected layout {VERSION} or older, found {found.version}; upgrade this packtrace first")
    return found

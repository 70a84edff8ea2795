"""What Redis needs for the live state, part by part: counted exactly where that is one number, weighed on a sample elsewhere.

``MEMORY USAGE`` of a key counts its value with all that the server keeps around it, name and table entry included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from packtrace.adapters.redis_state import BUCKETS, Server, bucket_key, deadlines_key, meta_key, reference_key

CALLS_MAX = 2_000
"""Of one round trip."""
SCAN_KEYS = 1_000


class Bucket(NamedTuple):
    """Canonical key -> packed item, and what the server needs for all of them."""

    items: dict[bytes, bytes]
    bytes: int


class Content(NamedTuple):
    """Of one container: its entries, the bytes in them, and what the server needs for it."""

    name: str
    entries: int
    payload: int
    bytes: int


class Whole(NamedTuple):
    """Of the server."""

    used: int
    keys: int
    fragmentation: float
    """Resident memory by used memory."""


class RedisMemory:
    """See the module. Reads only.

    Args:
        url: ``redis://host:port``, ``rediss://...`` or ``unix:///path``.
        partitions: of ops.
    """

    def __init__(self, url: str, partitions: int) -> None:
        self._server = Server(url)
        self._partitions = partitions

    def close(self) -> None:
        self._server.close()

    def whole(self) -> Whole:
        memory = self._server.run("INFO", "memory")
        return Whole(int(memory["used_memory"]), int(self._server.run("DBSIZE")), float(memory["mem_fragmentation_ratio"]))

    def bucket_lengths(self) -> dict[tuple[int, int], int]:
        """(partition, bucket) -> items in it, of those that hold any."""
        names = [(partition, bucket) for partition in range(self._partitions) for bucket in range(BUCKETS)]
        lengths = self._all([("HLEN", bucket_key(*name)) for name in names])
        return {name: int(length) for name, length in zip(names, lengths, strict=True) if length}

    def buckets(self, names: Sequence[tuple[int, int]]) -> Iterator[Bucket]:
        keys = [bucket_key(*name) for name in names]
        weights = self._all([("MEMORY USAGE", key, "SAMPLES", 0) for key in keys])
        for key, weight in zip(keys, weights, strict=True):
            yield Bucket(self._server.run("HGETALL", key), int(weight or 0))

    def contents(self, most: int) -> Iterator[Content]:
        """Of ``most`` containers, as SCAN comes upon them."""
        cursor, left = 0, most
        while left > 0:
            cursor, keys = self._server.run("SCAN", cursor, "MATCH", "{*}:c:*", "COUNT", SCAN_KEYS)
            keys = keys[:left]
            left -= len(keys)
            weights = self._all([("MEMORY USAGE", key, "SAMPLES", 0) for key in keys])
            entries = self._all([("HGETALL", key) for key in keys])
            for key, weight, held in zip(keys, weights, entries, strict=True):
                pairs = held if isinstance(held, dict) else dict(zip(held[::2], held[1::2], strict=True))
                payload = sum(len(name) + len(value) for name, value in pairs.items())
                yield Content(key.decode().split(":c:", 1)[1], len(pairs), payload, int(weight or 0))
            cursor = int(cursor)
            if not cursor:
                return

    def small(self) -> dict[str, int]:
        """``deadlines``, ``reference`` and ``meta`` of all partitions, bytes; and how many keys those are."""
        found: dict[str, int] = {"keys": 0}
        for part, key_of in (("deadlines", deadlines_key), ("reference", reference_key), ("meta", meta_key)):
            weights = self._all([("MEMORY USAGE", key_of(partition), "SAMPLES", 0) for partition in range(self._partitions)])
            found[part] = sum(int(weight or 0) for weight in weights)
            found["keys"] += sum(weight is not None for weight in weights)
        return found

    def _all(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> list[Any]:
        answers: list[Any] = []
        for first in range(0, len(commands), CALLS_MAX):
            answers += self._server.run_all(commands[first : first + CALLS_MAX])
        return answers

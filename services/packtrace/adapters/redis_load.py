"""Fills the live state of partitions anew (port ``StateLoader``), as ``packtrace rebuild`` does.

``begin`` puts a word in the place of the layout and an offset at which nobody stands: whoever owned the partition is told GAP, and
nobody can take it before ``finish`` writes where it stands. A rebuild that dies in between leaves that word, and the next one begins
anew. An owner that slept through it all and stands where the rebuild ends is fenced by a new epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from packtrace.adapters.redis_state import (
    LAYOUT,
    REBUILDING,
    Server,
    bucket_key,
    bucket_of,
    content_key,
    deadlines_key,
    meta_key,
    reference_key,
)
from packtrace.ports import PartitionMeta

NOWHERE = -1
SCAN_KEYS = 1_000
VALUES_MAX = 2_000
"""Of one HSET or ZADD; other clients wait while one runs."""

Words = tuple[str | bytes | int, ...]


class RedisLoader:
    """See the module.

    Args:
        url: ``redis://host:port``, ``rediss://...`` or ``unix:///path``.
    """

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self._stood: dict[int, int] = {}

    def close(self) -> None:
        self._server.close()

    def begin(self, partition: int, partitions: int) -> None:
        meta = meta_key(partition)
        stood = self._server.run("HGET", meta, "offset")
        self._stood[partition] = -1 if stood is None else int(stood)
        self._server.run("HSET", meta, "partitions", partitions, "layout", REBUILDING, "offset", NOWHERE, "digest", 0)
        self._server.run("HINCRBY", meta, "epoch", 0)
        cursor = 0
        while True:
            cursor, keys = self._server.run("SCAN", cursor, "MATCH", f"{{{partition}}}:*", "COUNT", SCAN_KEYS)
            gone = [key for key in keys if key != meta.encode()]
            if gone:
                self._server.run("UNLINK", *gone)
            cursor = int(cursor)
            if not cursor:
                break
        names = [name for name in self._server.run("HKEYS", meta) if name.startswith((b"wm:", b"clk:"))]
        if names:
            self._server.run("HDEL", meta, *names)

    def put(
        self, partition: int, items: Mapping[str, bytes], content: Mapping[str, Mapping[bytes, bytes]], deadlines: Mapping[str, int]
    ) -> None:
        self._server.run_all(_writes(partition, items, content, deadlines))

    def finish(self, partition: int, meta: PartitionMeta, reference: Mapping[str, str]) -> None:
        words: list[str | bytes | int] = ["digest", str(meta.digest), "offset", meta.offset]
        for source, position in meta.watermarks.items():
            words += [f"wm:{source}", f"{position.offset}:{position.nth}"]
        for source, time in meta.clocks.items():
            words += [f"clk:{source}", time]
        self._server.run_all(_cut("HSET", reference_key(partition), [word for pair in reference.items() for word in pair]))
        if self._stood.get(partition) == meta.offset:
            self._server.run("HINCRBY", meta_key(partition), "epoch", 1)
        self._server.run("HSET", meta_key(partition), *words, "layout", LAYOUT)


def _writes(
    partition: int, items: Mapping[str, bytes], content: Mapping[str, Mapping[bytes, bytes]], deadlines: Mapping[str, int]
) -> Iterator[Words]:
    buckets: dict[int, list[str | bytes | int]] = {}
    for key, packed in items.items():
        buckets.setdefault(bucket_of(key), []).extend((key, packed))
    for bucket, pairs in buckets.items():
        yield from _cut("HSET", bucket_key(partition, bucket), pairs)
    for container, entries in content.items():
        yield from _cut("HSET", content_key(partition, container), [word for pair in entries.items() for word in pair])
    yield from _cut("ZADD", deadlines_key(partition), [word for key, time in deadlines.items() for word in (time, key)])


def _cut(command: str, key: str, pairs: Sequence[str | bytes | int]) -> Iterator[Words]:
    for start in range(0, len(pairs), VALUES_MAX):
        yield (command, key, *pairs[start : start + VALUES_MAX])

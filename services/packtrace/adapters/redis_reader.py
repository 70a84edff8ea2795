"""Live state for those who only look at it (query, ``packtrace wait``, ``packtrace inspect``): no ownership, no write.

What a reader sees of one partition in one call is a state at one offset; two calls may see two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packtrace.adapters.redis_state import Loaded, Server, meta_key, meta_of, read_items, read_meta, read_reference
from packtrace.domain.identifiers import partition_of
from packtrace.ports import PartitionMeta

PARTITIONS_LOOKED_AT = 64
"""Where ``partitions`` looks for one that was ever owned; each says how many there are."""


class RedisReader:
    """See the module. Safe to use from several threads.

    Args:
        url: ``redis://host:port``, ``rediss://...`` or ``unix:///path``.
    """

    def __init__(self, url: str) -> None:
        self._server = Server(url)

    def close(self) -> None:
        self._server.close()

    def meta(self, partition: int) -> PartitionMeta | None:
        """None where the partition was never owned."""
        return read_meta(self._server, partition)

    def metas(self, partitions: int) -> dict[int, PartitionMeta]:
        """Of those of partitions 0 to ``partitions`` - 1 that were ever owned, in one round trip."""
        answers = self._server.run_all(("HGETALL", meta_key(partition)) for partition in range(partitions))
        metas = {partition: meta_of(answer) for partition, answer in enumerate(answers)}
        return {partition: meta for partition, meta in metas.items() if meta is not None}

    def load(self, partition: int, items: Sequence[str]) -> Loaded:
        """Packed item and content entries of those that exist."""
        return read_items(self._server, partition, items)

    def item(self, key: str, partitions: int) -> tuple[bytes, dict[bytes, bytes]] | None:
        """Packed item and content entries; None when it was never named."""
        return self.load(partition_of(key, partitions), [key]).get(key)

    def items(self, keys: Iterable[str], partitions: int) -> Loaded:
        """The same of many, one round trip for each partition named."""
        by_partition: dict[int, list[str]] = {}
        for key in keys:
            by_partition.setdefault(partition_of(key, partitions), []).append(key)
        found: Loaded = {}
        for partition, wanted in by_partition.items():
            found |= self.load(partition, wanted)
        return found

    def reference(self, partition: int) -> dict[str, str]:
        """The reference data the partition has applied: "entity|key" -> JSON."""
        return read_reference(self._server, partition)

    def memory(self) -> int:
        """Bytes the server uses."""
        return int(self._server.run("INFO", "memory")["used_memory"])

    def partitions(self) -> int | None:
        """The partition count the state was made with; None while there is no state."""
        answers = self._server.run_all(("HGET", meta_key(partition), "partitions") for partition in range(PARTITIONS_LOOKED_AT))
        return next((int(answer) for answer in answers if answer is not None), None)

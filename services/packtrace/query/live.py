"""Items as they are now, from the live state: the item, what it is in, what is in it.

The child's pointer to its parent is what counts; a parent's list of children is an index that follows it a moment later. So
children are read, and those that point elsewhere are left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from packtrace.domain.identifiers import partition_of
from packtrace.domain.item import Item
from packtrace.domain.reference import Reference, ReferenceChange
from packtrace.ports import PartitionMeta

ANCESTORS_MAX = 16
"""Facts travel at most 8 hops, so no chain is longer; a chain beyond this is a loop that is just being undone."""

LOAD_KEYS_MAX = 2_000
"""Items asked of one partition at once."""

Unpack = Callable[[str, bytes, dict[bytes, bytes]], Item]


class StateReader(Protocol):
    """What is read of the live state (``packtrace.adapters.redis_reader.RedisReader``)."""

    def load(self, partition: int, items: Sequence[str]) -> dict[str, tuple[bytes, dict[bytes, bytes]]]: ...

    def meta(self, partition: int) -> PartitionMeta | None: ...

    def metas(self, partitions: int) -> dict[int, PartitionMeta]: ...

    def reference(self, partition: int) -> dict[str, str]: ...


class _Known(NamedTuple):
    """Reference data as last read: when, as it is stored, and as a value."""

    read_at: float
    stated: dict[str, str]
    reference: Reference


REFERENCE_SECONDS = 1.0
"""How old the reference data of an answer may be; reading it costs 10 ms per 10,000 entities."""


class Live:
    """See the module. Safe to use from several threads.

    Args:
        partitions: of the topic ``ops``.
        clock_sources: partitions of the topic ``events``: as many sources drive a partition's clock.
        unpack: packed item and content -> item.
        clock: seconds, never going back.
    """

    def __init__(self, store: StateReader, partitions: int, clock_sources: int, unpack: Unpack, clock: Callable[[], float]) -> None:
        self._store = store
        self._partitions = partitions
        self._clock_sources = clock_sources
        self._unpack = unpack
        self._clock = clock
        self._lock = threading.Lock()
        self._known = _Known(-REFERENCE_SECONDS, {}, Reference.empty())

    def items(self, keys: Iterable[str]) -> dict[str, Item]:
        """Those of ``keys`` that were ever named."""
        by_partition: dict[int, list[str]] = {}
        for key in keys:
            by_partition.setdefault(partition_of(key, self._partitions), []).append(key)
        found: dict[str, Item] = {}
        for partition, wanted in by_partition.items():
            for start in range(0, len(wanted), LOAD_KEYS_MAX):
                loaded = self._store.load(partition, wanted[start : start + LOAD_KEYS_MAX])
                for key, (packed, content) in loaded.items():
                    found[key] = self._unpack(key, packed, content)
        return found

    def item(self, key: str) -> Item | None:
        return self.items([key]).get(key)

    def ancestors(self, item: Item) -> list[Item]:
        """The container it is in, that one's, ... up to the root."""
        chain: list[Item] = []
        seen = {item.key}
        parent = item.parent
        while parent and parent not in seen and len(chain) < ANCESTORS_MAX:
            seen.add(parent)
            found = self.item(parent)
            if found is None:
                break
            chain.append(found)
            parent = found.parent
        return chain

    def children(self, parents: Sequence[Item], limit: int) -> dict[str, list[Item]]:
        """Parent key -> its children, by key; at most ``limit`` of all together."""
        wanted: list[tuple[str, str]] = []
        for parent in parents:
            for child in sorted(parent.children):
                if len(wanted) >= limit:
                    break
                wanted.append((parent.key, child))
        found = self.items([child for _, child in wanted])
        out: dict[str, list[Item]] = {}
        for parent_key, child_key in wanted:
            child_item = found.get(child_key)
            if child_item is not None and child_item.parent == parent_key:
                out.setdefault(parent_key, []).append(child_item)
        return out

    def reached(self, keys: Iterable[str] | None = None) -> int:
        """Log time up to which the partitions of ``keys`` (None: all) include everything, microseconds; 0 while not known."""
        if keys is None:
            return min(self.clock(meta) for meta in self.metas().values())
        partitions = {partition_of(key, self._partitions) for key in keys}
        return min((self.clock(self._store.meta(partition)) for partition in partitions), default=0)

    def clock(self, meta: PartitionMeta | None) -> int:
        """The clock of a partition: 0 until every source of it is known."""
        if meta is None or len(meta.clocks) < self._clock_sources:
            return 0
        return min(meta.clocks.values())

    def metas(self) -> dict[int, PartitionMeta | None]:
        """Of every partition; None where it was never owned."""
        known = self._store.metas(self._partitions)
        return {partition: known.get(partition) for partition in range(self._partitions)}

    def reference(self, key: str) -> Reference:
        """The reference data of the partition of ``key``; every partition applies the same changes."""
        with self._lock:
            known = self._known
            now = self._clock()
            if now - known.read_at < REFERENCE_SECONDS:
                return known.reference
            stated = self._store.reference(partition_of(key, self._partitions))
            changes = [_change(name, value) for name, value in stated.items() if known.stated.get(name) != value]
            changes += [_change(name, None) for name in known.stated.keys() - stated.keys()]
            self._known = _Known(now, stated, known.reference.changed(changes))
            return self._known.reference


def _change(name: str, value: str | None) -> ReferenceChange:
    entity, _, key = name.partition("|")
    return ReferenceChange(entity, key, value)

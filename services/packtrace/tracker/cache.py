"""The items one partition has in memory, with what a commit needs of them: packed bytes and their share of the digest."""

from __future__ import annotations

from collections.abc import Collection, ItemsView, Iterator, Mapping
from itertools import islice

import xxhash

from packtrace.codec import state
from packtrace.domain.item import Item
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference
from packtrace.tracker.lane import Shape
from packtrace.tracker.lanes import Lanes

_MASK = (1 << 64) - 1


def item_share(key: str, packed: bytes) -> int:
    """What an item adds to its partition's digest; an item that is not stored (no bytes) adds nothing."""
    return xxhash.xxh3_64_intdigest(key.encode() + b"\0" + packed) if packed else 0


def entry_share(key: str, name: bytes, entry: bytes | None) -> int:
    """What one content entry adds to its partition's digest; None where there is none."""
    return 0 if entry is None or not state.counted(name) else xxhash.xxh3_64_intdigest(key.encode() + b"\1" + name + b"\0" + entry)


_NO_CONTENT: dict[bytes, bytes] = {}
UNKNOWN = -1


class Cached:
    """One item. ``packed`` is its newest form, ``share`` what the digest counts of it, ``content`` its entries as bytes.

    With a ``shape`` it is what its own ``events`` made of it, and not unpacked until somebody asks for the item.
    """

    __slots__ = ("_item", "content", "deadline", "events", "key", "packed", "shape", "share")

    def __init__(self, key: str, packed: bytes, content: dict[bytes, bytes], item: Item | None = None) -> None:
        self.key = key
        self._item = item
        self.packed = packed
        self.share = item_share(key, packed)
        self.content = content
        self.deadline: int | None = UNKNOWN if packed else None
        """As the store has it, or is about to; ``UNKNOWN`` of an item that was read back."""
        self.shape: Shape | None = None
        self.events: tuple[OwnEvent, ...] = ()

    @staticmethod
    def alike(key: str) -> Cached:
        """An item that a lane is about to make."""
        cached = Cached.__new__(Cached)
        cached.key = key
        cached._item = None
        cached.packed = b""
        cached.share = 0
        cached.content = _NO_CONTENT
        cached.deadline = None
        cached.shape = None
        cached.events = ()
        return cached

    @property
    def item(self) -> Item:
        item = self._item
        if item is None:
            if self.shape is None:
                item = self._item = state.unpack(self.key, self.packed, self.content)
            else:
                item = self._item = self.shape.make(self.key, self.events)
                self.content, self.shape, self.events = {}, None, ()
        return item

    @property
    def is_cold(self) -> bool:
        """Whether nobody has asked yet what it is."""
        return self._item is None and self.shape is None

    def recognise(self, lanes: Lanes, reference_mark: int, reference: Reference, clock: int) -> None:
        """Give an item that was read back its shape, where it is one that a lane makes of one event."""
        if self.content:
            return
        found = lanes.recognised(reference_mark, self.key, self.packed, clock)
        if found is not None:
            self.shape, self.events = found.shape, (found.event,)
            self.content = _NO_CONTENT
        else:
            lanes.learn_first(reference_mark, self.item, self.packed, reference, clock)


class Cache:
    """Oldest first. What is not committed is not evicted: a changed item is nowhere else."""

    def __init__(self) -> None:
        self._items: dict[str, Cached] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def items(self) -> ItemsView[str, Cached]:
        return self._items.items()

    def get(self, key: str) -> Cached | None:
        return self._items.get(key)

    def take_in(self, loaded: Mapping[str, tuple[bytes, dict[bytes, bytes]]]) -> None:
        """Add what was loaded; what is cached already is newer and stays."""
        for key, (packed, content) in loaded.items():
            if key not in self._items:
                self._items[key] = Cached(key, packed, content)

    def put(self, cached: Cached) -> None:
        """A new item."""
        self._items[cached.key] = cached

    def made(self, key: str) -> Cached:
        """The item, new where the store has none."""
        cached = self._items.get(key)
        if cached is None:
            cached = self._items[key] = Cached(key, b"", {}, Item(key))
        return cached

    def evict(self, items_max: int, kept: Collection[str]) -> None:
        """Drop the oldest beyond the bound, but for ``kept``."""
        surplus = len(self._items) - items_max
        if surplus > 0:
            for key in list(islice((key for key in self._items if key not in kept), surplus)):
                del self._items[key]


def moved(digest: int, less: int, more: int) -> int:
    """``digest`` with one share replaced by another."""
    return (digest - less + more) & _MASK

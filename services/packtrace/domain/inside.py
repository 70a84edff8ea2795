"""What is in a container at one moment, and what each child says of itself and of all in it (rules.md 7).

A *summary* is a child's own lot, expiry and holds, with the entries of all inside it; packed it is a few bytes, equal for all
packs of a lot, so that a container counts summaries and not packs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec


class Entry(NamedTuple):
    """One kind of thing inside: every item with the same GTIN, lot, stated expiry and holds is one entry."""

    gtin: str
    lot: str = ""
    expiry: int = 0
    holds: tuple[str, ...] = ()


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """Of one child. ``entries`` of all inside it, sorted, without repeats."""

    lot: str = ""
    expiry: int = 0
    holds: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Summary)
NOTHING: Final = Summary()


@lru_cache(maxsize=65_536)
def pack_own(lot: str, expiry: int, holds: tuple[str, ...]) -> bytes:
    """A summary of an item with nothing inside."""
    return pack_summary(Summary(lot, expiry, holds))


def pack_summary(summary: Summary) -> bytes:
    """The bytes; none where nothing is known."""
    return b"" if summary == NOTHING else _encoder.encode(summary)


@lru_cache(maxsize=65_536)
def read_summary(packed: bytes) -> Summary:
    """The inverse of ``pack_summary``."""
    return _decoder.decode(packed) if packed else NOTHING


@lru_cache(maxsize=65_536)
def entries_of(gtin: str, packed: bytes) -> tuple[Entry, ...]:
    """A child's own entry and those of all inside it; one that says nothing is left out."""
    summary = read_summary(packed)
    own = Entry(gtin, summary.lot, summary.expiry, summary.holds)
    says = summary.lot or summary.expiry or summary.holds
    return (own, *summary.entries) if says else summary.entries


def gtin_in(key: str) -> str:
    """The GTIN of an item key; empty for an SSCC."""
    return key[2:16] if key[:2] == "01" else ""


class Inside:
    """Children and their summaries at one moment of a fold."""

    __slots__ = ("_kinds", "children")

    def __init__(self, children: Mapping[str, bytes] | None = None) -> None:
        self.children: dict[str, bytes] = dict(children or {})
        self._kinds: Counter[tuple[str, bytes]] = Counter((gtin_in(key), packed) for key, packed in self.children.items())
        """How many children have one GTIN and one summary."""

    def __len__(self) -> int:
        return len(self.children)

    def __contains__(self, key: object) -> bool:
        return key in self.children

    def put(self, child: str, summary: bytes) -> None:
        """The child is in, or says something else of itself."""
        self.drop(child)
        self.children[child] = summary
        self._kinds[gtin_in(child), summary] += 1

    def put_all(self, children: Sequence[str], summary: bytes) -> None:
        """``put`` for children that say the same."""
        if not self.children.keys().isdisjoint(children):
            for child in children:
                self.put(child, summary)
            return
        self.children.update(dict.fromkeys(children, summary))
        for gtin, times in Counter(map(gtin_in, children)).items():
            self._kinds[gtin, summary] += times

    def drop(self, child: str) -> None:
        """The child is out."""
        before = self.children.pop(child, None)
        if before is not None:
            kind = gtin_in(child), before
            self._kinds[kind] -= 1
            if not self._kinds[kind]:
                del self._kinds[kind]

    def clear(self) -> None:
        """All are out."""
        self.children.clear()
        self._kinds.clear()

    def entries(self) -> tuple[Entry, ...]:
        """What is inside, at any depth: sorted, without repeats."""
        return merged(entries_of(gtin, packed) for gtin, packed in self._kinds)

    def any_entry(self) -> Iterator[Entry]:
        """The same, unsorted."""
        for gtin, packed in self._kinds:
            yield from entries_of(gtin, packed)

    def lots(self) -> set[tuple[str, str]]:
        """The known (GTIN, lot) of the direct children."""
        return {(gtin, lot) for gtin, packed in self._kinds if gtin and (lot := read_summary(packed).lot)}


def merged(found: Iterable[tuple[Entry, ...]]) -> tuple[Entry, ...]:
    return tuple(sorted({entry for entries in found for entry in entries}))


def summary_of(lot: str, expiry: int, holds: tuple[str, ...], inside: Inside | None) -> bytes:
    """What an item says of itself and of all in it, packed."""
    if inside is None or not inside.children:
        return pack_own(lot, expiry, holds)
    return pack_summary(Summary(lot, expiry, holds, inside.entries()))

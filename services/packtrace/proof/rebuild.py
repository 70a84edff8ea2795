"""An empty Redis from ClickHouse: every partition as it stood at its newest checkpoint, from where the tracker goes on by itself.

1. ask ClickHouse for the newest checkpoint of each partition, and Kafka whether ``ops`` still holds what comes after it;
2. compute the digest of what ClickHouse holds below it, and compare: rows that are missing are told before anything is written;
3. ``begin`` each partition: its owner is told GAP, nobody can take it;
4. write items, content and deadlines, a page at a time;
5. ``finish`` each partition, where the digest of what was written is the checkpoint's.

A crash before 5 leaves partitions that nobody can take; the next rebuild begins them anew. Whatever happened after the checkpoint is
applied again by the tracker; its history, alerts and facts have the lineage that they had, and readers drop the repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from packtrace.codec import checkpoint
from packtrace.codec.checkpoint import Checkpoint
from packtrace.codec.state import USUAL_HOURS, in_transit, settles_from, unpack
from packtrace.domain.dates import HOUR
from packtrace.domain.overdue import REPORTS_RECEIPTS, wake_at
from packtrace.domain.reference import Reference, ReferenceChange
from packtrace.domain.step import Subject
from packtrace.errors import RefusedError
from packtrace.ports import HistoryStore, LogScan, PartitionMeta, Position, StateLoader, TopicPartition
from packtrace.proof.archive import PAGE_ITEMS, ProofArchive
from packtrace.tracker.cache import entry_share, item_share

_MASK = (1 << 64) - 1
_NOTHING = Checkpoint(checkpoint.VERSION, 0, 0, {}, {})


class Start(NamedTuple):
    """Where one partition will stand, and how many records of ``ops`` the tracker has to apply from there."""

    partition: int
    checkpoint: Checkpoint
    replay: int


class Plan(NamedTuple):
    """``missing``: one sentence for each thing that is in neither ClickHouse nor Kafka; then nothing can be rebuilt."""

    starts: list[Start]
    missing: list[str]


class Rebuilt(NamedTuple):
    """One partition, done."""

    partition: int
    offset: int
    items: int
    digest: int
    replay: int


def plan(history: HistoryStore, log: LogScan, partitions: int) -> Plan:
    """Steps 1 and 2; reads only. Raises UnavailableError."""
    archive = ProofArchive(history)
    found = archive.checkpoints([1 << 62] * partitions)
    starts: list[Start] = []
    missing: list[str] = []
    for number in range(partitions):
        place = found.get(number, _NOTHING)
        oldest, end = log.ends(TopicPartition("ops", number))
        newest = f"the newest checkpoint in ClickHouse is at offset {place.offset:,}" if number in found else "ClickHouse has no checkpoint"
        if place.offset < oldest:
            missing.append(
                f"ops/{number}: {newest} and the topic begins at {oldest:,}: its {oldest - place.offset:,} records "
                f"{place.offset:,} to {oldest - 1:,} are in neither"
            )
        if place.offset > end:
            missing.append(f"ops/{number}: {newest} and the topic ends at {end:,}: it lost its last {place.offset - end:,} records or more")
        starts.append(Start(number, place, end - place.offset))
    if not missing:
        for number, (digest, items) in archive.digests([start.checkpoint.offset for start in starts]).items():
            place = starts[number].checkpoint
            if digest != place.digest:
                missing.append(
                    f"ops/{number}: the {items:,} items in ClickHouse below offset {place.offset:,} have digest {digest:016x}, "
                    f"its checkpoint says {place.digest:016x}: rows of history are missing or changed"
                )
    return Plan(starts, missing)


def rebuild(
    found: Plan,
    history: HistoryStore,
    loader: StateLoader,
    tell: Callable[[int], None] = lambda items: None,
    page_items: int = PAGE_ITEMS,
) -> list[Rebuilt]:
    """Steps 3 to 5.

    Args:
        tell: called with the number of items written so far.

    Raises:
        RefusedError: something is missing, or what was written is not what the checkpoint says.
        UnavailableError: a server is away; call it again.
    """
    if found.missing:
        raise RefusedError(found.missing[0])
    archive = ProofArchive(history)
    below = [start.checkpoint.offset for start in found.starts]
    partitions = len(below)
    reference = {number: archive.reference(number, below) for number in range(partitions)}
    loading = [_Loading(start, loader, reference[start.partition]) for start in found.starts]
    for one in loading:
        loader.begin(one.start.partition, partitions)
    done = 0
    for page in archive.pages(below, [one.since for one in loading], page_items):
        for partition, (keys, packed, oldest) in page.items.items():
            loading[partition].put(keys, packed, oldest, page.content)
            done += len(keys)
        tell(done)
    for one in loading:
        place = one.start.checkpoint
        if one.digest != place.digest:
            raise RefusedError(
                f"ops/{one.start.partition}: digest {one.digest:016x} was written, its checkpoint says {place.digest:016x}; "
                "it was left as nobody can take it"
            )
        watermarks = {source: Position(*at) for source, at in place.watermarks.items()}
        loader.finish(
            one.start.partition, PartitionMeta(0, place.offset, place.digest, watermarks, place.clocks), reference[one.start.partition]
        )
    return [Rebuilt(one.start.partition, one.start.checkpoint.offset, one.items, one.digest, one.start.replay) for one in loading]


class _Loading:
    """One partition on its way."""

    def __init__(self, start: Start, loader: StateLoader, reference: Mapping[str, str]) -> None:
        self.start = start
        self.items = self.digest = 0
        self._loader = loader
        changes = [ReferenceChange(name.partition("|")[0], name.partition("|")[2], json) for name, json in sorted(reference.items())]
        self._reference = Reference.empty().changed(changes)
        self._reported = any(change.entity == "party" and REPORTS_RECEIPTS in (change.value_json or "") for change in changes)
        """Somebody says what arrived: what did not is found out by the clock."""
        self._clock = start.checkpoint.clocks.get(f"ops/{start.partition}", 0)

    @property
    def since(self) -> int:
        """Log time below which no event of the usual window is open."""
        return max(self._clock - USUAL_HOURS * HOUR, 0)

    def put(
        self, keys: Sequence[str], packed: Sequence[bytes], oldest: Sequence[int], content: Mapping[str, Mapping[bytes, bytes]]
    ) -> None:
        """Write items of the partition; see ``archive.Page``."""
        items = dict(zip(keys, packed, strict=True))
        self.digest += sum(map(item_share, keys, packed))
        deadlines: dict[str, int] = {}
        mine: dict[str, Mapping[bytes, bytes]] = {}
        for key, state, logged in zip(keys, packed, oldest, strict=True):
            entries = content.get(key)
            if entries is not None:
                mine[key] = entries
                self.digest += sum(entry_share(key, name, entry) for name, entry in entries.items())
            deadline = 0 if self._reported and in_transit(state) else settles_from(state, entries, logged)
            if deadline == 0:
                deadline = self._deadline(key, state, entries or {})
            if deadline is not None:
                deadlines[key] = deadline
        self.digest &= _MASK
        self.items += len(items)
        self._loader.put(self.start.partition, items, mine, deadlines)

    def _deadline(self, key: str, packed: bytes, entries: Mapping[bytes, bytes]) -> int | None:
        item = unpack(key, packed, entries)
        item.overdue_at = wake_at(item.now, Subject(key, self._reference, self._clock))
        return item.deadline

"""The plain fold over ``ops``: a partition from its first record on, no fault, no store but memory. What must be everywhere follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import xxhash

from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.codec import history, ops, wire
from packtrace.codec.alert_record import AlertRecord
from packtrace.codec.ops import OpsBatch
from packtrace.domain.fact import Fact
from packtrace.ports import LogRecord
from packtrace.proof.archive import Lineage
from packtrace.tracker.engine import OpsRecord, PartitionEngine, Step
from packtrace.tracker.loading import load

RECORDS_AT_ONCE = 64
_MASK = (1 << 64) - 1
_pack = msgspec.msgpack.Encoder().encode


class Sum:
    """How many things, and the sum of their hashes: two bags of things are equal where both are."""

    __slots__ = ("count", "share")

    def __init__(self) -> None:
        self.count = self.share = 0

    def add(self, count: int, share: int) -> None:
        self.count += count
        self.share = (self.share + share) & _MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and (self.count, self.share) == (other.count, other.share)

    __hash__ = None  # type: ignore[assignment]


class Told:
    """The facts of a log, by the partition that tells and the one that is told; a repeat after a crash counts once."""

    def __init__(self) -> None:
        self.sums: defaultdict[tuple[int, int], Sum] = defaultdict(Sum)
        self._last: dict[tuple[int, int], Lineage] = {}

    def take(self, partition: int, batch: OpsBatch, below: Sequence[int]) -> None:
        """Count what a record of ``partition`` tells, of sources below their bound."""
        for row in batch.facts:
            source = int(batch.sources[row.source].rpartition("/")[2])
            at = row.offset, row.nth
            if row.offset < below[source] and at > self._last.get((source, partition), (-1, -1)):
                self._last[source, partition] = at
                self.sums[source, partition].add(1, _fact_share(row.offset, row.nth, row.fact))


class Folded(NamedTuple):
    """What follows from the records of one partition."""

    store: MemoryStateStore
    history: Sum
    alerts: list[AlertRecord]
    facts: dict[int, Sum]
    """By the partition they are for."""
    lineage: dict[Lineage, tuple[int, str]]
    """Lineage -> (hash, item) of each history row, where it was asked for."""


def fold(
    partition: int,
    below: Sequence[int],
    records: Iterable[LogRecord],
    told: Told,
    *,
    with_lineage: bool = False,
    tell: Callable[[int], None] = lambda records: None,
) -> Folded:
    """Fold ``records`` of one ops partition, from its first one on.

    Args:
        below: bound of each ops partition; records at or above it only say what was told.
        with_lineage: remember every row.
        tell: called with the number of records read so far.
    """
    store = MemoryStateStore()
    engine = PartitionEngine(partition, len(below), store.acquire(partition, len(below)), {})
    folded = Folded(store, Sum(), [], defaultdict(Sum), {})
    done = 0
    for batch in _batches(records):
        for record in batch:
            told.take(partition, record.batch, below)
        mine = [record for record in batch if record.offset < below[partition]]
        if mine:
            step = engine.apply(mine, load(store, engine, mine))
            folded.history.add(*_rows(step, folded.lineage if with_lineage else None))
            folded.alerts.extend(step.alerts)
            for out in step.facts:
                folded.facts[out.partition].add(1, _fact_share(out.offset, out.nth, out.fact))
            store.commit(step.commit)
        done += len(batch)
        tell(done)
    return folded


def _fact_share(offset: int, nth: int, fact: Fact) -> int:
    return xxhash.xxh3_64_intdigest(_pack((offset, nth, fact)))


def _batches(records: Iterable[LogRecord]) -> Iterator[list[OpsRecord]]:
    batch: list[OpsRecord] = []
    for record in records:
        batch.append(OpsRecord(record.offset, ops.decode(wire.unframe(record.value or b"")[1])))
        if len(batch) >= RECORDS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(step: Step, lineage: dict[Lineage, tuple[int, str]] | None) -> tuple[int, int]:
    """(rows, sum of their hashes); the hash is that of ``archive``."""
    rows = share = 0
    for body in step.history:
        record = history.decode(body)
        texts = {name: history.texts_of(record, name) for name in ("item", "row_type", "event_id", "fact", "state")}
        hashes = [xxhash.xxh3_64_intdigest(b"\0".join(row)) for row in zip(*texts.values(), strict=True)]
        rows += len(hashes)
        share += sum(hashes)
        if lineage is not None:
            for place, one, item in zip(record.lineage(), hashes, texts["item"], strict=True):
                lineage[place] = one, item.decode()
    return rows, share

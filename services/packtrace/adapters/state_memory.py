"""Live state in memory: the fake beside ``redis_state``, held to the same suite (tests/contracts/test_state_store.py)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType, TypeVar

from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import Commit, Fenced, Gap, PartitionMeta, Position


@dataclass(slots=True)
class _Partition:
    partitions: int
    epoch: int = 0
    offset: int = 0
    digest: int = 0
    watermarks: dict[str, Position] = field(default_factory=dict)
    clocks: dict[str, int] = field(default_factory=dict)
    items: dict[str, bytes] = field(default_factory=dict)
    content: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    deadlines: dict[str, int] = field(default_factory=dict)
    reference: dict[str, str] = field(default_factory=dict)
    rebuilding: bool = False
    stood: int = -1

    def meta(self) -> PartitionMeta:
        return PartitionMeta(self.epoch, self.offset, self.digest, dict(self.watermarks), dict(self.clocks))


Snapshot = NewType("Snapshot", dict[int, _Partition])

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class MemoryStateStore:
    """See the module. ``away`` makes it answer nothing; ``lose_answers`` carries out that many of the next commits and then says
    UnavailableError, as Redis does when the connection breaks and stays broken. The same commit may then be repeated."""

    def __init__(self) -> None:
        self.away = False
        self.lose_answers = 0
        self._stored: dict[int, _Partition] = {}
        self._in_doubt: dict[int, tuple[int, int, int, int]] = {}

    def snapshot(self) -> Snapshot:
        """Everything stored, to go back to."""
        return Snapshot(copy.deepcopy(self._stored))

    def restore(self, snapshot: Snapshot) -> None:
        """Be the store of that moment again, as after a failover that lost what came later."""
        self._stored = copy.deepcopy(snapshot)

    def clear(self) -> None:
        """Lose everything, as FLUSHALL does."""
        self._stored = {}

    def close(self) -> None:
        """Nothing to let go."""

    def acquire(self, partition: int, partitions: int) -> PartitionMeta:
        self._answer()
        for number in (0, partition):
            found = self._stored.get(number)
            if found is not None and found.partitions != partitions:
                raise RefusedError(f"state of ops partition {number}: expected {partitions} partitions, found {found.partitions}")
        stored = self._stored.setdefault(partition, _Partition(partitions))
        if stored.rebuilding:
            raise UnavailableError(f"state of ops partition {partition}: it is being rebuilt")
        stored.epoch += 1
        self._in_doubt.pop(partition, None)
        return stored.meta()

    def load(self, partition: int, items: Sequence[str]) -> dict[str, tuple[bytes, dict[bytes, bytes]]]:
        self._answer()
        stored = self._stored.get(partition)
        if stored is None:
            return {}
        return {key: (stored.items[key], dict(stored.content.get(key, {}))) for key in items if key in stored.items}

    def scan(self, partition: int) -> Iterable[tuple[str, bytes, dict[bytes, bytes]]]:
        self._answer()
        stored = self._stored.get(partition)
        if stored is not None:
            for key, packed in list(stored.items.items()):
                yield key, packed, dict(stored.content.get(key, {}))

    def deadlines(self, partition: int, until: int | None = None) -> dict[str, int]:
        self._answer()
        stored = self._stored.get(partition)
        return {} if stored is None else {key: time for key, time in stored.deadlines.items() if until is None or time <= until}

    def reference(self, partition: int) -> dict[str, str]:
        self._answer()
        stored = self._stored.get(partition)
        return {} if stored is None else dict(stored.reference)

    def meta(self, partition: int) -> PartitionMeta | None:
        self._answer()
        stored = self._stored.get(partition)
        return None if stored is None else stored.meta()

    def commit(self, commit: Commit) -> None:
        self._answer()
        mark = (commit.epoch, commit.from_offset, commit.to_offset, commit.digest)
        in_doubt = self._in_doubt.pop(commit.partition, None)
        stored = self._stored.get(commit.partition)
        if stored is None:
            raise Gap(0)
        if stored.epoch > commit.epoch:
            raise Fenced
        if stored.epoch == commit.epoch and in_doubt == mark and stored.offset == commit.to_offset:
            return
        if (stored.epoch, stored.offset) != (commit.epoch, commit.from_offset):
            raise Gap(stored.offset)
        _apply(stored, commit)
        if self.lose_answers:
            self.lose_answers -= 1
            self._in_doubt[commit.partition] = mark
            raise UnavailableError("memory state: the answer was lost")

    def begin(self, partition: int, partitions: int) -> None:
        self._answer()
        before = self._stored.get(partition)
        epoch, stood = (before.epoch, before.offset) if before else (0, -1)
        self._stored[partition] = _Partition(partitions, epoch, offset=-1, rebuilding=True, stood=stood)

    def put(
        self, partition: int, items: Mapping[str, bytes], content: Mapping[str, Mapping[bytes, bytes]], deadlines: Mapping[str, int]
    ) -> None:
        self._answer()
        stored = self._stored[partition]
        stored.items.update(items)
        for container, entries in content.items():
            stored.content.setdefault(container, {}).update(entries)
        stored.deadlines.update(deadlines)

    def finish(self, partition: int, meta: PartitionMeta, reference: Mapping[str, str]) -> None:
        self._answer()
        stored = self._stored[partition]
        stored.offset, stored.digest = meta.offset, meta.digest
        stored.watermarks, stored.clocks, stored.reference = dict(meta.watermarks), dict(meta.clocks), dict(reference)
        stored.rebuilding = False
        stored.epoch += stored.stood == meta.offset

    def _answer(self) -> None:
        if self.away:
            raise UnavailableError("memory state: away")


def _apply(stored: _Partition, commit: Commit) -> None:
    stored.items.update(commit.items)
    for container, entries in commit.content.items():
        held = stored.content.setdefault(container, {})
        _change(held, entries)
        if not held:
            del stored.content[container]
    _change(stored.deadlines, commit.deadlines)
    _change(stored.reference, commit.reference)
    stored.watermarks.update(commit.watermarks)
    stored.clocks.update(commit.clocks)
    stored.digest = commit.digest
    stored.offset = commit.to_offset


def _change(held: dict[_Key, _Value], changes: Mapping[_Key, _Value | None]) -> None:
    for name, value in changes.items():
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value

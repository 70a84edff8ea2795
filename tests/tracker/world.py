"""A whole tracker side in memory: ops partitions as lists, engines, a store, and what was written, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.codec import history, ops
from packtrace.codec.ops_builder import EventRow, OpsBuilder, pack_context
from packtrace.codec.state import counted
from packtrace.domain.event import Event
from packtrace.domain.explode import explode
from packtrace.domain.identifiers import partition_of
from packtrace.ports import Commit
from packtrace.tracker.engine import OpsRecord, PartitionEngine, Step
from packtrace.tracker.lanes import Lanes
from packtrace.tracker.loading import load

SOURCE = "events/0"


def routed(events: Iterable[tuple[int, Event]], partitions: int, batch: int, clock_after: int = 0) -> list[list[bytes]]:
    """The records the router would write, per partition: ``events`` are (log time, event), their place is their offset."""
    logs: list[list[bytes]] = [[] for _ in range(partitions)]
    rows = list(enumerate(events))
    for start in range(0, len(rows), batch):
        builders = [OpsBuilder(1) for _ in range(partitions)]
        for offset, (log_time, event) in rows[start : start + batch]:
            add_ops(builders, offset, log_time, event)
        for log, builder in zip(logs, builders, strict=True):
            log += builder.take()
    if clock_after:
        for log in logs:
            log += OpsBuilder(1).take({SOURCE: clock_after})
    return logs


_numbers = count(1)
"""Of contexts: each of its own."""


def add_ops(builders: Sequence[OpsBuilder], offset: int, log_time: int, event: Event) -> None:
    """What the router writes of one event: each op to the partition of its item."""
    exploded = explode(event)
    context = pack_context(next(_numbers), exploded.context)
    targets: dict[int, list[tuple[int, int, str]]] = {}
    for index, (role, key) in enumerate(exploded.ops):
        targets.setdefault(partition_of(key, len(builders)), []).append((index, role, key))
    for target, mine in targets.items():
        builder = builders[target]
        row = EventRow(
            builder.source(SOURCE), offset, log_time, event.event_time, exploded.mark, exploded.message_mark,
            exploded.children_mark, exploded.children_count, event.id, exploded.parent, exploded.first_child,
        )  # fmt: skip
        builder.add_event(row, context, mine)


class TrackerSide:
    """``logs`` grow by the facts the engines write; ``history`` and ``alerts`` keep the first of each lineage, as the sink does."""

    def __init__(self, logs: Sequence[Sequence[bytes]], lanes: Lanes | None = None) -> None:
        self.logs = [list(log) for log in logs]
        self.lanes = lanes
        self.store = MemoryStateStore()
        self.engines: dict[int, PartitionEngine] = {}
        self.history: dict[tuple[int, int, int], dict[str, object]] = {}
        self.alerts: dict[tuple[int, int, int], Any] = {}
        self.repeated = 0

    def take(self, partition: int) -> PartitionEngine:
        """Become the owner again, from what the store holds."""
        meta = self.store.acquire(partition, len(self.logs))
        engine = PartitionEngine(partition, len(self.logs), meta, self.store.reference(partition), self.lanes)
        self.engines[partition] = engine
        return engine

    def compute(self, partition: int, records: int) -> Step | None:
        """Fold up to ``records`` more records; None where there are none."""
        engine = self.engines.get(partition) or self.take(partition)
        waiting = self.logs[partition][engine.offset : engine.offset + records]
        if not waiting:
            return None
        batch = [OpsRecord(engine.offset + n, ops.decode(body)) for n, body in enumerate(waiting)]
        return engine.apply(batch, load(self.store, engine, batch))

    def publish(self, step: Step) -> None:
        """Write what a step says; a lineage written before is counted and dropped, and must say the same."""
        for body in step.history:
            for row in history.rows_of(history.decode(body)):
                lineage = (int(str(row["partition"])), int(str(row["offset"])), int(str(row["position"])))
                self._once(self.history, lineage, row)
        for alert in step.alerts:
            self._once(self.alerts, (alert.partition, alert.offset, alert.nth), alert.change)
        builders: dict[int, OpsBuilder] = {}
        for fact in step.facts:
            builder = builders.setdefault(fact.partition, OpsBuilder())
            builder.add_fact(builder.source(f"ops/{step.commit.partition}"), fact.offset, fact.nth, fact.fact)
        for target, builder in builders.items():
            self.logs[target] += builder.take()

    def _once(self, written: dict[tuple[int, int, int], Any], lineage: tuple[int, int, int], value: Any) -> None:
        if lineage in written:
            self.repeated += 1
            assert written[lineage] == value, f"lineage {lineage} written twice with other content"
        written[lineage] = value

    def commit(self, commit: Commit) -> None:
        self.store.commit(commit)

    def until_quiet(self, records: int, items_max: int | None = None) -> None:
        """Rounds over all partitions until nothing waits; no more than ``items_max`` items stay in memory between two."""
        moved = True
        while moved:
            moved = False
            for partition in range(len(self.logs)):
                step = self.compute(partition, records)
                if step is not None:
                    self.publish(step)
                    self.commit(step.commit)
                    if items_max is not None:
                        self.engines[partition].evict(items_max)
                    moved = True

    def items(self) -> dict[str, tuple[bytes, dict[bytes, bytes]]]:
        """Every item stored, whatever its partition: what counts for the digest (not what it told of, which follows arrival)."""
        return {
            key: (packed, {name: entry for name, entry in content.items() if counted(name)})
            for p in range(len(self.logs))
            for key, packed, content in self.store.scan(p)
        }

    def standing(self) -> dict[str, str]:
        """Alert id -> status of the newest version, withdrawn ones left out."""
        newest: dict[str, Any] = {}
        for change in self.alerts.values():
            if change.id not in newest or change.version > newest[change.id].version:
                newest[change.id] = change
        return {id: change.status.value for id, change in newest.items() if change.status != "withdrawn"}

"""A plant in one process: router, tracker and sink over a log and a live state in memory, the history in a real ClickHouse."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.log_memory import MemoryLog, MemoryReader, MemoryWriter
from packtrace.adapters.registry_memory import MemoryRegistry
from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.codec import event_avro, reference_record, wire
from packtrace.codec.event_json import raw_from_json
from packtrace.codec.state import unpack
from packtrace.contracts import folder, topics
from packtrace.domain.reference import parse_file
from packtrace.ports import PartitionMeta, TopicPartition
from packtrace.query.answers import Answers
from packtrace.query.archive import Archive
from packtrace.query.epcis import EpcisArchive
from packtrace.query.live import Live
from packtrace.query.past import Past
from packtrace.query.shipments import Shipments
from packtrace.router.shell import Limits, Router
from packtrace.sink.__main__ import tables
from packtrace.sink.shell import Sink
from packtrace.tracker.shell import Tracker, Wire

NOW = 1_795_428_000_000_000
"""2026-11-23T10:00:00Z: a day after the example story."""


class State(MemoryStateStore):
    """With the question that readers ask of Redis in one round trip."""

    def metas(self, partitions: int) -> dict[int, PartitionMeta]:
        return {number: meta for number in range(partitions) if (meta := self.meta(number)) is not None}


class Plant:
    """``publish``, then ``settle``, then ask ``answers``."""

    def __init__(self, history: ClickHouseStore) -> None:
        self.log = MemoryLog(now=NOW)
        self.registry = MemoryRegistry()
        self.state = State()
        self.history = history
        self.time = 0.0
        declared = topics()
        self.ids = {topic: self.registry.schema_id(topic) for topic in declared}
        self.router = Router(
            lambda: MemoryReader(self.log, "packtrace-router"),
            lambda: MemoryWriter(self.log),
            self.registry,
            Limits(10_000, 2**24, 0.0, 0.0),
            ops_partitions=declared["ops"].partitions,
            event_partitions=declared["events"].partitions,
            now=lambda: self.log.now,
        )
        self.tracker = Tracker(
            MemoryReader(self.log, "packtrace-tracker"),
            lambda: MemoryWriter(self.log),
            self.state,
            Wire(lambda topic, body: wire.frame(self.ids[topic], body), lambda value: wire.unframe(value)[1]),
            partitions=declared["ops"].partitions,
            history_partitions=declared["history"].partitions,
            records_max=1_000,
            items_max=100_000,
            sleep=lambda seconds: None,
        )
        self.tracker.start()
        self.sink = Sink(
            MemoryReader(self.log, "packtrace-sink"),
            history,
            tables(self.registry, 0.0),
            clock=lambda: self.time,
            fresh_generation=lambda: 1,
        )
        self.sink.start()
        self.live = Live(self.state, declared["ops"].partitions, declared["events"].partitions, unpack, lambda: self.time)
        self.answers = Answers(self.live, Archive(history.query), lambda: NOW)

    def reference(self, text: bytes) -> None:
        for change in parse_file(text):
            value = reference_record.encode(reference_record.ReferenceRecord(change, NOW))
            self.log.append(TopicPartition("reference", 0), reference_record.record_key(change), wire.frame(self.ids["reference"], value))

    def publish(self, events: Iterable[Mapping[str, Any] | str]) -> None:
        for event in events:
            text = event if isinstance(event, str) else json.dumps(event)
            self.publish_bytes(wire.frame(self.ids["events"], event_avro.encode(raw_from_json(text))))

    def publish_bytes(self, value: bytes | None, partition: int = 0) -> None:
        self.log.now += 1_000
        self.log.append(TopicPartition("events", partition), b"line-1", value)

    def settle(self) -> None:
        """Until nothing moves any more."""
        before = -1
        while before != (before := self._records()):
            turns = iter(range(4))
            self.router.run(lambda turns=turns: next(turns, None) is None)  # type: ignore[misc]
            for _ in range(6):
                self.tracker.round()
            for _ in range(6):
                self.time += 5.0
                self.sink.step()
                assert self.sink.trouble is None

    def _records(self) -> int:
        """Records that say something; ticks come for ever."""
        return sum(len(records) for partition, records in self.log.records.items() if partition.topic != "ops")


def shipments(plant: Plant, archive: EpcisArchive) -> Shipments:
    """Shipments out of the history of ``plant``."""
    return Shipments(archive, Past(Archive(plant.history.query)), plant.live.reference)


def example(name: str) -> bytes:
    path: Path = folder() / "examples" / name
    return path.read_bytes()


def pretty(value: object) -> str:
    """For the message of a failure."""
    return msgspec.json.format(msgspec.json.encode(value)).decode()

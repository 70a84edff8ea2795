"""What the log says must be everywhere: a plain reading of its records, one at a time, with no fault and no batch.

``assert_holds`` compares it with what a simulated plant left in Redis, in ClickHouse and in its own topics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.codec import alert_record, history, ops, wire
from packtrace.domain.alert import AlertChange
from packtrace.errors import RejectedError
from packtrace.ports import LogRecord, PartitionMeta, TopicPartition
from packtrace.router.core import Core, schema_id_of
from packtrace.tracker.engine import OpsRecord, PartitionEngine
from packtrace.tracker.loading import load
from tests.router.seen import by_source, decoded, ops_of, reference_of
from tests.simulation.plant import PARTITIONS, Plant

RECORDS_ALL = 1_000

_pack = msgspec.msgpack.encode

Lineage = tuple[int, int, int]
"""ops partition, offset, number."""


class Reading(NamedTuple):
    """Of all ops partitions."""

    store: MemoryStateStore
    rows: dict[Lineage, dict[str, object]]
    alerts: dict[Lineage, AlertChange]
    facts: set[tuple[str, int, int, int, bytes]]
    """source, offset, nth, target partition, the fact itself."""


def read(plant: Plant) -> Reading:
    """The plain fold: each partition from its first record to its last."""
    reading = Reading(MemoryStateStore(), {}, {}, set())
    for number in range(PARTITIONS["ops"]):
        meta = reading.store.acquire(number, PARTITIONS["ops"])
        engine = PartitionEngine(number, PARTITIONS["ops"], meta, {})
        for record in plant.log.records[TopicPartition("ops", number)]:
            batch = [OpsRecord(record.offset, ops.decode(wire.unframe(record.value)[1]))]
            step = engine.apply(batch, load(reading.store, engine, batch))
            for body in step.history:
                for row in history.rows_of(history.decode(body)):
                    reading.rows[_lineage(row)] = row
            for alert in step.alerts:
                reading.alerts[alert.partition, alert.offset, alert.nth] = alert.change
            for out in step.facts:
                reading.facts.add((f"ops/{number}", out.offset, out.nth, out.partition, _pack(out.fact)))
            reading.store.commit(step.commit)
    return reading


def assert_holds(plant: Plant) -> Reading:
    """Every invariant of the module's comparison; answers the plain reading."""
    reading = read(plant)
    _everything_is_routed_once(plant)
    _every_fact_is_told_once(plant, reading)
    _redis_is_the_fold(plant, reading)
    _history_is_the_fold(plant, reading)
    _alerts_are_the_fold(plant, reading)
    _every_input_is_kept(plant)
    return reading


def _everything_is_routed_once(plant: Plant) -> None:
    records = plant.log.topic("reference") + plant.log.topic("events")
    routed = Core(PARTITIONS["ops"], PARTITIONS["events"]).route(records, _writers(plant, records), {})
    for number in range(PARTITIONS["ops"]):
        told = [wire.unframe(record.value)[1] for record in plant.log.records[TopicPartition("ops", number)]]
        wanted = [body for target, body in routed.ops if target == number]
        assert {source: _rising(found) for source, found in by_source(ops_of(told)).items()} == by_source(ops_of(wanted)), f"ops/{number}"
        assert _rising(reference_of(told)) == reference_of(wanted), f"reference data in ops/{number}"
    stored = {(row["topic"], row["partition"], row["offset"]) for row in plant.clickhouse.tables["rejected"]}
    assert stored == {(one.topic, one.partition, one.offset) for one in routed.rejected}


def _writers(plant: Plant, records: Iterable[LogRecord]) -> dict[int, str | RejectedError]:
    writers: dict[int, str | RejectedError] = {}
    for schema_id in {schema_id_of(record) for record in records}:
        if schema_id is not None:
            try:
                writers[schema_id] = plant.registry.schema(schema_id)
            except RejectedError as error:
                writers[schema_id] = error
    return writers


def _rising(found: list[Any]) -> list[Any]:
    """What a tracker keeps of one source: each lineage above the last."""
    kept: list[Any] = []
    for one in found:
        at = (one.offset, getattr(one, "nth", 0))
        if not kept or at > (kept[-1].offset, getattr(kept[-1], "nth", 0)):
            kept.append(one)
    return kept


def _every_fact_is_told_once(plant: Plant, reading: Reading) -> None:
    told = set()
    for number in range(PARTITIONS["ops"]):
        for record in plant.log.records[TopicPartition("ops", number)]:
            batch = decoded(wire.unframe(record.value)[1])
            for row in batch.facts:
                told.add((batch.sources[row.source], row.offset, row.nth, number, _pack(row.fact)))
    assert told - reading.facts == set(), "facts in the log that do not follow from it"
    assert reading.facts - told == set(), "facts that were never told"


def _redis_is_the_fold(plant: Plant, reading: Reading) -> None:
    for number in range(PARTITIONS["ops"]):
        assert _held(plant.redis, number) == _held(reading.store, number), f"redis, partition {number}"


def _held(store: MemoryStateStore, number: int) -> dict[str, object]:
    meta = store.meta(number) or PartitionMeta(0, 0, 0, {}, {})
    return {
        "meta": meta._replace(epoch=0),
        "items": {key: (packed, content) for key, packed, content in store.scan(number)},
        "deadlines": sorted(store.deadlines(number)),  # of an item read back a lower bound is known
        "reference": store.reference(number),
    }


def _history_is_the_fold(plant: Plant, reading: Reading) -> None:
    stored = [{name: _bytes(name, value) for name, value in row.items()} for row in plant.clickhouse.tables["history"]]
    assert sorted(map(_lineage, stored)) == sorted(reading.rows), "history: rows missing, left over or twice"
    for row in stored:
        wanted = reading.rows[_lineage(row)]
        assert {name: value for name, value in row.items() if value != wanted[name]} == {
            name: value for name, value in wanted.items() if value != row[name]
        }, f"history: another row of lineage {_lineage(row)}"


def _bytes(name: str, value: object) -> object:
    return value.encode("utf-8", "surrogateescape") if name in ("fact", "state") and isinstance(value, str) else value


def _alerts_are_the_fold(plant: Plant, reading: Reading) -> None:
    stored = sorted((_lineage(row), row["id"], row["version"], row["status"]) for row in plant.clickhouse.tables["alerts"])
    wanted = sorted((lineage, one.id, one.version, one.status.value) for lineage, one in reading.alerts.items())
    assert stored == wanted, "alerts: missing, left over or twice"
    assert len({(id, version) for _, id, version, _ in stored}) == len(stored), "one version of an alert was told twice"


def _every_input_is_kept(plant: Plant) -> None:
    accepted = [(row["partition"], row["offset"]) for row in plant.clickhouse.tables["events"]]
    rejected = {(row["partition"], row["offset"]) for row in plant.clickhouse.tables["rejected"] if row["topic"] == "events"}
    assert len(set(accepted)) == len(accepted), "an event is twice in the table"
    assert not set(accepted) & rejected, "an event is accepted and rejected"
    captured = {(record.partition, record.offset) for record in plant.log.topic("events")}
    assert set(accepted) | rejected == captured


def standing(reading: Reading) -> dict[str, str]:
    """Alert id -> status of its newest version, withdrawn ones left out."""
    newest: dict[str, AlertChange] = {}
    for change in reading.alerts.values():
        if change.id not in newest or change.version > newest[change.id].version:
            newest[change.id] = change
    return {id: change.status.value for id, change in newest.items() if change.status != "withdrawn"}


def state(reading: Reading) -> dict[str, bytes]:
    """Every item as stored."""
    return {key: packed for number in range(PARTITIONS["ops"]) for key, packed, _ in reading.store.scan(number)}


def clean(plant: Plant) -> Reading:
    """State and alerts that router and tracker make of the same input, logged at the same times, where nothing fails and each round
    takes all there is."""
    other = Plant(("router", "tracker"), RECORDS_ALL)
    for partition, records in plant.log.records.items():
        if partition.topic in ("events", "reference"):
            other.log.records[partition] = list(records)
    other.log.now = plant.log.now - 101 * 3_600_000_000
    other.settle()
    alerts = {}
    for record in other.log.topic("alerts"):
        change, *lineage = alert_record.decode(wire.unframe(record.value)[1])
        alerts[lineage[0], lineage[1], lineage[2]] = change
    return Reading(other.redis, {}, alerts, set())


def _lineage(row: Mapping[str, object]) -> Lineage:
    return int(str(row["partition"])), int(str(row["offset"])), int(str(row["position"]))

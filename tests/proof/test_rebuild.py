"""Redis rebuilt from ClickHouse is the Redis that was, and goes on as if nothing had been."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import apply
from packtrace.adapters.log_memory import MemoryScan
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import TopicPartition
from packtrace.proof.rebuild import plan, rebuild
from tests.contracts.plant import Plant, example
from tests.proof.plant import told, wrong

pytestmark = pytest.mark.contract

PARTITIONS = 16


@pytest.fixture(scope="module")
def plant(clickhouse_server: str) -> Iterator[Plant]:
    store = ClickHouseStore(clickhouse_server, "rebuild")
    store.create_database()
    apply(store)
    try:
        yield told(store)
    finally:
        store.command("DROP DATABASE rebuild")
        store.close()


Everything = dict[int, tuple[object, dict[str, tuple[bytes, dict[bytes, bytes]]], list[str], dict[str, str]]]


def everything(plant: Plant) -> Everything:
    """Of each partition: digest and watermarks, items, deadlines (of an item read back a lower bound is known), reference data."""
    return {
        number: (
            (meta.digest, meta.watermarks) if (meta := plant.state.meta(number)) else None,
            {key: (packed, content) for key, packed, content in plant.state.scan(number)},
            sorted(plant.state.deadlines(number)),
            plant.state.reference(number),
        )
        for number in range(PARTITIONS)
    }


def go_on(plant: Plant) -> None:
    for _ in range(2):
        plant.log.now += 15_000_000
        plant.settle()


def test_what_is_rebuilt_is_what_was(plant: Plant) -> None:
    found = plan(plant.history, MemoryScan(plant.log), PARTITIONS)
    assert found.missing == []
    assert all(start.checkpoint.offset > 0 for start in found.starts)
    plant.publish([json.loads(line) | {"id": f"late-{number}"} for number, line in enumerate(example("story.jsonl").splitlines())])
    plant.settle()
    assert plan(plant.history, MemoryScan(plant.log), PARTITIONS).starts[5].checkpoint == found.starts[5].checkpoint
    before = everything(plant)
    plant.state.clear()
    done = rebuild(found, plant.history, plant.state, page_items=3)
    assert sum(one.items for one in done) > 3
    assert sum(len(content) for _, items, _, _ in before.values() for _, content in items.values()) > 0
    assert everything(plant) != before, "what came after the checkpoint is still to be applied"
    plant.settle()
    assert everything(plant) == before
    go_on(plant)
    assert wrong(plant) == set()


def test_nobody_takes_a_partition_that_is_being_rebuilt(plant: Plant) -> None:
    before = plant.state.snapshot()
    plant.state.begin(3, PARTITIONS)
    with pytest.raises(UnavailableError, match="being rebuilt"):
        plant.state.acquire(3, PARTITIONS)
    rebuild(plan(plant.history, MemoryScan(plant.log), PARTITIONS), plant.history, plant.state)
    assert plant.state.acquire(3, PARTITIONS).offset > 0
    plant.state.restore(before)


def test_a_gap_between_clickhouse_and_kafka_is_told_to_the_record(plant: Plant) -> None:
    place = plan(plant.history, MemoryScan(plant.log), PARTITIONS).starts[5].checkpoint.offset
    plant.log.forget(TopicPartition("ops", 5), place + 2)
    found = plan(plant.history, MemoryScan(plant.log), PARTITIONS)
    plant.log.forget(TopicPartition("ops", 5), 0)
    assert found.missing == [
        f"ops/5: the newest checkpoint in ClickHouse is at offset {place} and the topic begins at {place + 2}: "
        f"its 2 records {place} to {place + 1} are in neither"
    ]
    with pytest.raises(RefusedError, match="are in neither"):
        rebuild(found, plant.history, plant.state)


def test_a_topic_that_ends_early_is_told(plant: Plant) -> None:
    records = plant.log.records[TopicPartition("ops", 5)]
    plant.log.records[TopicPartition("ops", 5)] = records[:2]
    found = plan(plant.history, MemoryScan(plant.log), PARTITIONS)
    plant.log.records[TopicPartition("ops", 5)] = records
    assert "the topic ends at 2: it lost its last" in found.missing[0]


def test_history_that_lacks_a_row_is_told_and_nothing_is_written(plant: Plant) -> None:
    newest = (
        "SELECT item, any(partition), max((offset, position)) FROM history WHERE row_type = 'op' GROUP BY item ORDER BY item DESC LIMIT 1"
    )
    ((item, partition, last),) = plant.history.query(newest)
    assert isinstance(last, tuple)
    plant.history.command(
        f"ALTER TABLE history DELETE WHERE item = '{item}' AND (offset, position) >= {last} AND row_type != 'content' SETTINGS mutations_sync = 1"
    )
    found = plan(plant.history, MemoryScan(plant.log), PARTITIONS)
    assert [sentence.partition(":")[0] for sentence in found.missing] == [f"ops/{partition}"]
    assert "rows of history are missing or changed" in found.missing[0]

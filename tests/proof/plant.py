"""A plant with the example story in it, settled: the log and the live state in memory, the history in a real ClickHouse."""

from __future__ import annotations

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.log_memory import MemoryScan
from packtrace.contracts import topics
from packtrace.proof.check import Site, Verdict, check
from tests.contracts.plant import Plant, example


def told(history: ClickHouseStore) -> Plant:
    """The story, some input that cannot be read, and enough time for checkpoints."""
    plant = Plant(history)
    plant.reference(example("reference.json"))
    plant.publish(example("story.jsonl").decode().splitlines())
    plant.publish_bytes(b"not a record")
    plant.settle()
    for _ in range(3):
        plant.log.now += 15_000_000
        plant.settle()
    return plant


def site(plant: Plant) -> Site:
    declared = topics()
    return Site(plant.state, plant.history, MemoryScan(plant.log), declared["ops"].partitions, declared["events"].partitions)


def verdicts(plant: Plant) -> dict[str, Verdict]:
    return {verdict.invariant: verdict for verdict in check(site(plant), lambda: None)}


def wrong(plant: Plant) -> set[str]:
    """The invariants that do not hold."""
    return {name for name, verdict in verdicts(plant).items() if verdict.differences}

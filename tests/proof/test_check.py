"""The invariants hold for a story; each is broken by a fault planted for it, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import apply
from packtrace.codec import wire
from packtrace.codec.ops_builder import OpsBuilder
from packtrace.domain.fact import Fact
from packtrace.domain.identifiers import partition_of
from packtrace.domain.vocabulary import FactType, Kind
from packtrace.ports import TopicPartition
from packtrace.proof.check import INVARIANTS
from tests.contracts.plant import Plant
from tests.proof.plant import told, verdicts, wrong

pytestmark = pytest.mark.contract

UNIT = "010950600013435221A1"
TABLES = ("history", "alerts", "events")
COPY = "INSERT INTO {target} SELECT * FROM {source}"
SUMS = "SELECT count(), sum(cityHash64(*)) FROM {table}"


@pytest.fixture(scope="module")
def made(clickhouse_server: str) -> Iterator[Plant]:
    store = ClickHouseStore(clickhouse_server, "proof")
    store.create_database()
    apply(store)
    try:
        plant = told(store)
        for table in TABLES:
            store.command(f"CREATE TABLE {table}_saved AS {table}")
            store.command(COPY.format(source=table, target=f"{table}_saved"))
        yield plant
    finally:
        store.command("DROP DATABASE proof")
        store.close()


@pytest.fixture
def plant(made: Plant) -> Iterator[Plant]:
    """The story; what a test breaks is mended behind it."""
    before = made.state.snapshot()
    yield made
    made.state.restore(before)
    made.log.oldest = dict.fromkeys(made.log.oldest, 0)
    for table in TABLES:
        if made.history.query(SUMS.format(table=table)) != made.history.query(SUMS.format(table=f"{table}_saved")):
            made.history.command(f"TRUNCATE TABLE {table}")
            made.history.command(COPY.format(source=f"{table}_saved", target=table))


def delete(plant: Plant, table: str, where: str) -> None:
    plant.history.command(f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 1")


def lose_an_event(plant: Plant) -> None:
    delete(plant, "events", "offset = 3")


def lose_an_op(plant: Plant) -> None:
    delete(plant, "history", f"item = '{UNIT}' AND row_type = 'op'")


def store_a_row_twice(plant: Plant) -> None:
    plant.history.command("INSERT INTO history SELECT * FROM history WHERE item != '' LIMIT 1")


def change_an_item_in_redis(plant: Plant) -> None:
    partition = plant.state._stored[partition_of(UNIT, 16)]
    partition.items[UNIT] = partition.items[UNIT][:-1] + b"?"


def be_older(plant: Plant) -> None:
    """Redis came back without its last item, digest and all, and nobody went over the log again."""
    from packtrace.tracker.cache import item_share

    partition = plant.state._stored[partition_of(UNIT, 16)]
    partition.digest = (partition.digest - item_share(UNIT, partition.items.pop(UNIT))) % 2**64


def lose_a_row_in_the_middle(plant: Plant) -> None:
    rows = plant.history.query("SELECT item, offset FROM history WHERE row_type = 'fact' ORDER BY item, offset LIMIT 1")
    delete(plant, "history", f"item = '{rows[0][0]}' AND offset = {rows[0][1]} AND row_type = 'fact'")


def lose_an_alert(plant: Plant) -> None:
    row = plant.history.query("SELECT id, version FROM alerts ORDER BY id, version LIMIT 1")[0]
    delete(plant, "alerts", f"id = '{row[0]}' AND version = {row[1]}")


def tell_an_alert_twice(plant: Plant) -> None:
    plant.history.command("INSERT INTO alerts SELECT * REPLACE (offset - 1 AS offset) FROM alerts LIMIT 1")


def tell_what_does_not_follow(plant: Plant) -> None:
    builder = OpsBuilder()
    fact = Fact(FactType.JOINED, UNIT, UNIT.replace("A1", "ZZ"), "e-nowhere", 1, Kind.PACK, 1, 1, 1, False, b"")
    builder.add_fact(builder.source("ops/3"), 0, 900, fact)
    for body in builder.take():
        plant.log.append(TopicPartition("ops", partition_of(UNIT, 16)), None, wire.frame(plant.ids["ops"], body))
    plant.settle()


def forget_a_watermark(plant: Plant) -> None:
    partition = plant.state._stored[partition_of(UNIT, 16)]
    partition.watermarks = {}


# fmt: off
FAULTS: tuple[tuple[Callable[[Plant], None], str], ...] = (
    (lose_an_event,             "kept"),
    (lose_an_op,                "applied"),
    (store_a_row_twice,         "once"),
    (change_an_item_in_redis,   "redis"),
    (be_older,                  "history"),
    (be_older,                  "fold"),
    (forget_a_watermark,        "fold"),
    (lose_a_row_in_the_middle,  "rows"),
    (lose_an_alert,             "alerts"),
    (tell_an_alert_twice,       "alerts"),
    (tell_what_does_not_follow, "facts"),
)
# fmt: on


def test_all_hold_and_look_at_something(plant: Plant) -> None:
    found = verdicts(plant)
    assert list(found) == list(INVARIANTS)
    for verdict in found.values():
        assert (verdict.differences, verdict.skipped) == ([], "")
        assert verdict.compared > 0, verdict.invariant


def test_every_invariant_has_a_fault() -> None:
    assert {invariant for _, invariant in FAULTS} == set(INVARIANTS)


def test_the_smallest_item_is_told_with_its_events(plant: Plant) -> None:
    be_older(plant)
    first = verdicts(plant)["history"].differences[0]
    assert first.item == UNIT
    assert first.found == "Redis: no such item"
    assert first.events[0]["kind"] == "commission"


def test_of_a_topic_without_its_beginning_the_rest_is_compared(plant: Plant) -> None:
    plant.log.forget(TopicPartition("ops", 0), 1)
    found = verdicts(plant)
    assert "retention has passed" in found["fold"].skipped
    assert found["history"].differences == []


def test_a_checkpoint_is_one_encoding() -> None:
    from packtrace.codec import checkpoint

    one = checkpoint.pack(7, 1, {"a": (1, 2), "b": (3, 4)}, {"x": 1, "y": 2})
    assert one == checkpoint.pack(7, 1, {"b": (3, 4), "a": (1, 2)}, {"y": 2, "x": 1})
    assert checkpoint.unpack(one).watermarks == {"a": (1, 2), "b": (3, 4)}


@pytest.mark.parametrize(("fault", "invariant"), FAULTS)
def test_each_is_broken_by_its_fault(plant: Plant, fault: Callable[[Plant], None], invariant: str) -> None:
    fault(plant)
    assert invariant in wrong(plant)

"""Items as they were: those that are alike are folded once, and each is what it is when folded alone, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import apply
from packtrace.codec import state
from packtrace.domain import judge
from packtrace.domain.item import Item
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference, parse_file
from packtrace.query import past as past_module
from packtrace.query.archive_items import ItemArchive
from packtrace.query.past import Past, Step
from packtrace.simulator import world
from packtrace.simulator.encode import Encoder
from packtrace.simulator.streams import LINES, Planted, Stream, messages
from tests.contracts.plant import Plant

pytestmark = pytest.mark.contract

SITE = world.reference_file(world.demo_site(LINES))


@pytest.fixture(scope="module")
def plant(clickhouse_server: str) -> Iterator[Plant]:
    history = ClickHouseStore(clickhouse_server, "past")
    history.create_database()
    apply(history)
    plant = Plant(history)
    plant.reference(SITE)
    encode = Encoder(plant.ids["events"]).encode
    for message in messages(Stream("S3", 800, per_event=50, mixed=True, lines=2, faulty_of=20), Planted()):
        plant.publish_bytes(encode(message))
    plant.settle()
    yield plant
    history.close()


def step_by_step(key: str, steps: Sequence[Step], reference: Reference) -> Item:
    item = Item(key)
    for log_time, step in steps:
        if isinstance(step, OwnEvent):
            judge.apply_event(item, step, reference, log_time)
        else:
            judge.apply_fact(item, step, reference, log_time)
    return item


def test_what_is_alike_is_folded_once_and_is_what_each_is_by_itself(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = Reference.empty().changed(list(parse_file(SITE)))
    keys = [str(row[0]) for row in plant.history.query("SELECT DISTINCT item FROM history WHERE item != ''")]
    times = [int(str(row[0])) for row in plant.history.query(
        "SELECT toInt64(arrayJoin(quantiles(0.1, 0.5, 0.9, 1.0)(toUnixTimestamp64Micro(event_time)))) FROM history WHERE item != ''"
    )]  # fmt: skip
    folded: list[str] = []
    fold = past_module.fold

    def counted(key: str, steps: Sequence[Step], reference: Reference) -> Item:
        folded.append(key)
        item = fold(key, steps, reference)
        assert state.pack(item) == state.pack(step_by_step(key, steps, reference))
        return item

    monkeypatch.setattr(past_module, "fold", counted)
    past = Past(ItemArchive(plant.history.query))
    for at in times:
        folded.clear()
        together = past.items(keys, reference, at)
        assert len(folded) < len(together) / 2
        for key in sorted(together)[::29]:
            alone = past.items([key], reference, at)[key]
            assert state.pack(together[key]) == state.pack(alone)
            assert together[key].alerts == alone.alerts

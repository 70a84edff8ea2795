"""The state loader: one suite for the fake and for a real Valkey. What it leaves is what commits would have left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from packtrace.adapters.redis_load import VALUES_MAX, RedisLoader
from packtrace.adapters.redis_state import RedisStateStore
from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.errors import UnavailableError
from packtrace.ports import Fenced, Gap, PartitionMeta, Position, StateLoader
from tests.contracts.test_state_store import PARTITIONS, TIME, Store, command, everything, full, step

pytestmark = pytest.mark.contract

META = PartitionMeta(0, 40, 99, {"events/0": Position(7, 2), "ops/1": Position(3, 0)}, {"ops/3": TIME})


@pytest.fixture(params=["memory", "valkey"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Store, StateLoader]]:
    if request.param == "memory":
        memory = MemoryStateStore()
        yield memory, memory
        return
    url = request.getfixturevalue("valkey_server")
    command(url, "FLUSHALL")
    store, loader = RedisStateStore(url), RedisLoader(url)
    yield store, loader
    store.close()
    loader.close()


def load(loader: StateLoader) -> None:
    loader.begin(3, PARTITIONS)
    loader.put(3, {"K": b"k", "C": b"c"}, {"C": {b"\x01a": b"1", b"\x00": b"2"}}, {"K": TIME + 1})
    loader.put(3, {"L": b"l"}, {}, {})
    loader.finish(3, META, {"product|1": "{}"})


def test_what_is_loaded_is_there_and_nothing_of_before(both: tuple[Store, StateLoader]) -> None:
    store, loader = both
    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"old"))
    load(loader)
    items = {"K": (b"k", {}), "C": (b"c", {b"\x01a": b"1", b"\x00": b"2"}), "L": (b"l", {})}
    assert everything(store) == (META._replace(epoch=1), items, {"K": TIME + 1}, {"product|1": "{}"})
    assert store.acquire(3, PARTITIONS) == META._replace(epoch=2)


def test_nobody_takes_it_before_the_end(both: tuple[Store, StateLoader]) -> None:
    store, loader = both
    loader.begin(3, PARTITIONS)
    loader.put(3, {"K": b"k"}, {}, {})
    with pytest.raises(UnavailableError, match="being rebuilt"):
        store.acquire(3, PARTITIONS)
    load(loader)
    assert store.acquire(3, PARTITIONS).offset == 40
    assert sorted(key for key, _, _ in store.scan(3)) == ["C", "K", "L"]


def test_who_owned_it_commits_nothing_and_takes_it_anew(both: tuple[Store, StateLoader]) -> None:
    store, loader = both
    owner = store.acquire(3, PARTITIONS)
    loader.begin(3, PARTITIONS)
    with pytest.raises(Gap):
        store.commit(step(0, 1, epoch=owner.epoch))
    load(loader)
    with pytest.raises(Gap):
        store.commit(step(0, 1, epoch=owner.epoch))


def test_a_sleeper_that_stands_where_the_rebuild_ends_is_fenced(both: tuple[Store, StateLoader]) -> None:
    store, loader = both
    owner = store.acquire(3, PARTITIONS)
    store.commit(step(0, META.offset, epoch=owner.epoch))
    load(loader)
    with pytest.raises(Fenced):
        store.commit(step(META.offset, META.offset + 1, epoch=owner.epoch))


def test_an_owner_from_before_an_emptied_store_commits_nothing(both: tuple[Store, StateLoader]) -> None:
    store, loader = both
    load(loader)
    with pytest.raises(Gap):
        store.commit(step(40, 41, epoch=9))


def test_more_than_one_command_takes(both: tuple[Store, StateLoader]) -> None:
    store, loader = both
    loader.begin(3, PARTITIONS)
    entries = {n.to_bytes(4, "big"): b"entry" for n in range(VALUES_MAX)}
    loader.put(3, {"C": b"c"}, {"C": entries}, {f"K{n}": TIME + n for n in range(VALUES_MAX)})
    loader.finish(3, META, {f"lot|{n}": "{}" for n in range(VALUES_MAX)})
    _, items, deadlines, reference = everything(store)
    assert (len(items["C"][1]), len(deadlines), len(reference)) == (VALUES_MAX, VALUES_MAX, VALUES_MAX)

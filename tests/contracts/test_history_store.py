"""The history store: one suite for the fake and for ClickHouse through the unmodified client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import migrate
from packtrace.adapters.history_memory import MemoryHistory
from packtrace.codec import native
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import HistoryStore, Position
from tests.crash.wire import DropAnswer, Wire, containing
from tests.servers import free_port

pytestmark = pytest.mark.contract

COLUMNS = (
    ("id", "String"),
    ("version", "UInt32"),
    ("partition", "UInt16"),
    ("offset", "Int64"),
    ("position", "UInt32"),
    ("events", "Array(String)"),
)
Row = tuple[str, int, int, int, int, tuple[str, ...]]


@pytest.fixture(params=["memory", "clickhouse"])
def store(request: pytest.FixtureRequest) -> Iterator[HistoryStore]:
    if request.param == "memory":
        yield MemoryHistory()
        return
    url = request.getfixturevalue("clickhouse_server")
    migrate(url, "contract")
    real = ClickHouseStore(url, database="contract")
    real.command("TRUNCATE TABLE alerts")
    yield real
    real.close()


def insert(store: HistoryStore, rows: Sequence[Row], token: str) -> None:
    bodies = [native.body(type_, [row[number] for row in rows]) for number, (_, type_) in enumerate(COLUMNS)]
    store.insert("alerts", COLUMNS, len(rows), native.block(COLUMNS, len(rows), bodies), token)


def rows(count: int, partition: int = 0, first: int = 0) -> list[Row]:
    return [(f"alert-{partition}-{n}", 1, partition, n, n % 3, ("a'b\\", f"é{n}")) for n in range(first, first + count)]


ALL = "SELECT id, version, partition, offset, position, events FROM alerts ORDER BY partition, offset, position"


def stored(store: HistoryStore) -> list[tuple[object, ...]]:
    return [(*row[:5], tuple(row[5])) for row in store.query(ALL) if isinstance(row[5], (list, tuple))]


def test_what_is_inserted_is_read_back(store: HistoryStore) -> None:
    insert(store, rows(5), f"read-back/{id(store)}")
    assert stored(store) == rows(5)


def test_a_block_is_stored_once_per_token(store: HistoryStore) -> None:
    for _ in range(3):
        insert(store, rows(4), f"once/{id(store)}")
    assert stored(store) == rows(4)
    insert(store, rows(4, first=10), f"once-more/{id(store)}")
    assert stored(store) == rows(4) + rows(4, first=10)


def test_an_insert_without_a_token_is_refused(store: HistoryStore) -> None:
    with pytest.raises(RefusedError, match="token"):
        insert(store, rows(1), "")
    assert stored(store) == []


def test_parameters_are_bound_and_never_read_as_sql(store: HistoryStore) -> None:
    odd: Row = ("x' OR 1=1 --\t\\", 1, 0, 0, 0, ())
    insert(store, [odd, *rows(2, first=5)], f"bound/{id(store)}")
    found = store.query("SELECT offset FROM alerts WHERE id = {id:String}", {"id": odd[0]})
    assert found == [(0,)]
    assert store.query("SELECT count() FROM alerts WHERE partition = {partition:UInt16}", {"partition": 0}) == [(3,)]


def test_it_says_how_far_it_holds_each_source(store: HistoryStore) -> None:
    assert store.positions("alerts") == {}
    insert(store, rows(6), f"positions/0/{id(store)}")
    insert(store, rows(9, partition=3), f"positions/3/{id(store)}")
    assert store.positions("alerts") == {"ops/0": Position(5, 2), "ops/3": Position(8, 2)}
    assert store.positions("alerts", {"ops/0": Position(5, 0), "ops/3": Position(7, 0)})["ops/3"] == Position(8, 2)


def test_completing_what_is_derived_changes_nothing_that_is_complete(store: HistoryStore) -> None:
    store.complete("history", {"ops/0": Position(0, 0)})
    store.complete("alerts", {})


def test_a_table_that_does_not_exist_is_refused(store: HistoryStore) -> None:
    with pytest.raises(RefusedError):
        store.insert("nowhere", COLUMNS[:1], 1, native.block(COLUMNS[:1], 1, [native.texts(["x"])]), "nowhere/1")
    with pytest.raises(RefusedError):
        store.query("SELECT id FROM nowhere")


def test_a_store_that_is_away_says_so() -> None:
    away = ClickHouseStore("http://127.0.0.1:1")
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1"):
        away.query("SELECT 1")
    memory = MemoryHistory()
    memory.away = True
    with pytest.raises(UnavailableError):
        memory.query("SELECT id FROM alerts")


def test_an_insert_is_sent_once_even_where_its_answer_is_lost(clickhouse_server: str) -> None:
    """Whether it is sent again is the sink's to decide, after a look at the table."""
    migrate(clickhouse_server, "contract")
    wire = Wire()
    link = wire.link(free_port(), clickhouse_server.removeprefix("http://"))
    far = ClickHouseStore(f"http://{link.address}", database="contract")
    try:
        insert(far, rows(1, partition=7), "before the line is bad")
        with link.broken(DropAnswer(containing(b"insert_deduplication_token"))), pytest.raises(UnavailableError):
            insert(far, rows(3, partition=8), "its answer is lost")
        assert link.hits == 1
    finally:
        far.close()
        wire.close()

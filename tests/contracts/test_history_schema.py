"""The tables on a real ClickHouse: the columns the sink sends, views that answer, migrations that are applied once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from packtrace.adapters.clickhouse import DERIVED, ENTRANCES, LINEAGE, ClickHouseStore
from packtrace.adapters.clickhouse_migrate import apply, migrate, pending, read_migrations
from packtrace.codec import history, native
from packtrace.codec.event_json import decode_event
from packtrace.codec.history import Row
from packtrace.contracts import folder
from packtrace.domain import fact_payload
from packtrace.domain.fact import Fact
from packtrace.domain.vocabulary import FactType, Kind
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import LogRecord, Position
from packtrace.sink import event_rows, tables
from packtrace.sink.event_rows import COLUMNS as EVENTS
from packtrace.sink.event_rows import plain

pytestmark = pytest.mark.contract

SENT = {
    "history": history.COLUMNS,
    "events": event_rows.COLUMNS,
    "alerts": tables.ALERTS,
    "rejected": tables.REJECTED,
    "incidents": tables.INCIDENTS,
}
VIEWS = (
    "alerts_latest", "alerts_standing", "alerts_by_rule", "incidents_latest", "items_now", "edges", "unit_life", "lot_summary",
    "events_per_minute", "rejected_by_reason",
)  # fmt: skip


@pytest.fixture
def store(clickhouse_server: str, request: pytest.FixtureRequest) -> Iterator[ClickHouseStore]:
    """A database of this test alone."""
    name = f"schema_{abs(hash(request.node.name)) % 10**8}"
    made = ClickHouseStore(clickhouse_server, name)
    made.create_database()
    yield made
    made.command("DROP DATABASE " + name)
    made.close()


def test_tables_have_the_columns_that_are_sent_in_their_order_and_type(store: ClickHouseStore) -> None:
    apply(store)
    for table, columns in SENT.items():
        found = store.query(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position",
            {"table": table},
        )
        assert found == list(columns), table


def test_every_table_and_view_answers_and_says_what_it_is(store: ClickHouseStore) -> None:
    apply(store)
    found = {
        str(name): str(comment)
        for name, comment in store.query("SELECT name, comment FROM system.tables WHERE database = currentDatabase()")
    }
    for name in (*SENT, *VIEWS, "items", "migrations"):
        assert found[name], name
        assert store.query("SELECT * FROM {name:Identifier} LIMIT 1", {"name": name}) == [] or name == "migrations"
    for table in SENT:
        assert table in LINEAGE
        assert store.positions(table) == {}
    for derived in DERIVED.values():
        for view, target in derived:
            assert view in found
            assert target in found


def event_row(offset: int, **said: object) -> list[bytes]:
    fields: dict[str, object] = {
        "id": f"e{offset}", "event_time": "2026-11-22T10:00:00Z", "type": "object", "action": "OBSERVE",
        "epcs": ["https://id.gs1.org/01/09506000134352/21/A1"],
    }  # fmt: skip
    return plain(LogRecord("events", 0, offset, None, None, 1_795_341_700_000_000), decode_event(fields | said))


def test_events_enter_with_what_they_state_or_without_once_per_token_either_way(store: ClickHouseStore) -> None:
    apply(store)
    shipped = {"transactions": [{"type": "desadv", "id": "D-9"}]}
    for cells, derive in (([event_row(0), event_row(1, **shipped)], True), ([event_row(2), event_row(3)], False)):
        block = native.block(EVENTS, len(cells), [b"".join(column) for column in zip(*cells, strict=True)])
        for _ in range(3):
            store.insert("events", EVENTS, len(cells), block, f"events/{derive}", derive=derive)
    assert store.query("SELECT offset FROM events ORDER BY offset") == [(0,), (1,), (2,), (3,)]
    terms = [("transaction:desadv", "D-9", 1)]
    assert store.query("SELECT name, value, offset FROM event_terms") == terms
    store.command("TRUNCATE TABLE event_terms")
    store.complete("events", {"events/0": Position(0, 0)})
    assert store.query("SELECT name, value, offset FROM event_terms") == terms
    sent = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position"
    assert [store.query(sent, {"table": entrance}) for entrance in ENTRANCES.values()] == [list(SENT[table]) for table in ENTRANCES]


def test_migrating_twice_applies_once(clickhouse_server: str, store: ClickHouseStore) -> None:
    first = apply(store)
    assert first.present == ()
    assert len(first.applied) == len(read_migrations())
    assert pending(store) == []
    second = apply(store)
    assert second.applied == ()
    assert second.present == first.applied
    assert migrate(clickhouse_server, "schema_by_url").applied == first.applied
    store.command("DROP DATABASE schema_by_url")


def test_a_changed_file_is_refused_and_nothing_is_done(store: ClickHouseStore, tmp_path: Path) -> None:
    copied = tmp_path / "migrations"
    shutil.copytree(folder() / "clickhouse", copied)
    apply(store, copied)
    first = next(iter(sorted(copied.iterdir())))
    first.write_text(first.read_text(encoding="utf-8") + "\n-- one more word\n", encoding="utf-8")
    (copied / f"{len(read_migrations()) + 1:04d}_more.sql").write_text(
        "CREATE TABLE IF NOT EXISTS more (x UInt8) ENGINE = Null;\n", encoding="utf-8"
    )
    with pytest.raises(RefusedError, match=r"0001_history\.sql changed"):
        apply(store, copied)
    assert store.query("SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'more'") == [(0,)]


def test_a_crash_inside_a_file_is_made_good_by_the_next_run(store: ClickHouseStore, tmp_path: Path) -> None:
    files = tmp_path / "migrations"
    files.mkdir()
    broken = "CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = Null;\nCREATE TABLE IF NOT EXISTS b (x NoSuchType) ENGINE = Null;\n"
    (files / "0001_ab.sql").write_text(broken, encoding="utf-8")
    with pytest.raises(RefusedError):
        apply(store, files)
    (files / "0001_ab.sql").write_text(broken.replace("NoSuchType", "UInt8"), encoding="utf-8")
    assert apply(store, files).applied == ("0001_ab.sql",)


def test_a_lock_is_waited_for_and_a_dead_one_taken_over(store: ClickHouseStore) -> None:
    store.command("CREATE TABLE migrations_lock (holder UInt8) ENGINE = Null")
    with pytest.raises(UnavailableError, match="migrating"):
        apply(store, lock_seconds=60, wait_seconds=0.3)
    time.sleep(2)
    assert apply(store, lock_seconds=1).applied


def fact_row(
    child: str, parent: str, action: FactType, offset: int, payload: bytes = b"", version: int = 1, retracted: bool = False
) -> Row:
    fact = Fact(action, parent, child, f"event-{offset % 100}", offset, Kind.PACK, offset, version, 1, retracted, payload)
    return Row(
        parent, "fact", offset, offset, fact.event_id, -1, -1, "pack", "", "applied", "ACTIVE", "", "", "unknown", "", "", "", 0,
        child, action.name.lower(), version, int(retracted), msgspec.msgpack.encode(fact), b"state", offset, 0,
    )  # fmt: skip


def insert(store: ClickHouseStore, rows: list[Row], token: str) -> None:
    values: list[tuple[object, ...]] = list(zip(*rows, strict=True))
    values.insert([name for name, _ in history.COLUMNS].index("partition"), (0,) * len(rows))
    bodies = [native.body(type_, column) for (_, type_), column in zip(history.COLUMNS, values, strict=True)]
    store.insert("history", history.COLUMNS, len(rows), native.block(history.COLUMNS, len(rows), bodies), token)


def test_edges_hold_what_joined_and_left_directly_and_was_applied(store: ClickHouseStore) -> None:
    apply(store)
    custody = (1, "9506000100005", "", "", "", 1_795_341_600_000_000)
    insert(
        store,
        [
            fact_row("plain", "C", FactType.JOINED, 1),
            fact_row("with custody", "C", FactType.JOINED, 2, fact_payload.pack(fact_payload.Joined(True, b"", custody))),
            fact_row("not applied", "C", FactType.JOINED, 3, fact_payload.pack(fact_payload.Joined(False))),
            fact_row("taken back", "C", FactType.JOINED, 4),
            fact_row("taken back", "C", FactType.JOINED, 104, version=2, retracted=True),
            fact_row("gone", "C", FactType.LEFT, 5),
            fact_row("passed on", "C", FactType.LEFT, 6, fact_payload.pack(fact_payload.Passed((("a", "b"),)))),
            fact_row("no edge", "C", FactType.ANSWER, 7, b"x"),
        ],
        "edges/1",
    )
    found = store.query("SELECT child, action, holds FROM edges ORDER BY offset")
    assert found == [
        ("plain", "joined", 1),
        ("with custody", "joined", 1),
        ("not applied", "joined", 0),
        ("taken back", "joined", 1),
        ("gone", "left", 1),
        ("taken back", "joined", 0),
    ]


def test_completing_fills_what_a_crash_left_out_and_nothing_twice(store: ClickHouseStore) -> None:
    apply(store)
    insert(store, [fact_row("plain", f"C{n}", FactType.JOINED, n) for n in range(1, 9)], "complete/1")
    before = store.query("SELECT * FROM items ORDER BY item")
    assert len(before) == 8
    store.complete("history", {})
    assert store.query("SELECT * FROM items FINAL ORDER BY item") == before
    store.command("TRUNCATE TABLE items")
    store.complete("history", {"ops/0": Position(5, 0)})
    assert store.query("SELECT * FROM items FINAL ORDER BY item") == before[4:]

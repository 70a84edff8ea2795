"""The local ClickHouse as the unmodified clickhouse-connect sees it, and what it refuses."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from packtrace.embedded.keeper import Keeper
from packtrace.embedded.plan import clickhouse_part
from tests.servers import Servers, free_port

pytestmark = pytest.mark.contract
NUMBERS = itertools.count()
BLOCK_ROWS = 5_000


def client_of(address: str, **words: Any) -> Client:
    where = urlsplit(address)
    return clickhouse_connect.get_client(host=where.hostname, port=where.port, **words)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded one, also where the suite runs on containers."""
    servers = Servers(tmp_path_factory.mktemp("front"), "embedded")
    try:
        yield servers.address("clickhouse")
    finally:
        servers.stop()


@pytest.fixture
def client(clickhouse_server: str) -> Iterator[Client]:
    with client_of(clickhouse_server) as found:
        yield found


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    """(k UInt64, v String), where a repeated token is seen."""
    name = f"rows_{next(NUMBERS)}"
    client.command(
        f"CREATE TABLE {name} (k UInt64, v String) ENGINE MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100"
    )
    yield name
    client.command(f"DROP TABLE {name}")


def rows_of(client: Client, table: str) -> list[Any]:
    return list(client.query("SELECT k, v FROM {t:Identifier} ORDER BY k", parameters={"t": table}).result_rows)


def count_of(client: Client, table: str) -> int:
    return int(client.query("SELECT count() FROM {t:Identifier}", parameters={"t": table}).result_rows[0][0])


def request(
    address: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Without the client."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_it_is_a_clickhouse(client: Client) -> None:
    assert client.ping()
    assert client.command("SELECT version()") == client.server_version
    assert client.server_version.startswith("26.")


def test_every_type_comes_back_as_it_went(client: Client) -> None:
    types = {
        "a": ("UInt64", 2**64 - 1),
        "b": ("Int32", -5),
        "c": ("String", "päck\x1d\n'\\"),
        "d": ("LowCardinality(String)", "aggregation"),
        "e": ("Array(String)", ["x", ""]),
        "f": ("Nullable(String)", None),
        "g": ("Date", date(2028, 5, 31)),
        "h": ("DateTime64(6, 'Europe/Berlin')", datetime(2026, 11, 22, 10, 0, 0, 125_000, UTC)),
        "i": ("Enum8('op' = 1, 'fact' = 2)", "fact"),
        "j": ("Map(String, UInt16)", {"p": 1}),
        "k": ("Decimal(18, 4)", Decimal("1.2500")),
        "l": ("UUID", UUID(int=7)),
        "m": ("FixedString(4)", b"ab\x00\xff"),
        "n": ("Float64", 0.1),
        "o": ("Tuple(UInt8, String)", (1, "t")),
        "p": ("Bool", True),
    }
    client.command(f"CREATE TABLE types ({', '.join(f'{name} {kind}' for name, (kind, _) in types.items())}) ENGINE MergeTree ORDER BY a")
    try:
        row = [value for _, value in types.values()]
        client.insert("types", [row, row], column_names=list(types))
        found = client.query("SELECT * FROM types")
        assert [list(got) for got in found.result_rows] == [row, row]
        assert found.column_names == tuple(types)
    finally:
        client.command("DROP TABLE types")


def test_values_are_bound_on_the_server_not_pasted(client: Client, table: str) -> None:
    client.insert(table, [[1, "it's {x:String}"], [2, "b"]], column_names=["k", "v"])
    query = "SELECT k FROM {t:Identifier} WHERE v = {v:String} AND k IN {ks:Array(UInt64)}"
    assert client.query(query, parameters={"t": table, "v": "it's {x:String}", "ks": [1, 2]}).result_rows == [(1,)]
    long = [f"value-{number}" for number in range(20_000)]
    assert client.query("SELECT length({vs:Array(String)})", parameters={"vs": long}).result_rows == [(20_000,)]


def test_a_setting_holds_for_one_statement(client: Client) -> None:
    with pytest.raises(DatabaseError, match="TOO_MANY_ROWS_OR_BYTES"):
        client.query("SELECT number FROM numbers(100)", settings={"max_result_rows": 10, "result_overflow_mode": "throw"})
    assert len(client.query("SELECT number FROM numbers(100)").result_rows) == 100


def test_the_database_of_the_client_is_used(clickhouse_server: str, client: Client) -> None:
    client.command("CREATE DATABASE other")
    try:
        with client_of(clickhouse_server, database="other") as there:
            there.command("CREATE TABLE t (k UInt8) ENGINE MergeTree ORDER BY k")
            assert there.command("SELECT database()") == "other"
        assert client.command("SELECT database()") == "default"
        assert client.command("EXISTS TABLE other.t") == 1
    finally:
        client.command("DROP DATABASE other")


def test_without_a_session_nothing_is_left_for_the_next_statement(clickhouse_server: str) -> None:
    for statement in (b"CREATE DATABASE IF NOT EXISTS elsewhere", b"USE elsewhere", b"SET max_result_rows = 7"):
        for _ in range(10):  # whichever handle the next one gets
            assert request(clickhouse_server, "POST", "/", statement)[0] == 200
    assert request(clickhouse_server, "POST", "/?database=elsewhere", b"SELECT currentDatabase()")[2] == b"elsewhere\n"
    for _ in range(10):
        seen = request(clickhouse_server, "POST", "/", b"SELECT currentDatabase(), getSetting('max_result_rows')")[2]
        assert seen == b"default\t0\n"
    assert request(clickhouse_server, "POST", "/", b"DROP DATABASE elsewhere")[0] == 200


def test_a_session_keeps_what_it_was_told(clickhouse_server: str) -> None:
    for statement in (b"CREATE TEMPORARY TABLE mine (k UInt8)", b"INSERT INTO mine FORMAT CSV 5"):
        assert request(clickhouse_server, "POST", "/?session_id=s1", statement)[0] == 200
    assert request(clickhouse_server, "POST", "/?session_id=s1", b"SELECT k FROM mine")[2] == b"5\n"
    assert request(clickhouse_server, "POST", "/?session_id=s2", b"SELECT k FROM mine")[0] == 404


# fmt: off
ERRORS = [
    ("SELEKT 1",                          62,  400),
    ("SELECT * FROM nowhere",             60,  404),
    ("SELECT * FROM nowhere.t",           81,  404),
    ("SELECT nothing",                    47,  404),
    ("SELECT nofunction(1)",              46,  404),
    ("SELECT 1 SETTINGS nosetting = 1",   115, 404),
    ("SELECT 1 FORMAT NoFormat",          73,  404),
    ("SELECT toUInt8('x')",               6,   400),
    ("SELECT throwIf(1)",                 395, 500),
    ("SELECT sleep(3) SETTINGS max_execution_time = 1", 159, 408),
]
# fmt: on


@pytest.mark.parametrize(("statement", "code", "status"), ERRORS)
def test_an_error_has_the_code_and_status_of_the_server(
    clickhouse_server: str, client: Client, statement: str, code: int, status: int
) -> None:
    found, headers, body = request(clickhouse_server, "POST", "/", statement.encode())
    assert (found, headers.get("x-clickhouse-exception-code")) == (status, str(code)), body
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())
    with pytest.raises(DatabaseError) as caught:
        client.command(statement)
    assert caught.value.code == code
    assert client.command("SELECT 1") == 1


@pytest.mark.parametrize("coding", [False, "lz4", "zstd", "gzip"])
def test_rows_go_in_and_out_in_the_coding_the_client_chose(clickhouse_server: str, table: str, coding: str | bool) -> None:
    rows = [(number, f"value {number}") for number in range(30_000)]
    with client_of(clickhouse_server, compress=coding) as client:
        summary = client.insert(table, rows, column_names=["k", "v"])
        assert summary.written_rows == len(rows)
        assert rows_of(client, table) == rows


def test_a_large_answer_is_compressed_as_asked(clickhouse_server: str) -> None:
    path = "/?default_format=TSV&query=SELECT+toString(number)+FROM+numbers(50000)"
    for coding in ("zstd", "lz4", "gzip"):
        status, headers, body = request(clickhouse_server, "GET", path, headers={"Accept-Encoding": coding})
        assert (status, headers["content-encoding"]) == (200, coding)
        assert len(body) < 250_000
    assert len(request(clickhouse_server, "GET", path)[2]) > 280_000


def test_an_insert_repeated_with_its_token_is_stored_once(client: Client, table: str) -> None:
    for _ in range(3):
        client.insert(
            table, [[1, "a"], [2, "b"]], column_names=["k", "v"], settings={"insert_deduplication_token": "block-1", "async_insert": 0}
        )
    client.insert(
        table, [[1, "a"], [2, "b"]], column_names=["k", "v"], settings={"insert_deduplication_token": "block-2", "async_insert": 0}
    )
    assert count_of(client, table) == 4


def test_raw_inserts_in_any_format(client: Client, table: str) -> None:
    client.raw_insert(table, ["k", "v"], b"1,a\n2,b\n", fmt="CSV")
    client.raw_insert(table, ["k", "v"], b'{"k":3,"v":"c"}\n', fmt="JSONEachRow", settings={"insert_deduplication_token": "x"})
    assert rows_of(client, table) == [(1, "a"), (2, "b"), (3, "c")]
    with pytest.raises(DatabaseError):
        client.raw_insert(table, ["k", "v"], b"not,a,row\n", fmt="CSV")
    assert count_of(client, table) == 3


@pytest.mark.parametrize(
    "statement",
    [
        'INSERT INTO {} FORMAT CSV\n7,a\n8," format b"\n',
        'insert into {} (k, v) settings async_insert = 0 format CSV 7,a\n8," format b"',
        "INSERT INTO {} VALUES (7, 'a'), (8, ' format b')",
        "INSERT INTO {} SELECT number + 7, number = 0 ? 'a' : ' format b' FROM numbers(2)",
    ],
)
def test_an_insert_that_carries_its_rows(clickhouse_server: str, client: Client, table: str, statement: str) -> None:
    assert request(clickhouse_server, "POST", "/", statement.format(table).encode())[0] == 200
    assert rows_of(client, table) == [(7, "a"), (8, " format b")]


def test_questions_are_answered_while_rows_come_in(clickhouse_server: str, client: Client, table: str) -> None:
    stop = threading.Event()
    inserted: list[int] = []

    def insert() -> None:
        with client_of(clickhouse_server) as own:
            while not stop.is_set():
                first = len(inserted) * 10_000
                own.insert(table, [[number, "x"] for number in range(first, first + 10_000)], column_names=["k", "v"])
                inserted.append(10_000)

    counts: list[list[int]] = [[], [], []]

    def ask(into: list[int]) -> None:
        with client_of(clickhouse_server) as own:
            while len(into) < 20:
                into.append(count_of(own, table))

    writer = threading.Thread(target=insert)
    readers = [threading.Thread(target=ask, args=(into,)) for into in counts]
    for thread in (writer, *readers):
        thread.start()
    for thread in readers:
        thread.join(60)
    stop.set()
    writer.join(60)
    assert not any(thread.is_alive() for thread in (writer, *readers))
    assert all(seen == sorted(seen) and all(count % 10_000 == 0 for count in seen) for seen in counts), "a block is seen whole or not"
    assert count_of(client, table) == sum(inserted)


# fmt: off
NO_REQUESTS = [
    ("POST", {"Host": "evil.example:8123"},                    b"SELECT 1",  403),
    ("POST", {"Origin": "https://evil.example"},               b"SELECT 1",  403),
    ("POST", {"Content-Encoding": "br"},                       b"SELECT 1",  415),
    ("POST", {"Content-Encoding": "gzip"},                     b"SELECT 1",  400),
    ("POST", {"Content-Encoding": "lz4"},                      b"SELECT 1",  400),
    ("POST", {"Content-Encoding": "zstd"},                     b"SELECT 1",  400),
    ("POST", {"Content-Length": "many"},                       b"",          400),
    ("POST", {"Content-Length": str(10**12)},                  b"",          413),
    ("POST", {"Transfer-Encoding": "chunked"},                 b"zz\r\n",    400),
    ("POST", {},                                               b"SELECT \xff\xfe", 400),
    ("GET",  {"X-ClickHouse-Format": "DataFrame"},             None,         404),
]
# fmt: on


@pytest.mark.parametrize(("method", "headers", "body", "status"), NO_REQUESTS)
def test_what_is_no_request_is_answered_and_the_next_one_served(
    front: str, method: str, headers: dict[str, str], body: bytes | None, status: int
) -> None:
    found, answered, text = request(front, method, "/?query=SELECT+1" if body is None else "/", body, headers)
    assert found == status, text
    assert "x-clickhouse-exception-code" in answered
    assert request(front, "GET", "/ping")[2] == b"Ok.\n"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Keeper]:
    """One that may be killed."""
    keeper = Keeper(clickhouse_part(tmp_path, free_port()), tmp_path / "logs", lambda: None)
    keeper.start()
    try:
        until(lambda: keeper.state.state == "ready")
        yield keeper
    finally:
        keeper.stop()
        keeper.join()


def until(what: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def test_killed_with_9_it_keeps_every_acknowledged_row_and_no_half_block(own_server: Keeper) -> None:
    with client_of(own_server.part.address) as client:
        client.command("CREATE TABLE t (k UInt64, v String) ENGINE MergeTree ORDER BY k")
    blocks = 0
    for _ in range(3):
        pid = own_server.state.pid
        acknowledged = insert_until_it_is_gone(own_server, pid, "t")
        until(lambda pid=pid: own_server.state.state == "ready" and own_server.state.pid != pid)  # type: ignore[misc]
        with client_of(own_server.part.address) as client:
            rows = count_of(client, "t")
        assert rows % BLOCK_ROWS == 0, "no half block"
        assert blocks + acknowledged <= rows // BLOCK_ROWS <= blocks + acknowledged + 1
        blocks = rows // BLOCK_ROWS
    assert blocks > 0


def insert_until_it_is_gone(server: Keeper, pid: int, table: str) -> int:
    """How many blocks were acknowledged before the server was killed in the middle of one."""
    acknowledged = 0
    body = b"".join(b"%d,%s\n" % (number, b"x" * 50) for number in range(BLOCK_ROWS))
    path = f"/?query={quote(f'INSERT INTO {table} (k, v) FORMAT CSV')}"
    killer = threading.Timer(0.5, os.kill, (pid, signal.SIGKILL))
    killer.start()
    try:
        while request(server.part.address, "POST", path, body)[0] == 200:
            acknowledged += 1
    except (OSError, http.client.HTTPException):
        return acknowledged
    finally:
        killer.join()
    raise AssertionError("the server was not killed")


def test_only_one_process_opens_the_folder(own_server: Keeper, tmp_path: Path) -> None:
    second = Keeper(clickhouse_part(tmp_path, free_port()), tmp_path / "second", lambda: None)
    second.start()
    try:
        until(lambda: second.state.restarts >= 1)
        assert second.state.state != "ready"
    finally:
        second.stop()
        second.join()
    with client_of(own_server.part.address) as client:
        assert client.command("SELECT 1") == 1

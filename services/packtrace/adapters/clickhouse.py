"""The analytical store on ClickHouse, by the unmodified clickhouse-connect (port ``HistoryStore``).

Why each insert looks as it does:

- it carries ``insert_deduplication_token``: the driver repeats an insert by itself when a connection closes before the answer,
  and without a token that stores it twice;
- ``async_insert=0``: else the server cuts the blocks, and a token stands for a block;
- one Native block, below the server's ``max_insert_block_size``: it is stored whole or not at all.

A session would refuse a second query at a time, so there is none; queries bind their parameters on the server.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError, Error
from clickhouse_connect.driver.httputil import get_pool_manager

from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import Position

CONNECT_TIMEOUT_SECONDS = 3
TIMEOUT_SECONDS_DEFAULT = 30
"""Far below the deduplication window of the tables, so that an insert that hangs is over before its token is forgotten."""

BLOCK_ROWS_MAX = 1_000_000
"""Below the server's ``max_insert_block_size`` (1,048,449): more rows would be stored in several steps."""

# fmt: off
PASSING = frozenset({
    #code  name
    3,   # UNEXPECTED_END_OF_FILE: a body cut off on its way
    159, # TIMEOUT_EXCEEDED
    164, # READONLY, while a server starts or moves
    198, # DNS_ERROR
    202, # TOO_MANY_SIMULTANEOUS_QUERIES
    209, # SOCKET_TIMEOUT
    210, # NETWORK_ERROR
    225, # NO_ZOOKEEPER
    236, # ABORTED
    241, # MEMORY_LIMIT_EXCEEDED
    242, # TABLE_IS_READ_ONLY
    243, # NOT_ENOUGH_SPACE
    252, # TOO_MANY_PARTS
    285, # TOO_FEW_LIVE_REPLICAS
    286, # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    319, # UNKNOWN_STATUS_OF_INSERT
    394, # QUERY_WAS_CANCELLED
    425, # SYSTEM_ERROR
    473, # DEADLOCK_AVOIDED
    999, # KEEPER_EXCEPTION
})
"""Errors of the server that the same call may outlive; any other means that statement and schema do not fit."""
# fmt: on

DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]*")

LINEAGE = {
    "history": "SELECT concat('ops/', toString(partition)), max((offset, position)) FROM history WHERE offset >= {floor:Int64} GROUP BY partition",
    "alerts": "SELECT concat('ops/', toString(partition)), max((offset, position)) FROM alerts WHERE offset >= {floor:Int64} GROUP BY partition",
    "events": "SELECT concat('events/', toString(partition)), max((offset, 0)) FROM events WHERE offset >= {floor:Int64} GROUP BY partition",
    "rejected": "SELECT concat('rejected/', toString(log_partition)), max((log_offset, 0)) FROM rejected WHERE log_offset >= {floor:Int64} "
    "GROUP BY log_partition",
    "incidents": "SELECT concat('incidents/', toString(log_partition)), max((log_offset, 0)) FROM incidents WHERE log_offset >= {floor:Int64} "
    "GROUP BY log_partition",
}
"""Highest lineage per source, table by table; the condition on offsets is what skip indexes answer."""

DERIVED = {"history": (("items_from_history", "items"),), "events": (("terms_from_events", "event_terms"),)}
"""Table -> (materialized view, its target). A target keeps one row per lineage, so filling it twice changes nothing."""

ENTRANCES = {"events": "events_stated"}
"""Table -> the table of the same columns that fills it and what is derived from it; the table itself takes what is not derived from."""

INSERT_SETTINGS = {
    "async_insert": 0,
    "optimize_on_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "materialized_views_ignore_errors": 0,
}


class ClickHouseStore:
    """See the module. Connects at the first call; safe to use from several threads.

    Args:
        url: ``http://host:port``, with user and password where the server wants them.
        database: of our tables; ``create_database`` makes it.
        query_settings: settings of every SELECT, e.g. ``{"max_execution_time": 10}``.
    """

    def __init__(
        self,
        url: str,
        database: str = "packtrace",
        *,
        timeout_seconds: int = TIMEOUT_SECONDS_DEFAULT,
        query_settings: Mapping[str, object] | None = None,
        client: str = "packtrace",
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RefusedError(f"PACKTRACE_CLICKHOUSE: expected http://host:port, found {url!r}")
        self._address = f"{parts.hostname}:{parts.port or 8123}"
        self._database = database
        self._options: dict[str, Any] = {
            "host": parts.hostname,
            "port": parts.port or 8123,
            "interface": parts.scheme,
            "username": parts.username,
            "password": parts.password or "",
            "database": database,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "send_receive_timeout": timeout_seconds,
            "autogenerate_session_id": False,
            "client_name": client,
            "query_limit": 0,
            "form_encode_query_params": False,
        }
        self._query_settings = dict(query_settings or {})
        self._lock = threading.Lock()
        self._client: Any = None

    def insert(self, table: str, columns: Sequence[tuple[str, str]], rows: int, native: bytes, token: str, *, derive: bool = True) -> None:
        if not token:
            raise RefusedError(f"insert, table {table}: expected a deduplication token, found none")
        if not 0 < rows <= BLOCK_ROWS_MAX:
            raise RefusedError(f"insert, table {table}: expected 1 to {BLOCK_ROWS_MAX} rows in a block, found {rows}")
        settings = INSERT_SETTINGS | {"insert_deduplication_token": token}
        names = [name for name, _ in columns]
        entrance = ENTRANCES.get(table, table) if derive else table
        # the driver sends bytes a second time when a connection ends without an answer; what can be read only once it does not
        once, length = iter((native,)), {"Content-Length": str(len(native))}
        try:
            self._connected().raw_insert(entrance, names, once, settings=settings, fmt="Native", transport_settings=length)
        except ClickHouseError as e:
            raise self._translated(e, f"insert, table {table}") from e

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[object, ...]]:
        try:
            result = self._connected().query(sql, parameters=dict(parameters or {}), settings=self._query_settings)
        except ClickHouseError as e:
            raise self._translated(e, "query") from e
        return [tuple(row) for row in result.result_rows]

    def command(self, sql: str) -> None:
        try:
            self._connected().command(sql)
        except ClickHouseError as e:
            raise self._translated(e, "command") from e

    def create_database(self) -> None:
        """Make the database where it does not exist; to be called before anything else."""
        if not DATABASE_NAME.fullmatch(self._database):
            raise RefusedError(f"PACKTRACE_CLICKHOUSE_DATABASE: expected {DATABASE_NAME.pattern}, found {self._database!r}")
        try:
            client = clickhouse_connect.get_client(**(self._options | {"database": "default"}), pool_mgr=get_pool_manager())
            try:
                client.command("CREATE DATABASE IF NOT EXISTS " + self._database)
            finally:
                client.close()
        except ClickHouseError as e:
            raise self._translated(e, f"create the database {self._database}") from e

    def positions(self, table: str, at_least: Mapping[str, Position] | None = None) -> dict[str, Position]:
        floor = min((position.offset for position in at_least.values()), default=0) if at_least else 0
        found = {}
        for source, last in self.query(LINEAGE[table], {"floor": floor}):
            assert isinstance(last, tuple)
            found[str(source)] = Position(int(last[0]), int(last[1]))
        return found

    def complete(self, table: str, above: Mapping[str, Position]) -> None:
        floor = min((position.offset for position in above.values()), default=0)
        for view, target in DERIVED.get(table, ()):
            rows = self.query(
                "SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = {view:String}", {"view": view}
            )
            if not rows:
                raise RefusedError(f"clickhouse at {self._address}: the view {view} is missing; run packtrace migrate")
            # a view selects all columns of its target in their order, and its text is the server's own
            select = str(rows[0][0])
            if table in ENTRANCES:  # which keeps nothing
                select = re.sub(rf"\b{ENTRANCES[table]}\b", table, select)
            sql = "INSERT INTO " + target + " SELECT * FROM (" + select + ") WHERE offset >= " + str(int(floor))  # noqa: S608
            try:
                self._connected().command(sql, settings=INSERT_SETTINGS | {"insert_deduplication_token": f"complete/{uuid.uuid4()}"})
            except ClickHouseError as e:
                raise self._translated(e, f"completing {target}") from e

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                try:
                    self._client = clickhouse_connect.get_client(**self._options, pool_mgr=get_pool_manager())
                except ClickHouseError as e:
                    raise self._translated(e, "connect") from e
            return self._client

    def _translated(self, error: ClickHouseError, doing: str) -> UnavailableError | RefusedError:
        """Our error for a driver's: without a code of the server it never answered."""
        code = error.code if isinstance(error, Error) else None
        first_line = (str(error).strip().splitlines() or ["no text"])[0]
        text = f"clickhouse at {self._address}, {doing}: {first_line[:300]}"
        return UnavailableError(text) if code is None or code in PASSING else RefusedError(text)

"""What no program gets below: the three transports with nothing done between them, each by itself, on what packtrace has just stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import confluent_kafka

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.redis_state import BUCKETS, Server, bucket_key
from packtrace.bench.usage import TICKS_PER_SECOND
from packtrace.cli.system import Addresses

RECORDS_MAX = 10_000
ITEMS_PER_CALL = 500
BLOCK_ROWS = 50_000
ALONE = 900
"""A partition nobody owns."""
SECONDS_MAX = 120.0
_COPY = "CREATE OR REPLACE TABLE peer_floor AS history ENGINE = ReplacingMergeTree ORDER BY (item, partition, offset, position)"


class Floor(NamedTuple):
    """Of one transport: so many things a second, and the CPU of all processes for one."""

    things: int
    seconds: float
    cpu_seconds: float


def consume(where: Addresses, events: int, cpu: Callable[[], float]) -> Floor:
    """Every event read and dropped."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": where.kafka, "group.id": "peer-floor", "auto.offset.reset": "earliest"})
    consumer.subscribe(["events"])
    seen, begun, used = 0, 0.0, cpu()
    while seen < events:
        found = len(consumer.consume(RECORDS_MAX, 0.05))
        begun = begun or (time.monotonic() if found else 0.0)
        seen += found
    floor = Floor(seen, time.monotonic() - begun, cpu() - used)
    consumer.close()
    return floor


def call(where: Addresses, cpu: Callable[[], float]) -> Floor:
    """Items as they lie in Redis, each bucket's written again under another name, as ``pt_commit`` writes them."""
    server = Server(where.redis)
    calls: list[tuple[list[str], list[str | bytes | int]]] = []
    items = 0
    for bucket in range(BUCKETS):
        held = server.run("HGETALL", bucket_key(0, bucket))
        words: list[str | bytes | int] = [word for pair in held.items() for word in pair]
        if not words:
            continue
        if not calls or items % ITEMS_PER_CALL < len(held):
            calls.append(([f"{{{ALONE}}}:meta"], [0, 0]))
        keys, args = calls[-1]
        keys.append(bucket_key(ALONE, bucket))
        args.extend(("HSET", len(words), *words))
        items += len(held)
    server.run("HSET", f"{{{ALONE}}}:meta", "epoch", 0, "offset", 0, "partitions", 16)
    begun, used = time.monotonic(), cpu()
    for keys, args in calls:
        server.call("pt_commit", [keys[0], *keys[1:], keys[0]], [*args, "HSET", 2, "offset", 0])
    floor = Floor(items, time.monotonic() - begun, cpu() - used)
    server.close()
    return floor


def insert(where: Addresses, blocks: int, cpu: Callable[[], float]) -> Floor:
    """One block of history as it lies there, inserted again and again into a table like it."""
    import clickhouse_connect

    store = ClickHouseStore(where.clickhouse, where.clickhouse_database)
    store.command(_COPY)
    host, _, port = where.clickhouse.removeprefix("http://").partition(":")
    client = clickhouse_connect.get_client(host=host, port=int(port), database=where.clickhouse_database)
    columns = [(str(name), str(kind)) for name, kind, *_ in store.query("DESCRIBE TABLE history")]
    rows = min(BLOCK_ROWS, int(str(store.query("SELECT count() FROM history")[0][0])))
    block = client.raw_query("SELECT * FROM history LIMIT {rows:UInt32}", parameters={"rows": rows}, fmt="Native")
    begun, used = time.monotonic(), cpu()
    for number in range(blocks):
        store.insert("peer_floor", columns, rows, block, f"floor/{begun}/{number}")
    floor = Floor(rows * blocks, time.monotonic() - begun, cpu() - used)
    store.close()
    client.close()
    return floor


def cpu_of(pids: list[int]) -> float:
    """User and system seconds of these processes, their ended children too."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        total += sum(int(fields[number]) for number in (11, 12, 13, 14))
    return total / TICKS_PER_SECOND

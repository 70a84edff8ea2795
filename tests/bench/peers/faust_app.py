"""A Faust application: an agent over ``events``, a table of items, Redis and ClickHouse written once a batch.

``python -m tests.bench.peers.faust_app KAFKA REDIS CLICKHOUSE EVENTS FOLDER``; when it has stored so many events it says what
it saw, and waits to be ended. The table is Faust's own, with its changelog topic; ``take`` makes the batches, as Faust's documentation does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterable
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import faust
import redis.asyncio

from tests.bench.peers.work import ALERT, COLUMNS, TABLE, Item, Row, judge, ops, read

BATCH_EVENTS_MAX = 1_000
BATCH_SECONDS = 0.1


def application(kafka: str, store: str, clickhouse: str, wanted: int, folder: str) -> faust.App:
    app = faust.App(
        "peer-faust",
        broker=f"kafka://{kafka}",
        store="memory://",
        datadir=folder,
        web_enabled=False,
        topic_partitions=8,
        topic_replication_factor=1,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )
    events = app.topic("events", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    items = app.Table("items", partitions=8, use_partitioner=True)
    state: Any = redis.asyncio.Redis.from_url(store)
    where = urlsplit(clickhouse)
    history = clickhouse_connect.get_client(host=where.hostname, port=where.port, database="packtrace")
    told = {"begun": 0.0, "used": 0.0, "seen": 0, "rows": 0}
    alerted: set[str] = set()

    @app.agent(events)
    async def work(stream: AsyncIterable[bytes]) -> None:
        async for batch in stream.take(BATCH_EVENTS_MAX, within=BATCH_SECONDS):  # type: ignore[attr-defined]
            told["begun"] = told["begun"] or time.monotonic()
            told["used"] = told["used"] or time.process_time()
            rows: list[Row] = []
            changed: dict[str, Item] = {}
            for value in batch:
                event = read(value)
                for key, parent in ops(event):
                    item, row = judge(Item(*items.get(key, ())), event, key, parent)
                    items[key] = list(item)
                    changed[key] = item
                    rows.append(row)
            pipeline = state.pipeline(transaction=False)
            for key, item in changed.items():
                pipeline.hset(f"peer:{key}", mapping=item._asdict())
            await asyncio.gather(pipeline.execute(), asyncio.to_thread(insert, rows))
            told["seen"] += len(batch)
            told["rows"] += len(rows)
            alerted.update(row.item for row in rows if row.outcome == ALERT)
            if told["seen"] >= wanted:
                took = {"seconds": time.monotonic() - told["begun"], "cpu_seconds": time.process_time() - told["used"]}
                sys.stdout.write(json.dumps(took | {"rows": told["rows"], "alerts": len(alerted)}) + "\n")
                sys.stdout.flush()

    def insert(rows: list[Row]) -> None:
        history.insert(TABLE, list(zip(*rows, strict=True)), column_names=COLUMNS, column_oriented=True)

    return app


def main() -> None:
    app = application(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()

"""The loop a team writes first: consume a batch, ask Redis for its serials, judge, write back, insert, commit.

``python -m tests.bench.peers.bare KAFKA REDIS CLICKHOUSE EVENTS``; it ends when it has stored so many events, and says what it saw.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import confluent_kafka
import redis

from tests.bench.peers.work import ALERT, COLUMNS, TABLE, Item, Row, judge, ops, read

BATCH_EVENTS_MAX = 5_000
BATCH_SECONDS = 0.05
FIELDS = Item._fields


def main() -> None:
    kafka, store, clickhouse, wanted = sys.argv[1], sys.argv[2], urlsplit(sys.argv[3]), int(sys.argv[4])
    state: Any = redis.Redis.from_url(store, decode_responses=True)
    history = clickhouse_connect.get_client(host=clickhouse.hostname, port=clickhouse.port, database="packtrace")
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": kafka, "group.id": "peer-bare", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe(["events"])
    seen = rows = 0
    alerted: set[str] = set()
    begun = used = 0.0
    while seen < wanted:
        messages = consumer.consume(BATCH_EVENTS_MAX, BATCH_SECONDS)
        if not messages:
            continue
        begun, used = begun or time.monotonic(), used or time.process_time()
        named = [(event, key, parent) for event in (read(message.value() or b"") for message in messages) for key, parent in ops(event)]
        batch = store_batch(state, history, named)
        consumer.commit(asynchronous=False)
        seen += len(messages)
        rows += len(batch)
        alerted.update(row.item for row in batch if row.outcome == ALERT)
    seconds, cpu_seconds = time.monotonic() - begun, time.process_time() - used
    consumer.close()
    sys.stdout.write(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "rows": rows, "alerts": len(alerted)}) + "\n")


def store_batch(state: Any, history: Any, named: list[tuple[dict[str, Any], str, str]]) -> list[Row]:
    """One round trip for what is known, one for what changed, one insert."""
    keys = list({key for _, key, _ in named})
    asking = state.pipeline(transaction=False)
    for key in keys:
        asking.hmget(f"peer:{key}", FIELDS)
    known = {key: Item(*(value or "" for value in values)) for key, values in zip(keys, asking.execute(), strict=True)}
    batch = []
    for event, key, parent in named:
        known[key], row = judge(known[key], event, key, parent)
        batch.append(row)
    writing = state.pipeline(transaction=False)
    for key, item in known.items():
        writing.hset(f"peer:{key}", mapping=item._asdict())
    writing.execute()
    history.insert(TABLE, list(zip(*batch, strict=True)), column_names=COLUMNS, column_oriented=True)
    return batch


if __name__ == "__main__":
    main()

"""How fast an empty Redis is filled from ClickHouse: ``python -m tests.bench.rebuild --items 1000000``.

A stream of units, cases and pallets goes through the real router, tracker and sink; one part of it has settled, of the other the window is
open. Its units are then copied inside ClickHouse under other serials, each to the partition that is its own, and a checkpoint with the
digest that ClickHouse computes ends each partition. What is measured is ``packtrace rebuild``'s own function, on a real Valkey, from the
question for the checkpoints on; that the digest of what Valkey holds in the end is the checkpoint's is computed from Valkey.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import apply
from packtrace.adapters.redis_load import RedisLoader
from packtrace.adapters.redis_state import RedisStateStore
from packtrace.codec import checkpoint
from packtrace.ports import LogRecord, TopicPartition
from packtrace.proof.archive import ProofArchive
from packtrace.proof.rebuild import plan, rebuild
from packtrace.simulator import world
from packtrace.simulator.encode import Encoder
from packtrace.simulator.streams import LINES, Planted, Stream, messages
from packtrace.telemetry import configure
from packtrace.tracker.cache import entry_share, item_share
from tests.contracts.plant import Plant
from tests.servers import Servers

PARTITIONS = 16
UNITS = 40_000
OPEN_SHARE = 0.25
LATER = 80 * 3_600_000_000
END = 1 << 40
"""Of the checkpoints: above every offset."""

_COPY = """
INSERT INTO history SELECT * REPLACE (concat(item, 'x', toString({{copy:UInt32}})) AS item,
    toUInt16(bitAnd(xxh3(concat(item, 'x', toString({{copy:UInt32}}))), {last})) AS partition)
FROM (SELECT * FROM history WHERE item LIKE '01%' AND item NOT LIKE '%x%' AND row_type != 'content')
"""
_CHECKPOINT = """
INSERT INTO history (item, row_type, partition, offset, position, state)
VALUES ('', 'checkpoint', {number}, {offset}, 0, base64Decode('{packed}'))
"""


class Ends:
    """A log that holds what comes after the checkpoints: nothing."""

    def ends(self, partition: TopicPartition) -> tuple[int, int]:
        return 0, END

    def records(self, partition: TopicPartition, start: int, end: int) -> Iterator[LogRecord]:
        return iter(())

    def close(self) -> None:
        """Nothing to close."""


def fill(store: ClickHouseStore, items: int) -> None:
    """Histories of ``items`` items or a little more."""
    plant = Plant(store)
    plant.reference(world.reference_file(world.demo_site(LINES)))
    settled = round(UNITS * (1 - OPEN_SHARE))
    encode = Encoder(plant.ids["events"]).encode
    for units, seed, later in ((settled, 1, LATER), (UNITS - settled, 2, 0)):
        for number, message in enumerate(messages(Stream("S1", units, seed=seed, cases_later=20), Planted())):
            plant.publish_bytes(encode(message))
            if number % 10_000 == 0:
                plant.settle()
        plant.settle()
        plant.log.now += later
        plant.settle()
    for _ in range(3):
        plant.log.now += 15_000_000
        plant.settle()
    archive = ProofArchive(store)
    below = [END] * PARTITIONS
    clocks = {number: one.clocks for number, one in archive.checkpoints(below).items()}
    made = sum(count for _, count in archive.digests(below).values())
    for copy in range(max(-(-(items - made) // UNITS), 0)):
        store.command(_COPY.replace("{{copy:UInt32}}", str(copy)).format(last=PARTITIONS - 1))
    for number, (digest, _) in archive.digests(below).items():
        packed = base64.b64encode(checkpoint.pack(END, digest, {}, clocks[number])).decode()
        store.command(_CHECKPOINT.format(number=number, offset=END - 1, packed=packed))


def digest_of(store: RedisStateStore, number: int) -> int:
    """Of everything that a partition holds."""
    shares = 0
    for key, packed, content in store.scan(number):
        shares += item_share(key, packed) + sum(entry_share(key, name, entry) for name, entry in content.items())
    return shares & (1 << 64) - 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.rebuild")
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    words = parser.parse_args()
    configure("rebuild", "error")
    servers = Servers(Path(tempfile.mkdtemp(prefix="packtrace-rebuild-")), "embedded")
    try:
        store = ClickHouseStore(servers.address("clickhouse"), "rebuild", timeout_seconds=600)
        store.create_database()
        apply(store)
        fill(store, words.items)
        state, loader = RedisStateStore(servers.address("valkey")), RedisLoader(servers.address("valkey"))
        for run in range(words.runs):
            begun = time.perf_counter()
            found = plan(store, Ends(), PARTITIONS)
            planned = time.perf_counter() - begun
            done = rebuild(found, store, loader)
            seconds = time.perf_counter() - begun
            items = sum(one.items for one in done)
            row = {"run": run + 1, "items": items, "plan_seconds": round(planned, 2), "seconds": round(seconds, 2)}
            print(json.dumps(row | {"items_per_second": round(items / seconds)}), flush=True)  # noqa: T201
            assert not found.missing, found.missing
            if run == 0:
                held = [digest_of(state, number) for number in range(PARTITIONS)]
                assert held == [one.checkpoint.digest for one in found.starts], "what Valkey holds is not what the checkpoints say"
        return 0
    finally:
        servers.stop()


if __name__ == "__main__":
    sys.exit(main())

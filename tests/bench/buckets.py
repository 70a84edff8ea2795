"""What Redis costs as the number of items grows: bytes an item, and CPU of the server for an item read and written back.

``python -m tests.bench.buckets``. One of 16 partitions is filled as full as it would be if the whole store held so many items; the
values are as long as packed items are. Reads and writes are those of the tracker: 1,000 items in a call, drawn at random.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from packtrace.adapters.redis_state import BUCKETS, RedisStateStore, Server, bucket_key, bucket_of
from packtrace.bench.usage import of_process
from packtrace.ports import Commit
from tests.servers import Servers

PARTITIONS = 16
BATCH = 1_000
CALLS = 60
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def fill(server: Server, keys: Iterable[str], value_bytes: int, random_: random.Random) -> None:
    buckets: dict[int, list[str | bytes | int]] = {}
    for key in keys:
        buckets.setdefault(bucket_of(key), []).extend((key, random_.randbytes(value_bytes)))
    server.run_all(("HSET", bucket_key(0, bucket), *words) for bucket, words in buckets.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", default="100000,1000000,4000000,8000000,10000000,40000000", help="of the whole store, rising")
    parser.add_argument("--value-bytes", type=int, default=100)
    asked = parser.parse_args()
    sizes = [int(part) for part in asked.items.split(",")]
    random_ = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="packtrace-buckets-") as folder:
        servers = Servers(Path(folder), "embedded")
        try:
            address = servers.address("valkey")
            server, store = Server(address), RedisStateStore(address)
            epoch = store.acquire(0, PARTITIONS).epoch
            empty = int(server.run("INFO", "memory")["used_memory"])
            keys: list[str] = []
            for size in sizes:
                while len(keys) < size // PARTITIONS:
                    more = min(size // PARTITIONS - len(keys), 50_000)
                    fresh = ["010950600013435221" + "".join(random_.choices(ALPHABET, k=12)) for _ in range(more)]
                    fill(server, fresh, asked.value_bytes, random_)
                    keys += fresh
                used = int(server.run("INFO", "memory")["used_memory"]) - empty
                before = of_process(servers.pid("valkey")).cpu_seconds
                meta = store.meta(0)
                assert meta is not None
                for _ in range(CALLS):
                    batch = random_.sample(keys, min(BATCH, len(keys)))
                    found = store.load(0, batch)
                    assert len(found) == len(batch)
                    store.commit(
                        Commit(0, epoch, meta.offset, meta.offset, 0, {}, {}, {key: value for key, (value, _) in found.items()}, {}, {}, {})
                    )
                cpu = of_process(servers.pid("valkey")).cpu_seconds - before
                encoding = server.run("OBJECT", "ENCODING", bucket_key(0, 0)).decode()
                sys.stdout.write(
                    f"{size:>12,} items   {len(keys) / BUCKETS:>7.1f} a bucket ({encoding})   {used / len(keys):6.1f} bytes an item   "
                    f"{cpu / CALLS / len(batch) * 1e6:5.2f} us of the server for one read and written back\n"
                )
                sys.stdout.flush()
            server.close()
            store.close()
        finally:
            servers.stop()


if __name__ == "__main__":
    main()

"""End to end: a stream flat out into ``events`` of a fresh local stack, until ClickHouse and Redis hold everything.

``python -m tests.bench.whole --units 100000 --streams S1,S2``. The clock runs from the first record written to the moment
``packtrace wait`` finds nothing left; the events are encoded before it starts. A run that is not verified has no figure: every op
has its row, exactly the duplicates planted are alerted, and ``packtrace check`` finds Redis and ClickHouse alike.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.kafka import KafkaWriter
from packtrace.cli.simulate import alerts
from packtrace.cli.system import addresses, schema_id
from packtrace.codec.identifiers import parse_item
from packtrace.embedded.state import Stack, read
from packtrace.simulator import world
from packtrace.simulator.encode import Encoder
from packtrace.simulator.messages import item_key
from packtrace.simulator.streams import LINES, Planted, messages
from tests.bench.stages import stream_named
from tests.pipeline.system import System

WAIT_SECONDS_MAX = 900
FLUSH_SECONDS = 120.0
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
KIB = 1024


def used(stack: Stack) -> dict[str, tuple[float, int]]:
    """Process -> (CPU seconds, user and system; resident MiB)."""
    found = {}
    for part in stack.parts:
        if not part.pid:
            continue
        fields = Path(f"/proc/{part.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        pages = int(Path(f"/proc/{part.pid}/statm").read_text(encoding="utf-8").split()[1])
        found[part.name] = (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND, pages * os.sysconf("SC_PAGE_SIZE") // KIB // KIB
    return found


def stack_of(home: Path) -> Stack:
    stack = read(home.resolve())
    assert stack is not None, f"nothing runs under {home}"
    return stack


def measured(system: System, name: str, units: int) -> dict[str, Any]:
    """One stream through a stack that has seen nothing but its reference data."""
    home = system.home
    planted = Planted()
    encode = Encoder(schema_id(home, "events")).encode
    records = [(message.template.source.key, encode(message)) for message in messages(stream_named(name, units), planted)]
    before = used(stack_of(home))
    writer = KafkaWriter(addresses(home).kafka, client="packtrace-bench")
    begun = time.monotonic()
    for key, value in records:
        writer.write("events", value, key=key)
    writer.flush(FLUSH_SECONDS)
    written = time.monotonic() - begun
    system.wait(WAIT_SECONDS_MAX)
    seconds = time.monotonic() - begun
    writer.close()
    after = used(stack_of(home))
    operations = planted.operations
    wrong, facts = verify(system, planted)
    figures = {
        "operations_per_second": round(operations / seconds),
        "events_per_second": round(planted.messages / seconds),
        "seconds": round(seconds, 2),
        "seconds_to_write": round(written, 2),
        "facts_per_op": round(facts / operations, 3),
        "cpu_microseconds_per_op": {
            part: round((cpu - before.get(part, (0.0, 0))[0]) / operations * 1e6, 2) for part, (cpu, _) in sorted(after.items())
        },
        "resident_mib": {part: mib for part, (_, mib) in sorted(after.items())},
    }
    return {"stream": name, "operations": operations, "events": planted.messages, "wrong": wrong} | ({} if wrong else figures)


def verify(system: System, planted: Planted) -> tuple[list[str], int]:
    """What the run did not do, and how many facts it took."""
    where = addresses(system.home)
    store = ClickHouseStore(where.clickhouse, where.clickhouse_database, timeout_seconds=WAIT_SECONDS_MAX, client="packtrace-bench")
    counts = {str(row[0]): int(str(row[1])) for row in store.query("SELECT row_type, count() FROM history FINAL GROUP BY row_type")}
    wrong = []
    if counts.get("op") != planted.operations:
        wrong.append(f"{counts.get('op')} rows of {planted.operations} ops")
    found = {parse_item(alert["epc"]) for alert in alerts(system.home) if alert["rule"] == "duplicate-commissioning"}
    expected = {item_key(epc) for epc in planted.duplicates}
    if found != expected:
        wrong.append(f"{len(found)} duplicates found, {len(expected)} planted")
    check = system.run("check", timeout=WAIT_SECONDS_MAX, code=None)
    if check.returncode:
        wrong.append(f"packtrace check: {check.stdout[-500:]}{check.stderr[-500:]}")
    return wrong, counts.get("fact", 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--streams", default="S1,S2")
    wanted = parser.parse_args()
    bad = False
    for name in wanted.streams.split(","):
        with tempfile.TemporaryDirectory(prefix="packtrace-bench-") as folder:
            system = System(Path(folder) / "home")
            reference = Path(folder) / "reference.json"
            reference.write_bytes(world.reference_file(world.demo_site(LINES)))
            system.up()
            try:
                system.run("reference", "load", str(reference))
                system.wait()
                result = measured(system, name, wanted.units)
            finally:
                system.down()
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n")
        sys.stdout.flush()
        bad = bad or bool(result["wrong"])
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())

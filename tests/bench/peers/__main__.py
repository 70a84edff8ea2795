"""packtrace, then its peers, in one run on one machine: see the package."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.bench import stores
from packtrace.bench.load import Load, stream_named
from packtrace.bench.usage import machine
from packtrace.cli.bench import WARM_UP_UNITS, flat_out, parts_of, prepared, system, verify, warmed, write_json
from packtrace.cli.demo_screen import Screen
from packtrace.cli.output import aside
from packtrace.cli.own_system import terminated_as_interrupted
from packtrace.cli.system import Addresses, addresses
from packtrace.embedded.plan import SERVERS
from tests.bench.peers import floor
from tests.bench.peers.work import CREATE

PEER_SECONDS_MAX = 1_800
INSERTS = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=40_000)
    parser.add_argument("--streams", default="S1,S2")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    found: list[dict[str, Any]] = []
    with terminated_as_interrupted(), Screen(aside()) as view:
        for number in range(1, asked.runs + 1):
            for name in asked.streams.split(","):
                for row in run(view, name, asked.units):
                    found.append({"run": number} | row)
                    sys.stdout.write(line(row) + "\n")
                    sys.stdout.flush()
    if asked.output is not None:
        write_json(asked.output, {"machine": machine(), "runs": found})
    return int(any(row.get("wrong") for row in found))


def run(view: Screen, name: str, units: int) -> Iterator[dict[str, Any]]:
    """All of them on one stream, on one system."""
    with system(view) as home:
        load = prepared(view, home, stream_named(name, units))
        whole = warmed(view, home, load, WARM_UP_UNITS)
        where = addresses(home)
        parts = {part.name: part.pid for part in parts_of(home)}
        all_pids = [os.getpid(), *parts.values()]
        with view.step(f"packtrace: {load.operations:,} EPC-ops of {name}") as tell:
            used = floor.cpu_of(all_pids)
            _, seconds = flat_out(home, load, tell)
            used = floor.cpu_of(all_pids) - used
            history = ClickHouseStore(where.clickhouse, where.clickhouse_database, timeout_seconds=600)
            wrong = verify(home, whole, stores.rows(history), tell)
            tell("")
        ours = row_of(name, "packtrace", load, seconds, used, wrong)
        yield ours
        servers = [pid for part, pid in parts.items() if part in SERVERS]
        with asleep([pid for part, pid in parts.items() if part not in SERVERS]):
            for peer, module in (("faust", "tests.bench.peers.faust_app"), ("bare", "tests.bench.peers.bare")):
                history.command(CREATE)
                with view.step(f"{peer}: the same events"):
                    row = one(peer, module, where, whole, servers, home)
                yield row | {"packtrace_is_times_as_fast": round(ours["operations_per_second"] / row["operations_per_second"], 2)}
            pids = [os.getpid(), *servers]
            with view.step("the floor: consume and discard, prepared Function calls, a prepared block"):
                yield of_floor(name, "floor: consume", floor.consume(where, whole.events, lambda: floor.cpu_of(pids)), whole.operations)
                yield of_floor(name, "floor: call", floor.call(where, lambda: floor.cpu_of(pids)))
                yield of_floor(name, "floor: insert", floor.insert(where, INSERTS, lambda: floor.cpu_of(pids)))
        history.close()


def one(peer: str, module: str, where: Addresses, load: Load, servers: Sequence[int], home: Path) -> dict[str, Any]:
    """A peer in a process of its own, until it says that it has stored everything."""
    folder = home.parent / f"peer-{peer}"
    folder.mkdir(exist_ok=True)
    words = [sys.executable, "-m", module, where.kafka, where.redis, where.clickhouse, str(load.events), str(folder)]
    used = floor.cpu_of(list(servers))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        text = next((line for line in process.stdout if line.startswith(b"{")), b"")  # Faust begins with a banner
    finally:
        process.terminate()
        process.wait(30)
    assert text, f"{peer} ended: {(folder / 'log').read_text(errors='replace')[-2_000:]}"
    said = json.loads(text)
    wrong = [] if said["rows"] == load.operations else [f"{said['rows']} rows of {load.operations} ops"]
    wrong += [] if said["alerts"] == len(load.duplicates) else [f"{said['alerts']} duplicates found, {len(load.duplicates)} planted"]
    return row_of(load.stream.name, peer, load, said["seconds"], floor.cpu_of(list(servers)) - used + said["cpu_seconds"], wrong)


def row_of(stream: str, who: str, load: Load, seconds: float, cpu: float, wrong: list[str]) -> dict[str, Any]:
    return {
        "stream": stream, "who": who, "operations": load.operations, "seconds": round(seconds, 2),
        "operations_per_second": round(load.operations / seconds), "events_per_second": round(load.events / seconds),
        "cpu_microseconds_per_operation": round(cpu / load.operations * 1e6, 2), "wrong": wrong,
    }  # fmt: skip


def of_floor(stream: str, who: str, found: floor.Floor, operations: int = 0) -> dict[str, Any]:
    things = operations or found.things
    return {
        "stream": stream, "who": who, "operations": things, "seconds": round(found.seconds, 3),
        "operations_per_second": round(things / found.seconds), "cpu_microseconds_per_operation": round(found.cpu_seconds / things * 1e6, 2),
    }  # fmt: skip


def line(row: dict[str, Any]) -> str:
    times = row.get("packtrace_is_times_as_fast")
    words = f"{row['stream']:<8} {row['who']:<16} {row['operations_per_second']:>10,} EPC-ops/s {row['cpu_microseconds_per_operation']:>8} CPU us/op"
    return (
        words
        + (f"   packtrace is {times} times as fast" if times else "")
        + ("   WRONG: " + "; ".join(row["wrong"]) if row.get("wrong") else "")
    )


@contextmanager
def asleep(pids: Sequence[int]) -> Iterator[None]:
    """These processes do nothing within the block; they are ours, and their supervisor only asks whether they are ready."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    sys.exit(main())

"""``packtrace bench --latency``: how long an alert takes while the system is at work, but not at its limit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from packtrace.cli import own_system
from packtrace.cli.bench import (
    SETTLE_SECONDS_MAX,
    WARM_UP_UNITS,
    as_object,
    complain,
    flat_out,
    prepared,
    system,
    verify,
    warmed,
    write_json,
)
from packtrace.cli.output import aside, emit, screen
from packtrace.errors import RefusedError, UnavailableError

if TYPE_CHECKING:
    from packtrace.bench.latency import Latency
    from packtrace.cli.demo_screen import Screen

WATCHER_SECONDS_MAX = 30.0
OPERATIONS_PER_UNIT = 2.1
"""Of S1: commissioned, packed, and a share of cases, pallets and duplicates."""


def measure(
    loads: str, seconds: float, capacity: float, units: int, under: Path | None, picture: Path | None, output: Path | None, as_json: bool
) -> None:
    """At each load, on a fresh system."""
    from packtrace.bench.latency import picture as drawn
    from packtrace.bench.latency import svg
    from packtrace.bench.load import stream_named
    from packtrace.bench.usage import machine
    from packtrace.cli.demo_screen import Screen
    from packtrace.cli.simulate import write

    shares = _shares(loads)
    found: list[Latency] = []
    wrong: list[str] = []
    with own_system.terminated_as_interrupted(), Screen(aside()) as view:
        if not capacity:
            with system(view, under) as home:
                load = prepared(view, home, stream_named("S1", units))
                warmed(view, home, load, WARM_UP_UNITS)
                with view.step("S1 flat out: the capacity") as tell:
                    capacity = load.operations / flat_out(home, load, tell)[1]
                    tell(f"{capacity:,.0f} EPC-ops a second")
        for share in shares:
            one, complaints = _at(view, under, share, share * capacity, seconds)
            found.append(one)
            wrong += [f"{share:.0%} load: {sentence}" for sentence in complaints]
            if as_json:
                emit(as_object(one))
    if not as_json:
        for one in found:
            screen().print(
                f"{one.share:.0%} of {capacity:,.0f} EPC-ops/s ({one.operations_per_second:,.0f}): p50 {one.p50:,.1f} ms, p99 {one.p99:,.1f} ms, "
                f"p99.9 {one.p999:,.1f} ms, max {one.max:,.1f} ms, of {one.alerts:,} alerts",
                style="bold",
                soft_wrap=True,
            )
            screen().print(drawn(one))
    if picture is not None:
        write(picture, svg(found).encode())
    if output is not None:
        write_json(output, {"machine": machine(), "capacity": round(capacity, 1), "latency": [as_object(one) for one in found]})
    complain(iter(wrong))


def _shares(text: str) -> list[float]:
    """``20,60``."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= 200 for part in parts):
        raise RefusedError(f"--loads: expected percentages such as 20,60, found {text!r}")
    return [int(part) / 100 for part in parts]


def _at(view: Screen, under: Path | None, share: float, operations_per_second: float, seconds: float) -> tuple[Latency, list[str]]:
    from packtrace.adapters.clickhouse import ClickHouseStore
    from packtrace.adapters.kafka import KafkaReader
    from packtrace.adapters.kafka_writer import KafkaWriter
    from packtrace.bench import stores
    from packtrace.bench.latency import Watcher, latency, send, stream
    from packtrace.cli.system import addresses

    with system(view, under) as home:
        load = prepared(view, home, stream(max(int(operations_per_second * seconds / OPERATIONS_PER_UNIT), 400)))
        expected = warmed(view, home, load, WARM_UP_UNITS)
        where = addresses(home)
        history = ClickHouseStore(where.clickhouse, where.clickhouse_database, timeout_seconds=600, client="packtrace-bench")
        writer = KafkaWriter(where.kafka, client="packtrace-bench", linger_milliseconds=0)
        watcher = Watcher(KafkaReader(where.kafka, "packtrace-bench", client="packtrace-bench"))
        try:
            if not watcher.start(WATCHER_SECONDS_MAX):
                raise UnavailableError("kafka: the topic alerts could not be read")
            with view.step(f"{share:.0%} load: {operations_per_second:,.0f} EPC-ops a second for {seconds:.0f} s") as tell:
                begun = time.monotonic()
                acknowledged = send(load, writer, operations_per_second, lambda number: tell(f"{number:,} of {load.events:,} events"))
                took = time.monotonic() - begun
                own_system.settle(home, SETTLE_SECONDS_MAX, tell)
            with view.step("verify") as tell:
                wrong = verify(home, expected, stores.rows(history), tell)
                one = latency(share, load, took, acknowledged, watcher.seen, len(load.duplicates))
                if one.missing:
                    wrong.append(f"{one.missing:,} of {len(load.duplicates):,} alerts were never readable")
                tell("; ".join(wrong))
        finally:
            watcher.close()
            writer.close()
            history.close()
    return one, wrong

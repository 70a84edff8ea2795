"""Labelled worlds through the real system in three orders: what is found, what is false, and whether the end is the same.

One system per order takes all seeds one after the other. ``python -m tests.bench.worlds --seeds 1-5 --units 20000``; exit 1 unless
recall is whole, nothing false stands, and the orders end in equal state and equal alerts.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from packtrace.cli.ask import pages, query
from packtrace.cli.inside import plain
from packtrace.cli.system import state_store
from packtrace.codec.identifiers import parse_item
from packtrace.codec.state import unpack
from packtrace.contracts import topics
from packtrace.domain.identifiers import partition_of
from packtrace.domain.item import Item
from packtrace.simulator.chain.faults import read_faults
from packtrace.simulator.chain.recipe import ORDERS, SECOND, Recipe, last_end
from packtrace.simulator.chain.world import World
from packtrace.simulator.truth import iso
from tests.pipeline.system import System

GRACE_SECONDS = 2
SETTLE_SECONDS = GRACE_SECONDS + 5
"""Every grace is over and a tick has said so."""

LOAD_ITEMS = 2_000
_OF_THE_LOG = ("raised_at", "changed_at", "version", "log_time", "partition", "offset", "index", "versions", "as_of")
"""What an alert says of its way through the log, and not of the goods."""


class Result(NamedTuple):
    """One world in one order."""

    seed: int
    order: str
    events: int
    operations: int
    seconds: float
    planted: int
    found: int
    false: int
    withdrawn: int
    state: str
    alerts: str
    examples: str


def items_of(world: World) -> list[str]:
    """The key of every item a world names."""
    texts = {text for made in world for text in (*made.epcs, made.parent, *made.children, *made.template.inputs, *made.template.outputs)}
    return sorted({parse_item(text) for text in texts - {""}})


def visible(item: Item) -> bytes:
    """An item's state with its open window, without when the log took what."""
    now = {name: value for name, value in plain(item.now).items() if not name.endswith("_log")}
    window = [
        tuple(value for name, value in msgspec.structs.asdict(event).items() if name not in ("log_time", "context"))
        for event in item.window
    ]
    alerts = sorted((alert.id, alert.status, alert.severity) for alert in item.alerts.values() if alert.status != "withdrawn")
    return msgspec.json.encode([item.key, now, window, sorted(item.children), alerts])


def states(home: Path, keys: Sequence[str]) -> Iterator[bytes]:
    """What Redis says of each of ``keys``."""
    store, partitions = state_store(home), topics()["ops"].partitions
    of_partition: dict[int, list[str]] = {}
    for key in keys:
        of_partition.setdefault(partition_of(key, partitions), []).append(key)
    for partition, those in sorted(of_partition.items()):
        for first in range(0, len(those), LOAD_ITEMS):
            found = store.load(partition, those[first : first + LOAD_ITEMS])
            for key in those[first : first + LOAD_ITEMS]:
                yield visible(unpack(key, *found[key])) if key in found else key.encode()


def standing(alerts: Iterable[dict[str, Any]], boot: int) -> list[bytes]:
    """The standing alerts of a world, as they are told."""
    return sorted(
        msgspec.json.encode({name: value for name, value in sorted(alert.items()) if name not in _without(alert["rule"])})
        for alert in alerts
        if alert["status"] != "withdrawn" and alert["events"] and alert["events"][0].split("/")[1:2] == [str(boot)]
    )


def digest(rows: Iterable[bytes], dump: Path | None) -> str:
    """Of all rows; they are also written to ``dump``, a line each."""
    hashed, out = hashlib.sha256(), dump.open("wb") if dump else None
    for row in rows:
        hashed.update(row + b"\n")
        if out is not None:
            out.write(row + b"\n")
    if out is not None:
        out.close()
    return hashed.hexdigest()[:16]


def _without(rule: str) -> tuple[str, ...]:
    """The log time is what an event of the future is compared with, and told by its alert."""
    return (*_OF_THE_LOG, "detail", "expected") if rule == "future-event" else _OF_THE_LOG


def run_order(order: str, seeds: Sequence[int], units: int, noise: str, end: int, dump: Path | None) -> Iterator[Result]:
    """All seeds in one order on a system of their own."""
    with tempfile.TemporaryDirectory(prefix="packtrace-worlds-") as folder:
        system = System(Path(folder))
        try:
            system.up()
            for seed in seeds:
                yield _run(system, order, seed, units, noise, end, Path(folder) / f"truth-{seed}.jsonl", dump)
        finally:
            system.down()


def _run(system: System, order: str, seed: int, units: int, noise: str, end: int, truth: Path, dump: Path | None) -> Result:
    began = time.monotonic()
    (made,) = system.json(
        "simulate", "--units", str(units), "--seed", str(seed), "--noise", noise, "--faults", "all", "--order", order, "--end", iso(end),
        "--graces", str(GRACE_SECONDS), "--truth", str(truth), timeout=600,
    )  # fmt: skip
    system.wait(600)
    seconds = time.monotonic() - began
    time.sleep(SETTLE_SECONDS)
    system.wait(60)
    *_, total = system.json("score", str(truth), code=None)
    world = World(
        Recipe(seed=seed, end=end, units=units, noise=noise, faults=read_faults("all", units), order=order), grace_seconds=GRACE_SECONDS
    )
    alerts = standing(pages(query(system.home), "/alerts", "alerts", {}, None), world.recipe.boot)
    name = f"{seed}-{order}"
    return Result(
        seed, order, made["events"], made["operations"], seconds, total["planted"], total["found"], total["not_planted"],
        total["withdrawn"], digest(states(system.home, items_of(world)), dump and dump / f"{name}.states.jsonl"),
        digest(alerts, dump and dump / f"{name}.alerts.jsonl"),
        f"{total['misses']} {total['false_alarms']}" if total["misses"] or total["false_alarms"] else "",
    )  # fmt: skip


def line(result: Result) -> str:
    """A row of the table."""
    recall = result.found / result.planted if result.planted else 1
    rate = result.operations / result.seconds
    return (
        f"{result.seed:>4}  {result.order:<8}  {result.events:>7,}  {result.operations:>8,}  {result.seconds:>6.1f}  {rate:>8,.0f}  "
        f"{result.planted:>7,}  {recall:>7.2%}  {result.false:>5,}  {result.withdrawn:>9,}  {result.state}  {result.alerts}"
    )


HEAD = "seed  order      events       ops  seconds   ops/s  planted   recall  false  withdrawn  state             alerts"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def failures(results: Sequence[Result]) -> list[str]:
    """One sentence for each thing that is not as promised."""
    said = [f"seed {one.seed}, {one.order}: {one.examples}" for one in results if one.examples or one.found != one.planted or one.false]
    for seed in sorted({one.seed for one in results}):
        ends = {(one.state, one.alerts) for one in results if one.seed == seed}
        if len(ends) != 1:
            said.append(f"seed {seed}: the orders end differently")
    return said


def run(seeds: Sequence[int], units: int, noise: str, orders: Sequence[str] = ORDERS, dump: Path | None = None) -> list[str]:
    """Print the table; answer what is not as promised."""
    end = last_end(int(datetime.now(UTC).timestamp()) * SECOND)
    results = []
    say(HEAD)
    for order in orders:
        for result in run_order(order, seeds, units, noise, end, dump):
            results.append(result)
            say(line(result))
    return failures(results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1-5", help="such as 1-5 or 3")
    parser.add_argument("--units", type=int, default=20_000)
    parser.add_argument("--noise", default="high")
    parser.add_argument("--orders", default=",".join(ORDERS))
    parser.add_argument("--dump", type=Path, help="folder for states and alerts as JSON lines, to compare orders that end differently")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the system that is up goes down, too
    first, _, last = asked.seeds.partition("-")
    said = run(range(int(first), int(last or first) + 1), asked.units, asked.noise, asked.orders.split(","), asked.dump)
    for sentence in said:
        say(f"✗ {sentence}")
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()

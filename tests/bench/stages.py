"""CPU microseconds per EPC-op of every stage, in one process and without a server: what an optimisation is measured with.

``python -m tests.bench.stages --units 40000``. A stream goes through router, tracker and the sink's cut of history, with an
in-memory store that is never asked (nothing is evicted). The digest printed is that of all partitions: what must not move.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from packtrace.bench.load import stream_named
from packtrace.codec import alert_record, history, ops
from packtrace.codec.ops_builder import OpsBuilder
from packtrace.contracts import schema_text
from packtrace.domain.reference import parse_file
from packtrace.ports import LogRecord, PartitionMeta
from packtrace.router.core import Core
from packtrace.simulator import world
from packtrace.simulator.encode import Encoder
from packtrace.simulator.messages import item_key
from packtrace.simulator.streams import LINES, Planted, Stream, messages
from packtrace.tracker.engine import OpsRecord, PartitionEngine, Step
from packtrace.tracker.lanes import Lanes

PARTITIONS = 16
SOURCES = 8
EVENTS_ID = 7
LOGGED_AFTER = 50_000
FOR_EVER = 1 << 62
YARDSTICK_ADDITIONS = 5_000_000
"""How fast the machine was just then: two runs compare by figures divided by this one."""


class Stages:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.seconds[name] += time.process_time() - begun


class Bench:
    """One stream through one router, one tracker of all partitions, and the decoding half of a sink."""

    def __init__(self, stream: Stream, router_batch: int, tracker_batch: int) -> None:
        self.planted = Planted()
        self.stages = Stages()
        self.facts = self.rows = self.history_bytes = self.records = 0
        self.rules: Counter[str] = Counter()
        self.alerted: set[str] = set()
        self.said = hashlib.sha256()
        self._router_batch = router_batch
        self._tracker_batch = tracker_batch
        site = parse_file(world.reference_file(world.demo_site(LINES)))
        reference = {f"{change.entity}|{change.key}": change.value_json for change in site if change.value_json is not None}
        meta = PartitionMeta(1, 0, 0, {}, {})
        lanes = Lanes()
        self.engines = [PartitionEngine(number, PARTITIONS, meta, reference, lanes) for number in range(PARTITIONS)]
        for engine in self.engines:
            engine.deadlines.take_in({}, {}, FOR_EVER)
        self._logs: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        encode = Encoder(EVENTS_ID).encode
        offsets: Counter[int] = Counter()
        self.events: list[LogRecord] = []
        last = 0
        for message in messages(stream, self.planted):
            partition = int(message.template.source.name.rpartition("-")[2]) % SOURCES
            last = max(last + 1, message.at + LOGGED_AFTER)
            self.events.append(
                LogRecord("events", partition, offsets[partition], message.template.source.key, encode(message), last // 1000 * 1000)
            )
            offsets[partition] += 1

    def run(self) -> None:
        core = Core(PARTITIONS, SOURCES)
        writers = {EVENTS_ID: schema_text("event.avsc")}
        clocks: dict[str, int] = {}
        for start in range(0, len(self.events), self._router_batch):
            batch = self.events[start : start + self._router_batch]
            with self.stages("router"):
                routed = core.route(batch, writers, clocks)
            assert not routed.rejected, routed.rejected[0]
            clocks |= {f"{topic}/{partition}": at for (topic, partition), at in routed.log_times.items()}
            for partition, body in routed.ops:
                self._logs[partition].append(body)
            self._track()
        while self._track():
            pass

    def _track(self) -> bool:
        """One round of the tracker's shell over all partitions; whether there was anything."""
        steps: list[Step] = []
        for engine in self.engines:
            waiting = self._logs[engine.partition][engine.offset : engine.offset + self._tracker_batch]
            if not waiting:
                continue
            self.records += len(waiting)
            with self.stages("tracker: decode"):
                batch = [OpsRecord(engine.offset + n, ops.decode(body)) for n, body in enumerate(waiting)]
            with self.stages("tracker: needs"):
                engine.needs(batch)
            with self.stages("tracker: fold"):
                steps.append(engine.apply(batch, {}))
        with self.stages("tracker: facts"):
            self._publish(steps)
        for step in steps:
            self._sink(step)
        return bool(steps)

    def _publish(self, steps: list[Step]) -> None:
        builders: dict[int, OpsBuilder] = {}
        for step in steps:
            source = f"ops/{step.commit.partition}"
            for fact in step.facts:
                builder = builders.get(fact.partition)
                if builder is None:
                    builder = builders[fact.partition] = OpsBuilder()
                builder.add_fact(builder.source(source), fact.offset, fact.nth, fact.fact)
            self.facts += len(step.facts)
        for target, builder in builders.items():
            self._logs[target] += builder.take()

    def _sink(self, step: Step) -> None:
        for body in step.history:
            self.history_bytes += len(body)
            self.said.update(body)
            with self.stages("sink: decode"):
                self.rows += history.decode(body).rows
        for alert in step.alerts:
            self.said.update(alert_record.encode(alert))
            self.rules[f"{alert.change.rule} {alert.change.status}"] += 1
            if alert.change.rule == "duplicate-commissioning":
                self.alerted.add(alert.change.item)
        self.said.update(msgspec.msgpack.encode(sorted(step.commit.items.items())))
        self.said.update(repr(sorted((key, sorted(entries.items())) for key, entries in step.commit.content.items())).encode())

    def digest(self) -> int:
        """Of all partitions."""
        return sum(engine._digest for engine in self.engines) % (1 << 64)

    def wrong(self) -> list[str]:
        """What the run did not do; a run with any has no figure."""
        found = []
        if self.rows < self.planted.operations + self.facts:
            found.append(f"{self.rows} rows of {self.planted.operations} ops and {self.facts} facts")
        expected = {item_key(epc) for epc in self.planted.duplicates}
        if self.alerted != expected:
            found.append(f"{len(self.alerted)} duplicates found of {len(expected)} planted")
        return found


def measured(stream: Stream, router_batch: int, tracker_batch: int, around: Callable[[Callable[[], None]], None] | None) -> dict[str, Any]:
    """One run; ``around`` calls it, for a profiler."""
    bench = Bench(stream, router_batch, tracker_batch)
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    if around is None:
        bench.run()
    else:
        around(bench.run)
    operations = bench.planted.operations
    yardstick = Stages()
    with yardstick("loop"):
        sum(number for number in range(YARDSTICK_ADDITIONS))
    return {
        "stream": stream.name,
        "operations": operations,
        "events": bench.planted.messages,
        "facts_per_op": round(bench.facts / operations, 3),
        "records": bench.records,
        "rows": bench.rows,
        "microseconds_per_op": {name: round(seconds / operations * 1e6, 2) for name, seconds in sorted(bench.stages.seconds.items())}
        | {"all": round(sum(bench.stages.seconds.values()) / operations * 1e6, 2)},
        "yardstick_nanoseconds": round(yardstick.seconds["loop"] / YARDSTICK_ADDITIONS * 1e9, 1),
        "history_bytes_per_row": round(bench.history_bytes / bench.rows, 1),
        "alerts": dict(bench.rules),
        "wrong": bench.wrong(),
        "digest": f"{bench.digest():016x}",
        "said": bench.said.hexdigest()[:16],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=40_000)
    parser.add_argument("--streams", default="S1,S2")
    parser.add_argument("--router-batch", type=int, default=4_000)
    parser.add_argument("--tracker-batch", type=int, default=64)
    parser.add_argument("--profile", type=int, default=0, help="lines of a profile by function")
    wanted = parser.parse_args()
    bad = False
    for name in wanted.streams.split(","):
        stream = stream_named(name, wanted.units)
        around = None
        if wanted.profile:
            import cProfile
            import pstats

            def around(run: Callable[[], None]) -> None:
                profile = cProfile.Profile()
                profile.runcall(run)
                pstats.Stats(profile).sort_stats("tottime").print_stats(wanted.profile)

        result = measured(stream, wanted.router_batch, wanted.tracker_batch, around)
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n")
        bad = bad or bool(result["wrong"])
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())

"""Faults for as long as wanted, while lines publish at a steady rate: ``python -m tests.crash.soak --minutes 20 --seed 1``.

Every 20 to 40 seconds a seed chooses what goes wrong: a service or a server killed, put to sleep or taken from the network. After each it
measures until everything captured by then is routed, applied and stored; at the end ``packtrace check``'s own function looks at everything. Exit 1 where an
invariant does not hold, where something took longer than 60 s to recover, or where a service's memory kept growing. The servers' memory
is told as well: Valkey grows with the items it holds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.cli.settled import STORED
from packtrace.errors import UnavailableError
from packtrace.ports import TopicPartition
from packtrace.simulator import world
from packtrace.simulator.encode import Encoder
from packtrace.simulator.streams import LINES, Planted, Stream, messages
from tests.crash.links import links_of, through
from tests.crash.test_wire import REQUESTS
from tests.crash.wire import Blackhole, Cut, Delay, DropAnswer, Fault, Link, Refuse, Wire
from tests.crash.works import SERVICES, Works
from tests.servers import Servers, free_port

RECOVERY_SECONDS_MAX = 60.0
RECOVERY_SECONDS_LATEST = 300.0
QUIET_SECONDS = (20.0, 40.0)
MEMORY_EVERY_SECONDS = 5.0
MEMORY_GROWTH_MAX = 1.25
"""Of the highest in the last third of the run, over the highest in the second: caches fill in the first."""
UNITS_OF_A_STREAM = 200_000
SERVERS = ("kafka", "registry", "valkey", "clickhouse")
ITEMS_CACHED_MAX = 100_000
SLICE_SECONDS = 0.05


class Lines:
    """Publishes streams of units at ``rate`` ops a second until ``stop``; an op is one item named by an event."""

    def __init__(self, works: Works, rate: int, seed: int) -> None:
        self._works, self._rate, self._seed = works, rate, seed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.events = self.operations = 0
        self.failed = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        encode = Encoder(self._works.ids["events-value"]).encode
        writer = KafkaWriter(self._works.kafka, full_seconds=120)
        begun, due = time.monotonic(), 0.0
        try:
            while not self._over.is_set():
                self._seed += 1
                for message in messages(Stream("S1", UNITS_OF_A_STREAM, seed=self._seed), Planted()):
                    writer.write("events", encode(message), key=message.template.source.key)
                    self.events += 1
                    self.operations += message.operations
                    if self.operations >= due:
                        due = self.operations + self._rate * SLICE_SECONDS
                        self._over.wait(max(begun + self.operations / self._rate - time.monotonic(), 0))
                        writer.poll()
                    if self._over.is_set():
                        break
            writer.flush(120)
        except UnavailableError as error:
            self.failed = str(error)
        finally:
            writer.close()


class Used(NamedTuple):
    """Resident megabytes of one process: at first, at last, at most, and the highest of each third of the run."""

    first: int
    last: int
    most: int
    thirds: tuple[int, int, int]


class Memory:
    """Resident megabytes of services and servers, every five seconds."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: dict[str, list[int]] = {name: [] for name in (*SERVICES, *SERVERS)}
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(MEMORY_EVERY_SECONDS):
            for name, seen in self.seen.items():
                with suppress(OSError, KeyError, StopIteration):
                    pid = self._works.server_pid(name) if name in SERVERS else self._works.running[name].pid
                    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
                    seen.append(int(next(line for line in status if line.startswith("VmRSS")).split()[1]) // 1024)

    def stop(self) -> dict[str, Used]:
        self._over.set()
        self._thread.join()
        found = {}
        for name, seen in self.seen.items():
            third = max(len(seen) // 3, 1)
            parts = (seen[:third], seen[third : 2 * third], seen[2 * third :])
            thirds = (max(parts[0], default=0), max(parts[1], default=0), max(parts[2], default=0))
            found[name] = Used(seen[0] if seen else 0, seen[-1] if seen else 0, max(seen, default=0), thirds)
        return found


class Storm:
    """What may go wrong; each returns when it is over."""

    def __init__(self, works: Works, links: dict[str, Link], seed: int) -> None:
        self._works, self._links = works, links
        self._random = random.Random(seed)

    def next(self) -> tuple[str, Callable[[], None]]:
        """Its name, and what does it."""
        service, link = self._random.choice(SERVICES), self._random.choice(tuple(REQUESTS))
        server = self._random.choice(("kafka", "valkey", "clickhouse"))
        seconds = self._random.uniform(3, 10)
        lines: dict[str, Fault] = {
            "refused": Refuse(), "silent": Blackhole(), "cut": Cut(3_000, reset=True), "slow": Delay(0.2, 0.2),
            "answers lost": DropAnswer(REQUESTS[link]),
        }  # fmt: skip
        line = self._random.choice(tuple(lines))
        choices: list[tuple[str, Callable[[], None]]] = [
            (f"kill {service}", lambda: self._kill(service)),
            (f"kill {server}", lambda: self._kill_server(server)),
            (f"stop {service} for {seconds + 8:.0f} s", lambda: self._sleep(service, seconds + 8)),
            (f"{server} asleep for {seconds:.0f} s", lambda: self._sleep_server(server, seconds)),
            (f"{link} {line} for {seconds:.0f} s", lambda: self._break(link, lines[line], seconds)),
            (f"a second {service}", lambda: self._guest(service, seconds)),
        ]
        return self._random.choice(choices)

    def _kill(self, name: str) -> None:
        self._works.signal(name, signal.SIGKILL)
        self._works.ended(name)
        self._works.start(name)

    def _kill_server(self, name: str) -> None:
        os.kill(self._works.server_pid(name), signal.SIGKILL)

    def _sleep(self, name: str, seconds: float) -> None:
        self._works.signal(name, signal.SIGSTOP)
        time.sleep(seconds)
        self._works.signal(name, signal.SIGCONT)

    def _sleep_server(self, name: str, seconds: float) -> None:
        pid = self._works.server_pid(name)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def _break(self, name: str, fault: Fault, seconds: float) -> None:
        with self._links[name].broken(fault):
            time.sleep(seconds)

    def _guest(self, name: str, seconds: float) -> None:
        self._works.start(name, instance="-guest")
        time.sleep(seconds)
        self._works.stop(f"{name}-guest")


def say(**told: object) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201


def recovery(works: Works) -> list[float]:
    """Seconds until what is captured now is routed, until the ops it became are applied, and until what they became is stored."""
    positions = works.positions()
    took: list[float] = []
    end = time.monotonic() + RECOVERY_SECONDS_LATEST

    def until(what: str, behind: Callable[[], bool]) -> None:
        begun = time.monotonic()
        while True:
            works.keep()
            with suppress(UnavailableError):
                if not behind():
                    break
            if time.monotonic() > end:
                raise AssertionError(f"not {what} after {RECOVERY_SECONDS_LATEST:g} s")
            time.sleep(0.2)
        took.append(round(time.monotonic() - begun, 1))

    def ends(*topics: str) -> dict[str, dict[TopicPartition, int]]:
        while time.monotonic() < end:
            with suppress(UnavailableError):
                return {topic: positions.ends(topic) for topic in topics}
            time.sleep(0.2)
        raise AssertionError(f"nobody says where {', '.join(topics)} end")

    def passed(wanted: dict[TopicPartition, int], reached: dict[TopicPartition, int]) -> bool:
        return all(reached.get(partition, 0) >= offset for partition, offset in wanted.items())

    try:
        captured = ends("events")["events"]
        until("routed", lambda: not passed(captured, positions.routed("events")))
        ops = ends("ops")["ops"]
        until("applied", lambda: not all(positions.tracked()[place.partition].offset >= offset for place, offset in ops.items()))
        told = ends(*STORED)
        until("stored", lambda: not all(passed(wanted, positions.stored(topic)) for topic, wanted in told.items()))
    finally:
        positions.close()
    return took


def soak(works: Works, links: dict[str, Link], minutes: float, rate: int, seed: int, with_fold: bool) -> bool:
    """Whether all was well."""
    works.through = through(works, links) | {
        "tick_seconds": "1", "sink_idle_seconds": "0.25", "router_batch_records": "10000", "tracker_batch_records": "256",
        "tracker_items_cached_max": str(ITEMS_CACHED_MAX),
    }  # fmt: skip
    works.load(world.reference_file(world.demo_site(LINES)))
    works.start(*SERVICES)
    lines, memory, storm = Lines(works, rate, seed), Memory(works), Storm(works, links, seed)
    wait = random.Random(f"wait/{seed}")
    recoveries: list[float] = []
    begun = time.monotonic()
    lines.start()
    try:
        while time.monotonic() - begun < minutes * 60:
            time.sleep(wait.uniform(*QUIET_SECONDS))
            name, fault = storm.next()
            fault()
            over = time.monotonic()
            parts = recovery(works)
            recoveries.append(time.monotonic() - over)
            say(
                second=round(over - begun), fault=name, recovery_seconds=round(recoveries[-1], 1), events=lines.events, ops=lines.operations,
                routed_applied_stored=parts,
            )  # fmt: skip
    finally:
        lines.stop()
        used = memory.stop()
    seconds = time.monotonic() - begun
    say(megabytes={name: one._asdict() for name, one in used.items()}, ended_and_started_again=works.restarts)
    works.assert_nothing_lost_or_twice(with_fold=with_fold)
    grown = [name for name in SERVICES if used[name].thirds[2] > used[name].thirds[1] * MEMORY_GROWTH_MAX]
    slow = [one for one in recoveries if one > RECOVERY_SECONDS_MAX]
    say(
        seconds=round(seconds), events_per_second=round(lines.events / seconds), ops_per_second=round(lines.operations / seconds),
        faults=len(recoveries), slowest_recovery_seconds=round(max(recoveries, default=0), 1), grown=grown,
        invariants="hold", checked_seconds=round(time.monotonic() - begun - seconds), failed=lines.failed,
    )  # fmt: skip
    return not (grown or slow or lines.failed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.crash.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=int, default=2_000, help="ops a second; one item named by an event is one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fold", action="store_true", help="compare with the plain fold over ops too; takes as long again")
    words = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="packtrace-soak-"))
    proxied = free_port(), free_port()
    servers, wire = Servers(home, "embedded", proxied), Wire()
    works = None
    try:
        works = Works(home, servers, proxied)
        return 0 if soak(works, links_of(works, wire), words.minutes, words.rate, words.seed, words.fold) else 1
    finally:
        if works is not None:
            works.end()
        wire.close()
        servers.stop()


if __name__ == "__main__":
    sys.exit(main())

"""The router's process between a real Kafka and a real registry: killed, started again, drained."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.adapters.registry import register_all
from packtrace.codec import event_avro, reference_record, rejected_record, wire
from packtrace.codec.raw_event import RawEvent
from packtrace.codec.reference_record import ReferenceRecord
from packtrace.contracts import topics
from packtrace.domain.identifiers import partition_of
from packtrace.domain.reference import ReferenceChange
from packtrace.domain.vocabulary import Reject, Role
from tests.router.seen import Op, clocks_of, ops_of, packing, reference_of, scan
from tests.servers import free_port

pytestmark = pytest.mark.contract

WAIT_SECONDS = 60.0
GROUP = "packtrace-router"


class System:
    """A broker, a registry, and the router's process."""

    def __init__(self, kafka: str, registry: str, home: Path) -> None:
        self.kafka, self.registry, self.home = kafka, registry, home
        self.admin = KafkaAdmin(kafka)
        self.admin.create_topics()
        self.ids = register_all(registry)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.mark = uuid.uuid4().hex[:8]

    def start(self, **settings: str) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PACKTRACE_")}
        environment |= {"PACKTRACE_KAFKA": self.kafka, "PACKTRACE_REGISTRY": self.registry, "PACKTRACE_HOME": str(self.home)}
        environment |= {f"PACKTRACE_{name.upper()}": value for name, value in settings.items()}
        process = subprocess.Popen([sys.executable, "-m", "packtrace.router"], env=environment, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def publish(self, values: list[RawEvent | bytes | None]) -> None:
        writer = KafkaWriter(self.kafka)
        for value in values:
            framed = wire.frame(self.ids["events-value"], event_avro.encode(value)) if isinstance(value, RawEvent) else value
            writer.write("events", framed, key=self.mark.encode())
        writer.flush(WAIT_SECONDS)
        writer.close()

    def load(self, change: ReferenceChange) -> None:
        writer = KafkaWriter(self.kafka)
        body = reference_record.encode(ReferenceRecord(change, 1))
        writer.write("reference", wire.frame(self.ids["reference-value"], body), key=reference_record.record_key(change))
        writer.flush(WAIT_SECONDS)
        writer.close()

    def routed(self) -> bool:
        ends = {partition: end for partition, end in self.admin.end_offsets(["events", "reference"]).items() if end}
        committed = self.admin.committed(GROUP, ["events", "reference"])
        return all(committed.get(partition) == end for partition, end in ends.items())

    def bodies(self, topic: str) -> dict[int, list[bytes]]:
        """Avro bodies per partition, all there are."""
        ends = self.admin.end_offsets([topic])
        left = sum(ends.values())
        reader = KafkaReader(self.kafka, f"test-{uuid.uuid4().hex}")
        reader.subscribe([topic], lambda _: None, lambda _: None)
        found: dict[int, list[bytes]] = {partition.partition: [] for partition in ends}
        deadline = time.monotonic() + WAIT_SECONDS
        while left > 0 and time.monotonic() < deadline:
            for record in reader.poll(10_000, 0.2):
                found[record.partition].append(wire.unframe(record.value)[1])
                left -= 1
        reader.close()
        assert left <= 0
        return found

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait(10)
        self.admin.close()


@pytest.fixture
def system(kafka_server: str, registry_server: str, tmp_path: Path) -> Iterator[System]:
    one = System(kafka_server, registry_server, tmp_path)
    yield one
    one.stop()


def until(done: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def above_watermarks(bodies: list[bytes]) -> list[Op]:
    """What a tracker keeps of a partition."""
    seen: dict[str, tuple[int, int]] = {}
    kept = []
    for op in ops_of(bodies):
        if (op.offset, op.nth) > seen.get(op.source, (-1, -1)):
            seen[op.source] = (op.offset, op.nth)
            kept.append(op)
    return kept


def test_a_killed_router_routes_everything_once_to_its_place_and_drains_on_sigterm(system: System) -> None:
    now = time.time_ns() // 1000
    serials = [f"{system.mark}{n:03d}".upper() for n in range(200)]
    values: list[RawEvent | bytes | None] = [scan(s, id=f"{system.mark}-{s}", event_time=now) for s in serials]
    values += [packing(n, serials[n * 50 : n * 50 + 50], id=f"{system.mark}-pack-{n}") for n in range(4)]
    values[17:17] = [b"hello", None, wire.frame(999_999, b"x"), scan("1", id=f"{system.mark}-future", event_time=3_786_912_000_000_000)]
    system.load(ReferenceChange("operator", system.mark, f'{{"id":"{system.mark}","qualified_until":"2030-01-01"}}'))
    system.load(ReferenceChange("operator", f"{system.mark}-bad", "{}"))
    system.publish(values)

    killed = system.start(crash_at="router.after_write:1", instance="router-0", router_batch_records="60")
    assert killed.wait(WAIT_SECONDS) == 137
    started = system.start(instance="router-0")
    until(system.routed)
    time.sleep(3)  # two ticks after the last record: sources without any tell their clock too
    started.terminate()
    assert started.wait(10) == 0

    ops = system.bodies("ops")
    found = [(partition, op) for partition, bodies in ops.items() for op in above_watermarks(bodies) if op.id.startswith(system.mark)]
    assert len(found) == 200 + 4 * 51
    assert all(partition_of(op.item, topics()["ops"].partitions) == partition for partition, op in found)
    assert sorted(op.id for _, op in found if op.role == Role.ITEM) == sorted(f"{system.mark}-{s}" for s in serials)
    assert len({(op.source, op.offset, op.nth) for _, op in found}) == len(found)

    for partition, bodies in ops.items():
        known = [row for row in reference_of(bodies) if row.key.startswith(system.mark)]
        assert {row.key for row in known} == {system.mark}, partition
        clocks: dict[str, int] = {}
        for body in bodies:
            clocks |= clocks_of(body)
        assert len(clocks) == topics()["events"].partitions
        assert min(clocks.values()) > now - 2_000_000

    rejected = [rejected_record.decode(body) for bodies in system.bodies("rejected").values() for body in bodies]
    mine = {
        (one.topic, one.partition, one.offset): one
        for one in rejected
        if one.key in (system.mark.encode(), f"operator/{system.mark}-bad".encode())
    }
    assert sorted(one.reason for one in mine.values()) == sorted(
        [Reject.NO_RECORD, Reject.TOMBSTONE, Reject.UNKNOWN_SCHEMA, Reject.FUTURE_TIME, Reject.BAD_REFERENCE]
    )


def test_readyz_follows_what_happens(system: System) -> None:
    port = free_port()
    system.start(http_port=str(port), instance="router-0")

    def readyz() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    until(lambda: readyz()[0] == 200)
    system.publish([b"x"] * 5)
    until(lambda: "of the records of the last minute were rejected" in readyz()[1])

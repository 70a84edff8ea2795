"""The scan of a log, outside of every group: one suite for the fake and for a real Kafka."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.kafka_scan import KafkaScan
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.adapters.log_memory import MemoryLog, MemoryScan, MemoryWriter
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import LogScan, LogWriter, TopicPartition

pytestmark = pytest.mark.contract

PLACE = TopicPartition("history", 0)


@pytest.fixture(params=["memory", "kafka"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[LogScan, LogWriter]]:
    if request.param == "memory":
        log = MemoryLog()
        yield MemoryScan(log), MemoryWriter(log)
        return
    server = request.getfixturevalue("kafka_server")
    KafkaAdmin(server).create_topics()
    scan, writer = KafkaScan(server), KafkaWriter(server)
    for _ in range(100):  # a topic just made has no leader at first
        with contextlib.suppress(UnavailableError):
            scan.ends(PLACE)
            break
        time.sleep(0.1)
    yield scan, writer
    scan.close()
    writer.close()


def test_a_range_is_read_whole_and_in_order(both: tuple[LogScan, LogWriter]) -> None:
    scan, writer = both
    _, first = scan.ends(PLACE)
    for number in range(2_500):
        writer.write("history", str(number).encode(), key=b"k", partition=0)
    writer.flush(30)
    assert scan.ends(PLACE)[1] == first + 2_500
    found = list(scan.records(PLACE, first + 10, first + 2_400))
    assert [record.offset - first for record in found] == list(range(10, 2_400))
    assert found[0].value == b"10"
    assert (found[0].topic, found[0].partition, found[0].key) == ("history", 0, b"k")
    assert found[0].log_time > 10**15
    assert list(scan.records(PLACE, first + 7, first + 7)) == []


def test_what_retention_took_is_told(both: tuple[LogScan, LogWriter]) -> None:
    scan, _ = both
    with pytest.raises(RefusedError, match="begins at offset"):
        list(scan.records(PLACE, -1, 5))

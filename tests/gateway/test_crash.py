"""Killed between any two effects, the gateway has claimed nothing that is not in the log, and the sender's repeat completes it."""

from __future__ import annotations

import http.client
import io
import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest

from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.registry import register_all
from packtrace.errors import UnavailableError
from packtrace.ports import TopicPartition
from tests.gateway.asgi import EVENT_SCHEMA, event
from tests.gateway.process import Process

pytestmark = pytest.mark.crash


@pytest.fixture
def gateway(kafka_server: str, registry_server: str, tmp_path: Path) -> Iterator[Process]:
    KafkaAdmin(kafka_server).create_topics()
    register_all(registry_server)
    process = Process(tmp_path, kafka_server, registry_server)
    try:
        yield process
    finally:
        process.stop()


def _end(reader: KafkaReader, number: int) -> int:
    """The end of a partition of events; one that was just created may be without a leader for a moment."""
    for _ in range(100):
        try:
            return reader.watermarks(TopicPartition("events", number))[1]
        except UnavailableError:
            time.sleep(0.1)
    return reader.watermarks(TopicPartition("events", number))[1]


class Log:
    """What is on ``events`` since it was opened."""

    def __init__(self, kafka: str) -> None:
        self._reader = KafkaReader(kafka, f"test-{uuid.uuid4()}")
        ends = {TopicPartition("events", number): _end(self._reader, number) for number in range(8)}
        self._reader.subscribe(["events"], lambda given: {partition: ends[partition] for partition in given}, lambda taken: None)

    def ids(self) -> Counter[str]:
        """How often each event id is there; reads until a while brings nothing."""
        found: Counter[str] = Counter()
        idle = 0
        while idle < 8:
            records = self._reader.poll(1000, 0.5)
            idle = 0 if records else idle + 1
            for record in records:
                assert record.value is not None
                decoded: Any = fastavro.schemaless_reader(io.BytesIO(record.value[5:]), EVENT_SCHEMA, None)
                found[decoded["id"]] += 1
        self._reader.close()
        return found


# fmt: off
POINTS = [
    #  killed                     copies in the log after the repeat
    ("gateway.before_publish",    1),
    ("gateway.after_publish",     2),
    ("gateway.after_receipt",     1),
]
# fmt: on


def own_events(run: str) -> Any:
    return [event(number, id=f"urn:{run}:{number}") for number in range(20)]


def epcis_document(run: str) -> Any:
    shipped = {"type": "ObjectEvent", "eventTime": "2026-11-22T10:00:00Z", "eventTimeZoneOffset": "+01:00", "action": "OBSERVE"}
    events = [
        shipped | {"eventID": f"urn:{run}:{number}", "epcList": [f"urn:epc:id:sgtin:9506000.013435.A{number}"]} for number in range(20)
    ]
    return {"type": "EPCISDocument", "schemaVersion": "2.0", "epcisBody": {"eventList": events}}


@pytest.mark.parametrize("make", [own_events, epcis_document])
@pytest.mark.parametrize(("point", "copies"), POINTS)
def test_killed_between_two_effects(gateway: Process, kafka_server: str, point: str, copies: int, make: Callable[[str], Any]) -> None:
    log = Log(kafka_server)
    run = uuid.uuid4().hex
    body = make(run)
    gateway.start(crash_at=point)
    with pytest.raises((OSError, http.client.HTTPException)):
        gateway.ask("POST", "/capture", body)
    assert gateway.ended() == 137
    gateway.start()
    answer = gateway.ask("POST", "/capture", body)
    assert (answer.status, answer.body["accepted"]) == (202, 20)
    assert gateway.ask("GET", f"/capture/{answer.body['capture']}").body == answer.body
    assert gateway.terminate() == 0
    found = log.ids()
    assert found == {f"urn:{run}:{number}": copies for number in range(20)}, "the tracker drops a second copy by its id"


def test_a_stop_answers_what_was_taken_and_exits_with_0(gateway: Process) -> None:
    gateway.start()
    assert gateway.ask("POST", "/events", event(1)).status == 202
    assert gateway.terminate() == 0


def test_a_second_one_on_the_same_port_is_told_so(gateway: Process) -> None:
    gateway.start()
    again = subprocess.run(
        [sys.executable, "-m", "packtrace.gateway"],
        env={"PACKTRACE_GATEWAY_PORT": str(gateway.port), "PACKTRACE_HOME": str(gateway.home)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert again.returncode == 2
    assert again.stderr.startswith(f"port {gateway.port} on 127.0.0.1 cannot be used")


# fmt: off
BINDS = [
    ("0.0.0" ".0",      2),
    ("192.0.2.1",       2),
    ("::",              2),
    ("example.com",     2),
]
# fmt: on


@pytest.mark.parametrize(("host", "code"), BINDS)
def test_an_open_bind_is_refused(host: str, code: int, tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "packtrace.gateway"],
        env={"PACKTRACE_GATEWAY_HOST": host, "PACKTRACE_HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert refused.returncode == code
    assert "the gateway has no authentication" in refused.stderr
    assert json.dumps(host)[1:-1] in refused.stderr

"""The attack set against a gateway as it runs: refused within seconds, in little memory, while others are served."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.registry import register_all
from tests.codec.epcis.test_reading import ATTACKS, EVENT, json_document
from tests.gateway.process import Process

pytestmark = pytest.mark.contract

MIB = 1024 * 1024
ATTACK_SECONDS_MAX = 5.0
ATTACK_BYTES_MAX = 128 * MIB
"""Of memory, above what the process holds at rest: the body, at most 10 MiB, is held once as it came and once in pieces."""
SLOW = 200
SLOW_SECONDS = 2
SLOW_BYTES_MAX = 64 * MIB


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, kafka_server: str, registry_server: str) -> Iterator[Process]:
    KafkaAdmin(kafka_server).create_topics()
    register_all(registry_server)
    one = Process(tmp_path_factory.mktemp("gateway"), kafka_server, registry_server)
    one.start(gateway_body_seconds=str(SLOW_SECONDS))
    assert good(one, 0) < ATTACK_SECONDS_MAX
    yield one
    one.terminate()


def memory(process: Process, name: str) -> int:
    """``VmRSS``: now; ``VmHWM``: the most since ``forget``."""
    lines = (Path("/proc") / str(process.pid) / "status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name))) * 1024


def forget(process: Process) -> None:
    (Path("/proc") / str(process.pid) / "clear_refs").write_text("5", encoding="ascii")


def post(process: Process, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)
    media_type = "application/xml" if body.lstrip().startswith(b"<") else "application/ld+json"
    with contextlib.closing(connection):
        connection.request("POST", "/capture", body, {"Content-Type": media_type})
        answer = connection.getresponse()
        return answer.status, answer.read()


def good(process: Process, number: int) -> float:
    """Seconds until a good document is accepted."""
    begun = time.perf_counter()
    event = EVENT | {"eventID": f"urn:uuid:{time.time_ns()}-{number}"}
    status, _ = post(process, json_document(event, event | {"bizStep": "receiving"}))
    assert status == 202
    return time.perf_counter() - begun


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_costs_little_time_and_memory(process: Process, name: str) -> None:
    body = b"".join(ATTACKS[name]())[: 10 * MIB]
    forget(process)
    before = memory(process, "VmRSS")
    begun = time.perf_counter()
    status, answer = post(process, body)
    seconds = time.perf_counter() - begun
    grown = memory(process, "VmHWM") - before
    print(f"{name}: {len(body) / MIB:.1f} MiB, {status}, {seconds:.2f} s, +{grown / MIB:.0f} MiB")  # noqa: T201
    assert 400 <= status < 500
    assert json.loads(answer)["detail"]
    assert seconds < ATTACK_SECONDS_MAX
    assert grown < ATTACK_BYTES_MAX
    assert good(process, 1) < ATTACK_SECONDS_MAX


def test_two_hundred_slow_bodies_are_given_up_while_others_are_served(process: Process) -> None:
    head = b"POST /capture HTTP/1.1\r\nHost: x\r\nContent-Type: application/ld+json\r\nContent-Length: 100000\r\n\r\n{"
    forget(process)
    before = memory(process, "VmRSS")
    slow = [socket.create_connection(("127.0.0.1", process.port), timeout=10) for _ in range(SLOW)]
    try:
        begun = time.monotonic()
        for one in slow:
            one.sendall(head)
        served = 0
        while time.monotonic() - begun < SLOW_SECONDS - 0.5:
            for one in slow:
                one.sendall(b" ")
            assert good(process, served) < 2
            served += 1
            time.sleep(0.2)
        answers = [one.recv(65_536).partition(b"\r\n")[0] for one in slow]
        seconds = time.monotonic() - begun
    finally:
        for one in slow:
            one.close()
    grown = memory(process, "VmHWM") - before
    print(f"{SLOW} slow bodies: all answered after {seconds:.1f} s, {served} good documents meanwhile, +{grown / MIB:.0f} MiB")  # noqa: T201
    assert set(answers) == {b"HTTP/1.1 408 Request Timeout"}
    assert served > 1
    assert seconds < SLOW_SECONDS + 5
    assert grown < SLOW_BYTES_MAX

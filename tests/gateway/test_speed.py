"""How fast EPCIS is captured over HTTP, by one gateway process on a real log: EPC/s by wall clock and by core, peak memory."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.registry import register_all
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent, Place
from tests.codec.epcis.documents import WAYS
from tests.gateway.process import Process

pytestmark = pytest.mark.bench

RUN = int(time.time())
EPC_PER_SECOND_LEAST = 20_000
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, kafka_server: str, registry_server: str) -> Iterator[Process]:
    KafkaAdmin(kafka_server).create_topics()
    register_all(registry_server)
    one = Process(tmp_path_factory.mktemp("gateway"), kafka_server, registry_server)
    one.start(gateway_body_bytes=str(300 * MEBIBYTE), gateway_events="1000000", gateway_body_seconds="600")
    yield one
    one.terminate()


def document(way: str, turn: int, events: int, epcs: int, ids: bool = True) -> bytes:
    """Shipments of ``epcs`` packs each; every run has serials of its own."""
    place = Place("urn:epc:id:sgln:9506000.10000.0")
    shipped = [
        EpcisEvent(
            "ObjectEvent", "2026-11-22T10:00:00Z", "+01:00", action="OBSERVE", biz_step="shipping", disposition="in_transit",
            event_id=f"urn:uuid:{RUN}-{way}-{turn}-{number}" if ids else "", location=place,
            epcs=tuple(f"urn:epc:id:sgtin:9506000.013435.{RUN % 100_000}{turn}A{number}B{pack}" for pack in range(epcs)),
        )
        for number in range(events)
    ]  # fmt: skip
    return WAYS[way](Document("EPCISDocument", "2.0", "2026-11-22T10:00:00Z"), shipped)


def used(process: Process) -> tuple[float, int]:
    """(CPU seconds so far, most bytes of memory ever held) of the gateway."""
    assert process._running is not None
    folder = Path("/proc") / str(process._running.pid)
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    peak = next(line.split()[1] for line in (folder / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak) * 1024


def post(process: Process, body: bytes, way: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=600)
    connection.request("POST", "/capture", body, {"Content-Type": "application/ld+json" if way == "json" else "application/xml"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["rejected"] == 0, answer
    return int(answer["accepted"])


@pytest.mark.parametrize("way", ["json", "xml-2.0", "xml-1.2"])
@pytest.mark.parametrize(
    ("documents", "events", "epcs", "ids"),
    [(1, 200, 1_000, True), (1, 2, 100_000, True), (50, 100, 40, True), (30, 100, 1, True), (1, 200, 1_000, False)],
)
def test_capture_speed(process: Process, way: str, documents: int, events: int, epcs: int, ids: bool) -> None:
    bodies = [document(way, turn, events, epcs, ids) for turn in range(documents)]
    before, _ = used(process)
    started = time.perf_counter()
    accepted = sum(post(process, body, way) for body in bodies)
    seconds = time.perf_counter() - started
    after, peak = used(process)
    assert accepted == documents * events
    serials = documents * events * epcs
    print(  # noqa: T201
        f"\n{way}: {documents} x {events} events x {epcs} EPCs{'' if ids else ', no ids'}, {sum(map(len, bodies)) / MEBIBYTE:.1f} MiB: "
        f"{seconds:.2f} s, {serials / seconds:,.0f} EPC/s, {serials / (after - before):,.0f} EPC per CPU second, "
        f"{documents * events / seconds:,.0f} events/s, peak {peak / MEBIBYTE:.0f} MiB"
    )


def test_a_document_of_hundreds_of_mebibytes(process: Process) -> None:
    _, before = used(process)
    body = document("xml-1.2", 9, 4_000, 1_000)
    started = time.perf_counter()
    assert post(process, body, "xml-1.2") == 4_000
    seconds = time.perf_counter() - started
    _, peak = used(process)
    print(  # noqa: T201
        f"\n{len(body) / MEBIBYTE:.0f} MiB, 4,000,000 EPCs: {seconds:.1f} s, {4_000_000 / seconds:,.0f} EPC/s, peak {peak / MEBIBYTE:.0f} MiB (before {before / MEBIBYTE:.0f})"
    )
    assert peak < 600 * MEBIBYTE

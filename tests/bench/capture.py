"""How fast EPCIS is captured over HTTP: ``python -m tests.bench.capture --runs 3 --json capture.json``.

One gateway process on a real broker and registry; every document is checked, written and acknowledged before it is answered, and
what is counted are the EPCs that the answers accept. Medians. A core-second is one of user or system time of the gateway process, all
its threads (HTTP, checking, the Kafka client, waiting for a lock of its own counted as nothing): EPC per core-second is what one core
accepts, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.registry import register_all
from packtrace.bench.usage import MIB, of_process
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent, Pair, Place
from packtrace.domain.dates import time_text
from packtrace.telemetry import configure
from tests.codec.epcis.documents import WAYS
from tests.gateway.process import Process
from tests.servers import Servers

RUN = int(time.time())
SENDERS = 4
_open = threading.local()
START = 1_795_341_600_000_000


class Case(NamedTuple):
    """One shape of load: so many documents, ``SENDERS`` at a time, a connection each."""

    name: str
    documents: int
    events: int
    epcs: int


# fmt: off
CASES = (
    #    name                                   documents  events  EPCs of each
    Case("100 events of one EPC",                    200,      100,        1),
    Case("100 events of 40 EPCs",                    40,      100,       40),
    Case("200,000 EPCs in 200,000 events",            1,  200_000,        1),
    Case("200,000 EPCs in 200 events",                1,      200,    1_000),
    Case("200,000 EPCs in 2 events",                  1,        2,  100_000),
    Case("4,000,000 EPCs in 4,000 events",            1,    4_000,    1_000),
)
# fmt: on
LARGE = CASES[-1]
"""Some 250 MiB: only where it is asked for by its name."""


def document(way: str, turn: int, case: Case, ids: bool) -> bytes:
    """Shipments, each at its own time; every run has serials of its own."""
    shipped = [
        EpcisEvent(
            "ObjectEvent", time_text(START + number * 317_000), "+01:00", action="OBSERVE", biz_step="shipping", disposition="in_transit",
            event_id=f"urn:uuid:{RUN}-{way}-{turn}-{number}" if ids else "",
            epcs=tuple(f"urn:epc:id:sgtin:9506000.013435.{RUN % 100_000}{turn}A{number}B{pack}" for pack in range(case.epcs)),
            read_point=Place("urn:epc:id:sgln:9506000.10000.DOCK1"), location=Place("urn:epc:id:sgln:9506000.10000.0"),
            transactions=(Pair("desadv", "urn:epcglobal:cbv:bt:9506000100005:4711"),),
        )
        for number in range(case.events)
    ]  # fmt: skip
    return WAYS[way](Document("EPCISDocument", "2.0", "2026-11-22T10:00:00Z"), shipped)


def post(port: int, body: bytes, way: str) -> int:
    """Accepted events of one document; each sender keeps its connection."""
    connection = getattr(_open, "connection", None)
    if connection is None:
        connection = _open.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("POST", "/capture", body, {"Content-Type": "application/ld+json" if way == "json" else "application/xml"})
    answer = json.loads(connection.getresponse().read())
    assert answer["rejected"] == 0, answer["events"][:3]
    return int(answer["accepted"])


def peak_bytes(pid: int) -> int:
    """The most memory held since ``forget_peak``."""
    lines = (Path("/proc") / str(pid) / "status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024


def forget_peak(pid: int) -> None:
    (Path("/proc") / str(pid) / "clear_refs").write_text("5", encoding="ascii")


def measured(process: Process, case: Case, way: str, ids: bool, run: int) -> dict[str, float]:
    """One run of one case."""
    bodies = [document(way, run * 1_000 + turn, case, ids) for turn in range(case.documents)]
    forget_peak(process.pid)
    before = of_process(process.pid)
    begun = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as senders:
        accepted = sum(senders.map(lambda body: post(process.port, body, way), bodies))
    seconds = time.perf_counter() - begun
    core_seconds = of_process(process.pid).cpu_seconds - before.cpu_seconds
    assert accepted == case.documents * case.events
    epcs = accepted * case.epcs
    return {
        "epcs": epcs,
        "mib": round(sum(map(len, bodies)) / MIB, 1),
        "epc_per_second": round(epcs / seconds),
        "epc_per_core_second": round(epcs / core_seconds),
        "resident_mib": round(before.resident_bytes / MIB),
        "peak_mib": round(peak_bytes(process.pid) / MIB),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.capture", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--json", type=Path, help="where all figures go")
    words = parser.parse_args(arguments)
    configure("capture", "error")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = []
    with tempfile.TemporaryDirectory(prefix="packtrace-capture-") as folder:
        servers = Servers(Path(folder), "embedded")
        try:
            kafka, registry = servers.address("kafka"), servers.address("registry")
            KafkaAdmin(kafka).create_topics()
            register_all(registry)
            process = Process(Path(folder) / "gateway", kafka, registry)
            process.start(gateway_body_bytes=str(300 * MIB), gateway_events="1000000", gateway_body_seconds="600")
            try:
                measured(process, CASES[0], "json", True, 999)
                for case in CASES:
                    for way in words.ways if words.only in case.name and (words.only or case is not LARGE) else ():
                        for ids in (True, False):
                            found = [measured(process, case, way, ids, run) for run in range(words.runs)]
                            medians = {name: statistics.median(one[name] for one in found) for name in found[0]}
                            rows.append({"case": case.name, "way": way, "ids": ids, **medians, "runs": found})
                            print(  # noqa: T201
                                f"{case.name:32} {way:8} {'ids' if ids else 'hash':5} {medians['mib']:6.1f} MiB"
                                f"{medians['epc_per_core_second']:10,.0f} EPC a core-second{medians['epc_per_second']:10,.0f} EPC/s"
                                f"  peak {medians['peak_mib']:.0f} MiB (before {medians['resident_mib']:.0f})",
                                flush=True,
                            )
            finally:
                process.terminate()
        finally:
            servers.stop()
    if words.json:
        words.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

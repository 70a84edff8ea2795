"""Latency and answers are taken as they happen: an alert counts from its event's acknowledgement, an answer from its question."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fastavro
import msgspec
import pytest

from packtrace.adapters.log_memory import MemoryLog, MemoryReader, MemoryWriter
from packtrace.bench.answers import Question, ask
from packtrace.bench.latency import Watcher, latency, send, stream
from packtrace.bench.load import prepare
from packtrace.contracts import schema_text
from packtrace.simulator.latency import event_id


def alert_of(event: str) -> bytes:
    """A record of ``alerts`` that names an event; every other field is empty."""
    schema = msgspec.json.decode(schema_text("alert.avsc"))
    empty = {"string": "", "long": 0, "int": 0}
    record = {field["name"]: empty.get(field["type"]) if isinstance(field["type"], str) else None for field in schema["fields"]}
    for field in schema["fields"]:
        if isinstance(field["type"], dict):
            record[field["name"]] = {} if field["type"]["type"] == "map" else [] if field["type"]["type"] == "array" else 0
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record | {"id": f"alert of {event}", "events": [event]})
    return b"\0\0\0\0\1" + out.getvalue()


def test_an_alert_counts_from_its_events_acknowledgement() -> None:
    log = MemoryLog({"events": 1, "alerts": 1})
    load = prepare(stream(400), 7)
    watcher = Watcher(MemoryReader(log, "bench"))
    assert watcher.start(5)
    late = [event_id(value) for _, value in load.records][-20:]
    acknowledged = send(load, MemoryWriter(log), 40_000, lambda number: None)
    assert len(acknowledged) == len({event_id(value) for _, value in load.records})
    time.sleep(0.05)
    answers = MemoryWriter(log)
    for event in late:
        answers.write("alerts", alert_of(event))
    answers.flush(1)
    end = time.monotonic() + 5
    while len(watcher.seen) < len(late) and time.monotonic() < end:
        time.sleep(0.01)
    watcher.close()
    one = latency(0.2, load, 1.0, acknowledged, watcher.seen, len(late) + 1)
    assert (one.alerts, one.missing) == (len(late), 1)
    assert 50 <= one.p50 <= one.p99 <= one.max


class Slow(BaseHTTPRequestHandler):
    """Answers after 20 ms; what it does not know is not there."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(0.02)
        self.send_response(404 if "nobody" in self.path else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.contract
def test_many_clients_share_the_questions_and_wrong_answers_are_counted(address: str) -> None:
    one = ask(address, Question("someone", ["/items/a", "/items/nobody"], 16), 4, 10)
    assert (one.answers, one.wrong, one.clients) == (16, 8, 4)
    assert 20 <= one.p50 <= one.p99 <= one.max
    assert one.per_second > 60


@pytest.mark.contract
def test_a_question_stops_when_its_time_is_over(address: str) -> None:
    one = ask(address, Question("someone", ["/items/a"], 1_000_000), 2, 0.2)
    assert 2 <= one.answers < 100


@pytest.mark.contract
def test_no_answer_is_a_wrong_answer() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.server_close()
    one = ask(f"http://127.0.0.1:{server.server_address[1]}", Question("someone", ["/items/a"], 4), 2, 10)
    assert (one.answers, one.wrong) == (4, 4)

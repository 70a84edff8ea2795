"""Row 36: what is set up wrongly ends the process within 5 s, with one sentence that names the variable or the thing, and no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.crash, pytest.mark.sweep]

SECONDS_MAX = 5.0
NOBODY = {
    "PACKTRACE_KAFKA": "127.0.0.1:1",
    "PACKTRACE_REGISTRY": "http://127.0.0.1:1",
    "PACKTRACE_REDIS": "redis://127.0.0.1:1",
    "PACKTRACE_CLICKHOUSE": "http://127.0.0.1:1",
}
SERVICES = ("router", "tracker", "sink", "watch", "gateway", "query")


@pytest.fixture
def taken() -> Iterator[str]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


def sentence_of(service: str, home: Path, **settings: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PACKTRACE_")} | NOBODY
    environment |= {"PACKTRACE_HOME": str(home)} | {f"PACKTRACE_{name.upper()}": value for name, value in settings.items()}
    begun = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", f"packtrace.{service}"], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert time.monotonic() - begun < SECONDS_MAX
    assert ended.returncode not in (0, 137)
    (sentence,) = [line for line in ended.stderr.splitlines() if line]
    assert "Traceback" not in sentence
    return sentence


@pytest.mark.parametrize("service", SERVICES)
def test_a_variable_that_nobody_knows(service: str, tmp_path: Path) -> None:
    assert "PACKTRACE_TRACKR_BATCH is not a setting" in sentence_of(service, tmp_path, trackr_batch="1")


@pytest.mark.parametrize(("service", "name", "value"), [
    ("router",  "kafka",                 "::::"),
    ("router",  "registry",              "registry"),
    ("router",  "router_batch_records",  "0"),
    ("tracker", "redis",                 "http://127.0.0.1:1"),
    ("tracker", "crash_at",              "tracker.nowhere"),
    ("sink",    "clickhouse",            "localhost:8123"),
    ("sink",    "clickhouse_database",   "Robert'); DROP TABLE history"),
    ("gateway", "gateway_host",          "0.0.0.0"),
    ("query",   "query_rows",            "many"),
])  # fmt: skip
def test_a_value_that_cannot_be(service: str, name: str, value: str, tmp_path: Path) -> None:
    said = sentence_of(service, tmp_path, **{name: value})
    assert f"PACKTRACE_{name.upper()}" in said
    assert value in said


@pytest.mark.parametrize(("service", "name"), [
    ("router", "http_port"), ("tracker", "http_port"), ("sink", "http_port"), ("watch", "http_port"),
    ("gateway", "gateway_port"), ("query", "query_port"),
])  # fmt: skip
def test_a_port_that_is_taken(service: str, name: str, taken: str, tmp_path: Path) -> None:
    assert f"port {taken} on 127.0.0.1 cannot be used" in sentence_of(service, tmp_path, **{name: taken})

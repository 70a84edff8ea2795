"""``packtrace demo`` finds what it planted and nothing else, and leaves nothing behind, also when it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from packtrace.simulator.faults import FAULTS
from tests.pipeline.system import PACKTRACE, ROOT, free_base_port

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

LINES_RUN = "lines in real time"


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PACKTRACE_")}
    return subprocess.Popen(
        [PACKTRACE, "demo", "--home", str(home), "--base-port", str(free_base_port()), *words],
        cwd=ROOT, env=environment | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def processes_of(home: Path) -> list[str]:
    """Command lines and environments that name ``home``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in told:
            found.append(told.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


def test_the_demo_finds_what_it_planted_and_nothing_else(tmp_path: Path) -> None:
    demo = start(tmp_path / "home", "--json")
    try:
        output, errors = demo.communicate(timeout=540)
    finally:
        demo.kill()
    assert demo.returncode == 0, errors[-3000:]
    (told,) = [json.loads(line) for line in output.splitlines()]
    assert told["complaints"] == []
    assert {rule["rule"] for rule in told["rules"]} == set(FAULTS)
    assert all(rule["planted"] == rule["found"] > 0 and not rule["not_planted"] for rule in told["rules"])
    assert told["stats"]["ops"] == told["ops"] > 40_000
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_running(number: signal.Signals, tmp_path: Path) -> None:
    demo = start(tmp_path / "home")
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            if LINES_RUN in line:
                break
        demo.send_signal(number)
        output, errors = demo.communicate(timeout=120)
    finally:
        demo.kill()
    assert demo.returncode == 130, errors[-3000:]
    assert "stop everything" in output
    assert processes_of(tmp_path) == []

"""kill -9 of any one process while lines publish: nothing lost, nothing twice, and the supervisor brings it back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.system import PACKTRACE, ROOT, System

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

TOGETHER = (("kafka", "router", "query"), ("valkey", "tracker", "gateway"), ("clickhouse", "sink", "registry"))
"""Three while one run publishes: the next one before the last is back."""
UNITS_PER_RUN = 2_400
KILL_SECONDS = 2.5


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    started = System(tmp_path_factory.mktemp("kills"))
    try:
        started.up()
        yield started
    finally:
        started.down()


def pid_of(system: System, name: str) -> int:
    parts = {part["name"]: part for part in system.json("status", code=None)}
    return int(parts[name]["pid"] or 0)


def came_back(system: System, name: str, old: int, seconds: float) -> int:
    """The new pid, once the part is ready again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        parts = {part["name"]: part for part in system.json("status", code=None)}
        part = parts.get(name)
        if part and part["pid"] and part["pid"] != old and part["state"] == "ready":
            return int(part["pid"])
        time.sleep(0.3)
    raise AssertionError(f"{name} did not come back within {seconds} s\n{system.logs([name, 'supervisor'])}")


@pytest.mark.parametrize("names", TOGETHER, ids=" ".join)
def test_kill_nine(own: System, names: tuple[str, ...], tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    seed = str(100 + TOGETHER.index(names))
    simulate = subprocess.Popen(
        [PACKTRACE, "simulate", "--home", str(own.home), "--lines", "2", "--rate", "6000", "--units", str(UNITS_PER_RUN), "--seed", seed,
         "--faults", "duplicate-commissioning=3,two-parents=2", "--truth", str(truth), "--load-reference"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        time.sleep(1.5)
        victims = {name: pid_of(own, name) for name in names}
        for pid in victims.values():
            os.kill(pid, signal.SIGKILL)
            time.sleep(KILL_SECONDS)
        for name, pid in victims.items():
            came_back(own, name, pid, 90)
        output, _ = simulate.communicate(timeout=240)
    finally:
        if simulate.poll() is None:
            simulate.kill()
            simulate.wait(timeout=10)
    assert simulate.returncode == 0, output.decode(errors="replace")
    own.wait(180)
    stats = own.json("stats")[0]
    assert stats["history_rows"] == stats["history_rows_unique"]
    assert stats["ops"] == stats["ops_expected"], own.logs(names)
    assert stats["alert_changes"] == stats["alert_changes_unique"]
    scored = own.run("score", str(truth))
    assert scored.returncode == 0

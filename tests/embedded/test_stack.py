"""The whole stack as a person meets it: up, told twice, killed, up again with its data, down without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packtrace.embedded import plan, state
from packtrace.embedded.keeper import Keeper
from packtrace.embedded.part import Part, line_probe
from packtrace.embedded.stack import up
from packtrace.embedded.supervisor import Supervisor
from packtrace.errors import RefusedError
from tests.pipeline.system import PACKTRACE, ROOT, System
from tests.servers import free_port

PALLET = "https://id.gs1.org/00/095060001000000012"


def until(what: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def stack_of(system: System) -> state.Stack:
    found = state.read(system.home)
    assert found is not None
    return found


def pids(stack: state.Stack) -> list[int]:
    return [stack.pid, *(part.pid for part in stack.parts)]


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """Not up yet; down at the end whatever happened."""
    found = System(tmp_path / "home")
    try:
        yield found
    finally:
        found.run("down", timeout=90, code=None)


@pytest.mark.pipeline
@pytest.mark.timeout(900)
def test_up_twice_killed_and_up_again(system: System) -> None:
    system.up()
    first = stack_of(system)
    assert [part.name for part in first.parts] == [*plan.SERVERS, *plan.SERVICES]
    assert {part.state for part in first.parts} == {"ready"}
    assert [part["restarts"] for part in system.json("status")] == [0] * len(first.parts)

    again = system.run("up", "--detach", code=None)
    assert again.returncode in (1, 2)
    assert f"already up under {system.home}" in again.stderr
    assert first.gateway in again.stderr

    system.run("reference", "load", str(ROOT / "schemas/examples/reference.json"))
    system.run("publish", str(ROOT / "schemas/examples/story.jsonl"))
    system.wait(120)
    before = answers(system)

    for name in ("valkey", "clickhouse", "tracker"):
        victim = next(part for part in stack_of(system).parts if part.name == name)
        os.kill(victim.pid, signal.SIGKILL)
        until(lambda name=name: part_of(system, name).restarts == 1 and part_of(system, name).state == "ready")  # type: ignore[misc]
    until(lambda: all(part.state == "ready" for part in stack_of(system).parts))
    system.wait(120)
    assert answers(system) == before

    killed = stack_of(system)
    os.kill(killed.pid, signal.SIGKILL)
    until(lambda: not any(state.born(pid) for pid in pids(killed)), seconds=20)
    assert {part["state"] for part in system.json("status", code=1)} == {"stopped"}

    system.up()
    system.wait(120)
    assert answers(system) == before
    last = stack_of(system)
    began = time.monotonic()
    system.down()
    assert time.monotonic() - began < 30
    assert not any(state.born(pid) for pid in pids(last))
    plan.refuse_taken_ports(system.base_port)


def part_of(system: System, name: str) -> state.PartState:
    return next(part for part in stack_of(system).parts if part.name == name)


def answers(system: System) -> str:
    """From Redis and from ClickHouse, less how fresh they are."""
    shown = [{key: value for key, value in item.items() if key != "as_of"} for item in system.json("alerts")]
    items = [{key: value for key, value in item.items() if key != "as_of"} for item in system.json("history", PALLET)]
    return json.dumps([shown, items], sort_keys=True)


@pytest.mark.pipeline
@pytest.mark.timeout(600)
def test_in_the_foreground_ctrl_c_stops_everything(system: System) -> None:
    process = subprocess.Popen(
        [PACKTRACE, "up", "--home", str(system.home), "--base-port", str(system.base_port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        steps = []
        for line in process.stderr:
            steps.append(line.decode())
            if " ready " in steps[-1]:
                break
        told = "".join(steps)
        for part in stack_of(system).parts:
            assert part.address in told
        running = pids(stack_of(system))
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait(10)
        if process.stderr is not None:
            process.stderr.close()
    assert not any(state.born(pid) for pid in running)
    assert stack_of(system).state == "stopped"


@pytest.mark.contract
def test_a_part_that_always_ends_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    part = Part("broken", (sys.executable, "-c", "raise SystemExit('no such luck')"), "", line_probe(free_port(), b"x", b"y"))
    supervisor = Supervisor(tmp_path, 19000, lambda text: None)
    began = time.monotonic()
    try:
        with pytest.raises(RefusedError, match=r"broken was not ready after .* no such luck"):
            supervisor._bring_up([part])
    finally:
        supervisor.stop()
        supervisor._bring_down()
    assert time.monotonic() - began < 60
    stored = state.read(tmp_path)
    assert stored is not None
    assert stored.state == "stopped"


@pytest.mark.contract
def test_a_supervisor_killed_with_9_takes_its_processes_with_it(tmp_path: Path) -> None:
    code = """
import sys, threading
from pathlib import Path
from packtrace.embedded.keeper import Keeper
from packtrace.embedded.part import Part
part = Part("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"), "", lambda: None)
keeper = Keeper(part, Path(sys.argv[1]), lambda: print(keeper.state.pid, flush=True))
keeper.start()
threading.Event().wait(60)
"""
    supervisor = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        assert state.born(child)
    finally:
        supervisor.kill()
        supervisor.wait(10)
        if supervisor.stdout is not None:
            supervisor.stdout.close()
    until(lambda: not state.born(child), seconds=10)


# fmt: off
REFUSED = [
    ({"PACKTRACE_TYPO": "1"},            "home",   "PACKTRACE_TYPO is not a setting of packtrace"),
    ({"PACKTRACE_TICK_SECONDS": "-1"},   "home",   "PACKTRACE_TICK_SECONDS: input should be greater than or equal to 0.05"),
    ({},                                 "ho;me",  "a home folder without any of"),
]
# fmt: on


@pytest.mark.parametrize(("environment", "folder", "sentence"), REFUSED)
def test_what_cannot_run_is_refused_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str, sentence: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RefusedError, match=sentence):
        up(tmp_path / folder, detach=True, base_port=19000, progress=lambda text: None)
    assert list(tmp_path.iterdir()) == []


def test_services_are_told_this_stacks_addresses_and_the_limits_they_were_given() -> None:
    given = {"PACKTRACE_KAFKA": "elsewhere:9092", "PACKTRACE_TRACKER_BATCH_RECORDS": "64", "PACKTRACE_HTTP_PORT": "1", "PATH": "/bin"}
    parts = {part.name: part for part in plan.services(Path("/h"), 20000, given)}
    assert set(parts) <= set(plan.SERVICES)
    for name, part in parts.items():
        told = part.environment
        assert (told["PACKTRACE_KAFKA"], told["PACKTRACE_HOME"]) == ("127.0.0.1:20092", "/h")
        assert (told["PACKTRACE_TRACKER_BATCH_RECORDS"], told["PATH"]) == ("64", "/bin")
        assert told["PACKTRACE_INSTANCE"] == f"{name}-1"
        own = {"gateway": "PACKTRACE_GATEWAY_PORT", "query": "PACKTRACE_QUERY_PORT"}.get(name, "PACKTRACE_HTTP_PORT")
        assert told[own] == str(plan.ports(20000)[name])


def test_more_trackers_are_parts_of_their_own_name_and_port() -> None:
    parts = {part.name: part for part in plan.services(Path("/h"), 20000, {"PACKTRACE_TRACKERS": "3"})}
    assert set(parts) == {*plan.SERVICES, "tracker-2", "tracker-3"}
    assert {plan.service_of(name) for name in parts} == set(plan.SERVICES)
    trackers = [parts[name] for name in ("tracker", "tracker-2", "tracker-3")]
    assert len({part.address for part in trackers}) == len({part.environment["PACKTRACE_INSTANCE"] for part in trackers}) == 3
    assert len({part.command for part in trackers}) == 1


@pytest.mark.contract
def test_a_log_stays_bounded_while_its_process_goes_on_writing(tmp_path: Path) -> None:
    from packtrace.embedded.child import LogFile

    code = "import sys, time\nwhile True: sys.stdout.write('x' * 999 + chr(10)); sys.stdout.flush(); time.sleep(0.0005)"
    keeper = Keeper(Part("writer", (sys.executable, "-c", code), "", lambda: "never"), tmp_path, lambda: None)
    keeper.log = LogFile(tmp_path, "writer", bytes_max=50_000)
    keeper.start()
    try:
        until(lambda: (tmp_path / "writer.log.1").exists(), seconds=20)
        time.sleep(0.5)
        seen = max((tmp_path / "writer.log").stat().st_size for _ in range(20))
        until(lambda: (tmp_path / "writer.log").stat().st_size > 1_000, seconds=20)
    finally:
        keeper.stop()
        keeper.join()
    assert seen < 1_000_000
    assert 0 < (tmp_path / "writer.log.1").stat().st_size <= 50_000

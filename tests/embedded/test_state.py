"""Who owns a folder, and what a dead supervisor may have left in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from packtrace.embedded import plan, state
from packtrace.embedded.state import PartState, Stack
from packtrace.errors import RefusedError


def stack(home: Path, *parts: PartState) -> Stack:
    where = plan.addresses(19000)._asdict()
    return Stack(home=str(home), base_port=19000, pid=os.getpid(), born=state.born(os.getpid()), state="ready", parts=list(parts), **where)


def test_a_stack_file_of_a_dead_supervisor_is_seen_as_such(tmp_path: Path) -> None:
    alive = stack(tmp_path, PartState("kafka", state="ready", pid=5, born=7))
    state.write(tmp_path, alive)
    assert state.read(tmp_path) == alive
    assert state.lives(alive)
    alive.born += 1
    assert not state.lives(alive), "the same pid, another process"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"home": 1}'])
def test_a_file_that_is_no_stack_counts_as_none(tmp_path: Path, text: str) -> None:
    assert state.read(tmp_path) is None
    (tmp_path / state.FILE).write_text(text, encoding="utf-8")
    assert state.read(tmp_path) is None


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    with state.owned(tmp_path), pytest.raises(RefusedError, match="already up, or just starting"), state.owned(tmp_path):
        pass
    with state.owned(tmp_path):
        pass


@pytest.mark.contract
@pytest.mark.parametrize("deaf", [False, True])
def test_leftovers_end_and_a_pid_that_is_now_another_process_does_not(tmp_path: Path, deaf: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LEFTOVER_SECONDS_MAX", 1.0 if deaf else 12.0)
    code = (
        "import signal, time; " + ("signal.signal(signal.SIGTERM, signal.SIG_IGN); " if deaf else "") + "print(flush=True); time.sleep(60)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        ours, other = processes
        old = stack(
            tmp_path,
            PartState("ours", pid=ours.pid, born=state.born(ours.pid)),
            PartState("other", pid=other.pid, born=state.born(other.pid) - 1),
            PartState("stopped"),
        )
        assert state.stop_leftovers(old) == ["ours"]
        assert ours.wait(5) == (-signal.SIGKILL if deaf else -signal.SIGTERM)
        assert other.poll() is None
    finally:
        for process in processes:
            process.kill()
            process.wait(5)
            assert process.stdout is not None
            process.stdout.close()

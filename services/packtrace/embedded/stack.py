"""``packtrace up``, ``down``, ``status``: what the command line does with a stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from packtrace import settings
from packtrace.embedded import plan, state
from packtrace.embedded.child import LogFile
from packtrace.embedded.downloads import Progress, java, kafka_jars, registry_home
from packtrace.embedded.plan import BASE_PORT
from packtrace.embedded.state import PartState, Stack
from packtrace.embedded.supervisor import Supervisor
from packtrace.embedded.valkey import server_binary
from packtrace.errors import RefusedError

__all__ = ["BASE_PORT", "PartState", "Stack", "down", "read_stack", "status", "up"]

START_SECONDS_MAX = 420.0
STOP_SECONDS_MAX = 60.0
HOME_CHARACTERS_REFUSED = frozenset(',;\\"\n')
"""Each means something to one of the servers' configurations."""


def read_stack(home: Path) -> Stack | None:
    """The stack under ``home`` if its supervisor lives, else None."""
    stack = state.read(home.resolve())
    return stack if stack is not None and state.lives(stack) else None


def status(home: Path) -> Stack | None:
    """As ``read_stack``, but a stack that stopped is answered too, with every part stopped; None where there never was one."""
    stack = state.read(home.resolve())
    if stack is not None and not state.lives(stack):
        stack.state = "stopped"
        stack.parts = [PartState(part.name, address=part.address, restarts=part.restarts) for part in stack.parts]
    return stack


def up(home: Path, *, detach: bool, base_port: int = BASE_PORT, progress: Progress) -> Stack:
    """Bring a stack up under ``home``. Detached: returns when everything is ready; else when it has been stopped.

    Raises:
        RefusedError: it runs already, something is missing or taken, or a part did not get ready; one sentence each.
    """
    home = home.resolve()
    running = read_stack(home)
    if running is not None:
        raise RefusedError(f"packtrace is already up under {home} (pid {running.pid}); gateway {running.gateway}, query {running.query}")
    _refuse_what_cannot_run(home, base_port)
    home.mkdir(parents=True, exist_ok=True)
    kafka_jars(progress)
    registry_home(progress)
    if not detach:
        return _in_foreground(home, base_port, progress)
    return _detached(home, base_port, progress)


def _refuse_what_cannot_run(home: Path, base_port: int) -> None:
    """All that can be known before anything is fetched or started."""
    if sys.platform != "linux":
        raise RefusedError(f"packtrace up runs on Linux, this is {sys.platform}; elsewhere use deploy/compose.yaml")
    if set(str(home)) & HOME_CHARACTERS_REFUSED:
        raise RefusedError(f"a home folder without any of {' '.join(sorted(HOME_CHARACTERS_REFUSED))} in its path, found {home}")
    for known in settings.ALL:
        settings.read(known)
    java()
    server_binary()
    plan.refuse_taken_ports(base_port)


def _in_foreground(home: Path, base_port: int, progress: Progress) -> Stack:
    supervisor = Supervisor(home, base_port, progress)
    before = {number: signal.signal(number, lambda *_: supervisor.stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        supervisor.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    stack = state.read(home)
    assert stack is not None
    return stack


def _detached(home: Path, base_port: int, progress: Progress) -> Stack:
    log = LogFile(home / "logs", "supervisor")
    log.bound()
    with log.open() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "packtrace.embedded.supervisor", "--home", str(home), "--base-port", str(base_port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        return _wait_until_ready(process, home, log, progress)
    except KeyboardInterrupt:
        process.terminate()
        process.wait(STOP_SECONDS_MAX)
        raise


def _wait_until_ready(process: subprocess.Popen[bytes], home: Path, log: LogFile, progress: Progress) -> Stack:
    told = 0
    end = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < end:
        code = process.poll()
        stack = state.read(home)
        ours = stack if stack is not None and stack.pid == process.pid else None
        if ours is not None:
            for step in ours.steps[told:]:
                progress(step)
            told = len(ours.steps)
            if ours.state == "ready":
                return ours
        if code is not None:
            reason = ours.message if ours is not None and ours.message else log.tail(1)
            raise RefusedError(f"{reason or f'the supervisor ended with {code}'} (log: {log.path})")
        time.sleep(0.05)
    process.terminate()
    process.wait(STOP_SECONDS_MAX)
    raise RefusedError(f"the stack was not ready after {START_SECONDS_MAX:.0f} s (log: {log.path})")


def down(home: Path, *, progress: Progress) -> bool:
    """Stop the stack under ``home``; False where none runs. Its data stays."""
    home = home.resolve()
    stack = read_stack(home)
    if stack is None:
        return False
    os.kill(stack.pid, signal.SIGTERM)
    told: set[str] = set()
    end = time.monotonic() + STOP_SECONDS_MAX
    while time.monotonic() < end:
        if not state.lives(stack):
            return True
        now = state.read(home)
        for part in now.parts if now is not None else ():
            if part.state == "stopped" and part.name not in told:
                told.add(part.name)
                progress(f"{part.name} stopped")
        time.sleep(0.05)
    os.kill(stack.pid, signal.SIGKILL)
    raise RefusedError(
        f"the supervisor (pid {stack.pid}) did not stop within {STOP_SECONDS_MAX:.0f} s and was killed; its parts end with it"
    )

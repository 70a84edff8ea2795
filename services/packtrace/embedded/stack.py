"""``packtrace up``, ``down``, ``status``: what the command line does with a stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from packtrace.embedded import plan, state
from packtrace.embedded.downloads import Progress, java, kafka_jars, registry_home
from packtrace.embedded.plan import BASE_PORT
from packtrace.embedded.state import PartState, Stack
from packtrace.embedded.supervisor import Supervisor
from packtrace.errors import RefusedError

__all__ = ["BASE_PORT", "PartState", "Stack", "down", "read_stack", "status", "up"]

START_SECONDS_MAX = 420.0
STOP_SECONDS_MAX = 60.0


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
    home.mkdir(parents=True, exist_ok=True)
    java()
    plan.refuse_taken_ports(base_port)
    kafka_jars(progress)
    registry_home(progress)
    if not detach:
        return _in_foreground(home, base_port, progress)
    return _detached(home, base_port, progress)


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
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "packtrace.embedded.supervisor", "--home", str(home), "--base-port", str(base_port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("PACKTRACE_")},
            cwd=home,
        )
    told: set[str] = set()
    end = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < end:
        code = process.poll()
        stack = state.read(home)
        if stack is not None and stack.pid == process.pid:
            if stack.state == "starting" and stack.message and stack.message not in told:
                told.add(stack.message)
                progress(stack.message)
            if stack.state == "ready":
                return stack
        if code is not None:
            reason = stack.message if stack is not None and stack.message else f"the supervisor ended with {code}"
            raise RefusedError(f"{reason} (log: {logs / 'supervisor.log'})")
        time.sleep(0.05)
    down(home, progress=progress)
    raise RefusedError(f"the stack was not ready after {START_SECONDS_MAX:.0f} s (log: {logs / 'supervisor.log'})")


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

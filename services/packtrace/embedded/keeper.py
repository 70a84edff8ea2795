"""Keeps one process alive: starts it, waits until it is ready, starts it again when it ends, stops it when asked."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from packtrace.embedded.part import Part
from packtrace.embedded.state import PartState
from packtrace.errors import PacktraceError

BACKOFF_SECONDS_FIRST = 0.2
BACKOFF_SECONDS_MAX = 5.0
STEADY_SECONDS = 10.0
"""A process that ran this long starts again without waiting."""
PROBE_SECONDS_STARTING = 0.1
PROBE_SECONDS_READY = 1.0
LOG_BYTES_MAX = 20 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_supervisor() -> None:
    """Runs in the child: a supervisor killed with -9 leaves no process behind; ours may be killed at any instruction."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)


class Keeper:
    """One part and the thread that keeps it. ``state`` is replaced, never changed in place."""

    def __init__(self, part: Part, logs: Path, changed: Callable[[], None]) -> None:
        self.part = part
        self.state = PartState(part.name, address=part.address)
        self._log = logs / f"{part.name}.log"
        self._changed = changed
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name=f"keep-{part.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; ``join`` waits."""
        self._stop.set()

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join(self.part.stop_seconds_max + 5)

    def _say(self, **changes: object) -> None:
        fields = {name: getattr(self.state, name) for name in self.state.__struct_fields__} | changes
        new = PartState(**fields)
        if new != self.state:
            self.state = new
            self._changed()

    def _keep(self) -> None:
        backoff = BACKOFF_SECONDS_FIRST
        starts = 0
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self.part.prepare()
                self._run(restarts=starts)
            except (OSError, PacktraceError) as error:
                self._say(state="failed", pid=0, reason=str(error))
            if self._stop.is_set():
                break
            starts += 1
            backoff = BACKOFF_SECONDS_FIRST if time.monotonic() - started > STEADY_SECONDS else backoff
            self._stop.wait(backoff)
            backoff = min(backoff * 2, BACKOFF_SECONDS_MAX)
        self._say(state="stopped", pid=0, reason="")

    def _run(self, restarts: int) -> None:
        """One life of the process."""
        with self._open_log() as log:
            process = self._process = subprocess.Popen(
                self.part.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={name: value for name, value in os.environ.items() if not name.startswith("PACKTRACE_")} | dict(self.part.environment),
                preexec_fn=_die_with_supervisor,
            )
        self._say(state="starting", pid=process.pid, restarts=restarts, since=time.time(), reason="")
        try:
            while process.poll() is None and not self._stop.is_set():
                reason = self.part.probe()
                if process.poll() is not None:
                    break
                if reason is None:
                    self._say(state="ready", reason="")
                else:
                    self._say(state="starting" if self.state.state == "starting" else "not ready", reason=reason)
                self._stop.wait(PROBE_SECONDS_READY if self.state.state == "ready" else PROBE_SECONDS_STARTING)
        finally:
            self._end(process)
        if not self._stop.is_set():
            self._say(state="failed", pid=0, reason=f"ended with {process.returncode}: {self.log_tail(3)}")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(self.part.stop_seconds_max)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def _open_log(self) -> IO[bytes]:
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".log.1"))
        return self._log.open("ab")

    def log_tail(self, lines: int) -> str:
        """The last lines the process wrote."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, self._log.stat().st_size - 4096))
                return " | ".join(log.read().decode(errors="replace").strip().splitlines()[-lines:])
        except OSError:
            return ""

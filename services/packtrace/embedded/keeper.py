"""Keeps one process alive: starts it, waits until it is ready, starts it again when it ends, stops it when asked."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from packtrace.embedded.child import LogFile, start_child
from packtrace.embedded.part import Part
from packtrace.embedded.state import PartState, born
from packtrace.errors import PacktraceError
from packtrace.settings import PREFIX

BACKOFF_SECONDS_FIRST = 0.2
BACKOFF_SECONDS_MAX = 5.0
STEADY_SECONDS = 10.0
"""A process that ran this long starts again without waiting longer than the first time."""
PROBE_SECONDS_STARTING = 0.1
PROBE_SECONDS_READY = 1.0


class Keeper:
    """One part and the thread that keeps it. ``state`` is replaced, never changed in place."""

    def __init__(self, part: Part, logs: Path, changed: Callable[[], None]) -> None:
        self.part = part
        self.state = PartState(part.name, address=part.address)
        self.log = LogFile(logs, part.name)
        self._changed = changed
        self._stop = threading.Event()
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
            except (OSError, subprocess.SubprocessError, PacktraceError) as error:
                self._say(state="failed", pid=0, reason=str(error))
            if self._stop.is_set():
                break
            starts += 1
            self._say(restarts=starts)
            backoff = BACKOFF_SECONDS_FIRST if time.monotonic() - started > STEADY_SECONDS else backoff
            self._stop.wait(backoff)
            backoff = min(backoff * 2, BACKOFF_SECONDS_MAX)
        self._say(state="stopped", pid=0, reason="")

    def _run(self, restarts: int) -> None:
        """One life of the process."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with self.log.open() as log:
            process = start_child(self.part.command, inherited | dict(self.part.environment), log)
        try:
            self._say(state="starting", pid=process.pid, born=born(process.pid), restarts=restarts, since=time.time(), reason="")
            while process.poll() is None and not self._stop.is_set():
                reason = self.part.probe()
                if process.poll() is not None:
                    break
                if reason is None:
                    self._say(state="ready", reason="")
                else:
                    self._say(state="starting" if self.state.state == "starting" else "not ready", reason=reason)
                self.log.bound()
                self._stop.wait(PROBE_SECONDS_READY if self.state.state == "ready" else PROBE_SECONDS_STARTING)
        finally:
            self._end(process)
        if not self._stop.is_set():
            self._say(state="failed", pid=0, reason=f"ended with {_fate(process.returncode)}: {self.log.tail(3)}")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(self.part.stop_seconds_max)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def _fate(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"

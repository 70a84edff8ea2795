"""How a process of the stack is started: its own group, no input, its output in a file, dead when its supervisor dies."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

LOG_BYTES_MAX = 20 * 1024 * 1024
"""Of one log file; one older file is kept beside it."""
TAIL_BYTES = 4096
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def start_child(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start ``command`` with exactly ``environment``.

    The kernel kills it when the thread that called this ends, so a supervisor killed with -9 leaks nothing. SIGKILL and
    not SIGTERM: every process of the stack may be killed at any instruction. A terminal's Ctrl-C does not reach it.
    """
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment), preexec_fn=_dies_with(os.getpid())
    )


def _dies_with(parent: int) -> Callable[[], None]:
    def in_the_child() -> None:
        os.setpgid(0, 0)
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before prctl: nobody will tell us again

    return in_the_child


class LogFile:
    """One process's output, bounded: past ``LOG_BYTES_MAX`` it moves to ``<name>.log.1`` and starts again."""

    def __init__(self, folder: Path, name: str, bytes_max: int = LOG_BYTES_MAX) -> None:
        self.path = folder / f"{name}.log"
        self._bytes_max = bytes_max

    def open(self) -> IO[bytes]:
        """For appending, as the output of a new process."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path.open("ab")

    def bound(self) -> None:
        """Copy and cut while the process goes on writing; what it writes between the two is lost.

        Cut and not renamed, because the process holds the file open; it appends, so it goes on at the new end.
        """
        try:
            if self.path.stat().st_size <= self._bytes_max:
                return
            with self.path.open("rb") as full, self.path.with_suffix(".log.1").open("wb") as kept:
                os.sendfile(kept.fileno(), full.fileno(), max(0, self.path.stat().st_size - self._bytes_max), self._bytes_max)
            os.truncate(self.path, 0)
        except FileNotFoundError:
            return

    def tail(self, lines: int) -> str:
        """The last lines written, on one line."""
        try:
            with self.path.open("rb") as log:
                log.seek(max(0, self.path.stat().st_size - TAIL_BYTES))
                return " | ".join(log.read().decode(errors="replace").strip().splitlines()[-lines:])
        except OSError:
            return ""

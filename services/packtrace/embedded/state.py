"""``<home>/stack.json``: what the supervisor says about its stack, and whether that supervisor still lives."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from packtrace.errors import RefusedError

FILE = "stack.json"
LOCK = "lock"
LEFTOVER_SECONDS_MAX = 12.0


class PartState(msgspec.Struct):
    """One process. ``state``: starting, ready, not ready, stopped, failed. ``since``: seconds since 1970 of the last start;
    ``born``: the kernel's start time of the pid, so that a reused one is seen."""

    name: str
    state: str = "stopped"
    pid: int = 0
    born: int = 0
    address: str = ""
    restarts: int = 0
    since: float = 0.0
    reason: str = ""


class Stack(msgspec.Struct):
    """A stack as its supervisor last wrote it. ``state``: starting, ready, stopping, stopped. ``steps``: what its start told so far;
    ``message``: why it ended, where that was not asked for. ``born``: as of a part.
    """

    home: str
    base_port: int
    pid: int
    born: int
    state: str
    kafka: str
    registry: str
    redis: str
    clickhouse: str
    gateway: str
    query: str
    message: str = ""
    steps: list[str] = msgspec.field(default_factory=list)
    parts: list[PartState] = msgspec.field(default_factory=list)


def born(pid: int) -> int:
    """The kernel's start time of a living process (clock ticks since boot); 0 where there is none or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def lives(stack: Stack) -> bool:
    """Whether the supervisor that wrote it is running."""
    return stack.pid > 0 and born(stack.pid) == stack.born


def write(home: Path, stack: Stack) -> None:
    """Replace the file in one step."""
    work = home / f".{FILE}.{os.getpid()}"
    work.write_bytes(msgspec.json.format(msgspec.json.encode(stack), indent=1))
    work.replace(home / FILE)


def read(home: Path) -> Stack | None:
    """What was last written; None where there is nothing or it cannot be read."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=Stack)
    except (OSError, msgspec.MsgspecError):
        return None


@contextmanager
def owned(home: Path) -> Iterator[None]:
    """This process owns the folder: nobody else's supervisor runs on it. The kernel gives it back however we end.

    Raises:
        RefusedError: another one owns it.
    """
    with (home / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(f"packtrace is already up, or just starting, under {home}") from None
        yield


def stop_leftovers(stack: Stack) -> list[str]:
    """End the processes that a dead supervisor's ``stack`` names and that still run; their names.

    They should have died with it; a folder opened twice would be lost, so this is looked at and not believed.
    """
    left = {part.name: part for part in stack.parts if part.born and born(part.pid) == part.born}
    for number in (signal.SIGTERM, signal.SIGKILL):
        for part in left.values():
            if born(part.pid) == part.born:
                os.kill(part.pid, number)
        end = time.monotonic() + LEFTOVER_SECONDS_MAX
        while any(born(part.pid) == part.born for part in left.values()) and time.monotonic() < end:
            time.sleep(0.05)
    return sorted(left)

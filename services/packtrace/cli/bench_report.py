"""The figures of ``packtrace bench`` as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from packtrace.bench.figures import Spread, Summary

SHOWN_MIN = 0.05
"""Microseconds; less is noise of the kernel's clock."""


def streams_report(summaries: Sequence[Summary]) -> Iterator[RenderableType]:
    """Nothing where no run was verified."""
    if not summaries:
        return
    yield Text("\nEnd to end, every run verified", style="bold")
    grid = table("stream", "trackers", "runs", "EPC-ops", "EPC-ops/s", "events/s", "CPU us/op", "Redis B/unit")
    for one in summaries:
        grid.add_row(
            one.stream, str(one.trackers), str(one.runs), f"{one.operations:,}", words(one.operations_per_second, 0),
            words(one.events_per_second, 0), words(one.cpu_microseconds_per_operation["all"]), words(one.redis_bytes_per_unit, 0),
        )  # fmt: skip
    yield grid
    yield _by_name("CPU us per EPC-op, by process (user and system)", summaries, lambda one: one.cpu_microseconds_per_operation, SHOWN_MIN)
    yield _by_name("us per EPC-op on the wall, by stage (waiting included)", summaries, lambda one: one.stage_microseconds_per_operation)
    yield _by_name("resident MiB at the end, by process", summaries, lambda one: one.resident_mib, digits=0)
    yield _by_name(
        "bytes per row in ClickHouse, by table, as it lies before all merges", summaries, lambda one: one.clickhouse_bytes_per_row
    )


def words(spread: Spread, digits: int = 1) -> str:
    """``8,479 (8,301-8,630)``; of one run only the figure."""
    of = f"{spread.median:,.{digits}f}"
    return of if spread.min == spread.max else f"{of} ({spread.min:,.{digits}f}-{spread.max:,.{digits}f})"


def _by_name(
    title: str, summaries: Sequence[Summary], figures: Callable[[Summary], Mapping[str, Spread]], least: float = 0.0, digits: int = 1
) -> RenderableType:
    """A row for each name, a column for each stream."""
    grid = table("", *(f"{one.stream}, {one.trackers} trackers" if one.trackers > 1 else one.stream for one in summaries))
    names = list(dict.fromkeys(name for one in summaries for name in figures(one)))
    for name in names:
        found = [figures(one).get(name) for one in summaries]
        if any(one is not None and one.median >= least for one in found):
            grid.add_row(name, *(words(one, digits) if one else "" for one in found))
    return Group(Text(f"\n{title}", style="bold"), grid)


def table(*titles: str) -> Table:
    """Figures to the right, what they are of to the left."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, title in enumerate(titles):
        grid.add_column(title, justify="right" if number else "left", no_wrap=True)
    return grid

"""``packtrace inspect --memory``: what a unit weighs in Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from packtrace.adapters.redis_memory import RedisMemory
from packtrace.bench.memory import Memory, weigh
from packtrace.cli.outcome import NoError
from packtrace.contracts import topics

SAMPLED_ITEMS = 20_000
SAMPLED_CONTAINERS = 5_000


def weighed(redis: str) -> Memory:
    """Raises NoError where there is no item yet."""
    store = RedisMemory(redis, topics()["ops"].partitions)
    try:
        whole, lengths, small = store.whole(), store.bucket_lengths(), store.small()
        if not lengths:
            raise NoError("Redis holds no item yet")
        step = max(sum(lengths.values()) // SAMPLED_ITEMS, 1)
        return weigh(whole, lengths, store.buckets(sorted(lengths)[::step]), store.contents(SAMPLED_CONTAINERS), small)
    finally:
        store.close()


def as_json(memory: Memory) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(memory)
    return found | {"per_unit": memory.per_unit}


def memory_report(memory: Memory) -> Iterator[RenderableType]:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, title in enumerate(("part", "bytes", "per unit", "share")):
        table.add_column(title, justify="right" if number else "left", no_wrap=True)
    for name, size in memory.parts.items():
        table.add_row(name, f"{size:,}", f"{memory.per_unit[name]:,.1f}", f"{size / memory.used:.1%}")
    table.add_row("all", f"{memory.used:,}", f"{memory.used / memory.units:,.1f}" if memory.units else "", "")
    yield table
    yield Text(
        f"{memory.units:,} units, {memory.containers:,} containers; {memory.sampled:,} items and their buckets weighed, the rest scaled"
    )
    for words, kind in (("settled", memory.settled), ("with its open window", memory.open)):
        if kind.sampled:
            yield Text(
                f"a unit {words}: {kind.bytes:,.1f} B, {kind.bytes + memory.hierarchy_per_unit:,.1f} B with its share of the hierarchy; "
                f"{kind.sampled:,} sampled" + (f", {kind.events:.1f} events in the window" if kind.events else "")
            )

"""``packtrace topics``: topics and schemas as ``schemas/topics.yaml`` declares them, created where missing, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table


def prepared_topics(home: Path) -> list[dict[str, Any]]:
    """One row per topic, in the order of the file.

    Raises:
        RefusedError: a topic or a schema differs from what is declared.
    """
    from packtrace.adapters.kafka_admin import KafkaAdmin
    from packtrace.adapters.registry import register_all, subject_of
    from packtrace.cli.system import addresses
    from packtrace.contracts import topics

    where = addresses(home)
    admin = KafkaAdmin(where.kafka)
    states = admin.create_topics()
    ids = register_all(where.registry, home / "schemas")
    ends = admin.end_offsets([state.name for state in states])
    return [
        {
            "topic": state.name,
            "partitions": state.partitions,
            "records": sum(end for partition, end in ends.items() if partition.topic == state.name),
            "retention_hours": topics()[state.name].retention_hours,
            "cleanup": topics()[state.name].cleanup,
            "schema": topics()[state.name].value,
            "schema_id": ids[subject_of(state.name)],
            "producers": list(topics()[state.name].producers),
            "consumers": list(topics()[state.name].consumers),
            "created": state.created,
        }
        for state in states
    ]


def topic_table(rows: Sequence[dict[str, Any]]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("topic", "parts", "records", "kept", "schema", "from > to"):
        number = title in ("parts", "records", "schema")
        table.add_column(title, justify="right" if number else "left", no_wrap=title != "from > to")
    for row in rows:
        hours = row["retention_hours"]
        kept = "for ever" if hours < 0 else f"{hours // 24} days"
        if row["cleanup"] == "compact":
            kept = "last per key"
        table.add_row(
            row["topic"] + (" (created)" if row["created"] else ""), str(row["partitions"]), f"{row['records']:,}", kept,
            f"id {row['schema_id']}", f"{', '.join(row['producers'])} > {', '.join(row['consumers'])}",
        )  # fmt: skip
    return table

"""Where the contract files are (``schemas/`` in a checkout, inside the package in a wheel), and the topics among them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec


def folder() -> Path:
    """The folder ``schemas``."""
    packed = Path(__file__).parent / "_schemas"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "schemas"


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of ``topics.yaml``."""

    key: str
    partitions: int
    value: str
    retention_hours: int
    cleanup: str
    timestamp: str
    record_bytes_max: int
    producers: tuple[str, ...]
    consumers: tuple[str, ...]


class _Topics(msgspec.Struct, forbid_unknown_fields=True):
    topics: dict[str, Topic]


@cache
def topics() -> dict[str, Topic]:
    """``topics.yaml``, name -> row."""
    return msgspec.yaml.decode((folder() / "topics.yaml").read_bytes(), type=_Topics).topics


def schema_text(name: str) -> str:
    """The text of ``schemas/<name>``, e.g. ``"event.avsc"``."""
    return (folder() / name).read_text(encoding="utf-8")

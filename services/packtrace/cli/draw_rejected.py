"""How rejected inputs look to a person."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from packtrace.cli.draw import card
from packtrace.cli.output import count, readable, when

BYTES_SHOWN = 512

Row = Mapping[str, Any]


def origin_of(row: Row) -> str:
    return f"{row['topic']}/{row['partition']}/{row['offset']}"


def rejected_table(rows: Sequence[Row], shown_max: int, filtered: bool) -> RenderableType:
    if not rows:
        return Text("Nothing matches." if filtered else "Nothing was rejected.")
    blocks: list[RenderableType] = []
    for row in rows[:shown_max]:
        head = Text.assemble((row["reason"], "bold red"), f"  {when(row['log_time'])}  ", (origin_of(row), "cyan"))
        about = " ".join(part for part in (f"from {row['source']}" if row["source"] else "", row["event_id"]) if part)
        if about:
            head.append(f"  {about}", style="dim")
        blocks += [head, Padding(Text(readable(row["text"]), overflow="fold"), (0, 0, 0, 3))]
    more = len(rows) > shown_max
    note = f"{'the latest ' if more else ''}{count(min(len(rows), shown_max), 'input')}{', there are more (--limit N)' if more else ''}"
    blocks.append(Text(f"{note}; `packtrace rejected show TOPIC/PARTITION/OFFSET` has the bytes", style="dim"))
    return Group(*blocks)


def rejected_card(row: Row) -> RenderableType:
    rows: list[tuple[str, RenderableType]] = [
        ("came from", origin_of(row) + (" (the gateway)" if row["topic"] == "http" else "")),
        ("at", f"{when(row['log_time'])} UTC"),
        ("place", row["place"] or "the whole record"),
        ("why", readable(row["text"])),
        ("source", row["source"] or "not known"),
        ("event id", row["event_id"] or "not known"),
        ("key", as_text(base64.b64decode(row["key"])) if row["key"] else "none"),
    ]
    if row["value"] is None:
        rows.append(("value", "none (a tombstone)"))
    else:
        value = base64.b64decode(row["value"])
        rows.append((f"{len(value):,} bytes", Text(as_text(value), overflow="fold")))
    return card(Text(row["reason"], style="bold red"), rows)


def as_text(data: bytes) -> str:
    """Text as it is, other bytes as ``\\xNN``, cut after the first few hundred."""
    shown = data[:BYTES_SHOWN].decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in shown)
    return shown + (f" ... and {len(data) - BYTES_SHOWN:,} bytes more" if len(data) > BYTES_SHOWN else "")

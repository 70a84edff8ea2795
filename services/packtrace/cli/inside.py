"""Commands that look inside: what Redis holds for an item or a partition, decoded, and what all of it weighs."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from packtrace.cli.options import HOME, Home, Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import emit, screen
from packtrace.errors import RefusedError

if TYPE_CHECKING:
    from packtrace.ports import PartitionMeta

PANEL = "Look inside"
YEAR_2001, YEAR_2286 = 10**15, 10**16
"""Numbers between are times in microseconds, and are shown as such."""
PARTITION_DIGITS_MAX = 4
"""A shorter number is a partition: no identifier has so few digits."""


def inspect(
    subject: Annotated[
        str,
        typer.Argument(metavar="[KEY|PARTITION]", help="An item in any spelling, or the number of a partition of ops.", show_default=False),
    ] = "",
    memory: Annotated[bool, typer.Option("--memory", help="Instead: bytes per unit in Redis, by part.")] = False,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """What Redis holds, decoded: one item with its content, or where a partition stands; or what a unit weighs.

    Example: packtrace inspect 3
    """
    if memory == bool(subject):
        raise RefusedError("expected an item, a partition or --memory, one of them")
    if memory:
        return _memory(home, as_json)
    from packtrace.cli.system import state_store
    from packtrace.contracts import topics

    partitions = topics()["ops"].partitions
    if len(subject) <= PARTITION_DIGITS_MAX and subject.isascii() and subject.isdigit():
        number = int(subject)
        if number >= partitions:
            raise RefusedError(f"expected a partition from 0 to {partitions - 1}, found {number}")
        meta = state_store(home).meta(number)
        if meta is None:
            raise NoError(f"partition {number} has never had an owner; is the tracker up?")
        return _say(f"partition {number}", partition_as_json(number, meta), as_json)
    from packtrace.codec.identifiers import parse_item
    from packtrace.codec.state import unpack
    from packtrace.domain.identifiers import item_key, partition_of
    from packtrace.errors import RejectedError

    try:
        key = item_key(subject)
    except RejectedError:
        key = parse_item(subject)
    partition = partition_of(key, partitions)
    found = state_store(home).load(partition, [key]).get(key)
    if found is None:
        raise NoError(f"{key} is not in Redis (partition {partition}): no event has named it, or it is still on its way")
    packed, content = found
    fields: dict[str, Any] = {"key": key, "partition": partition, "bytes": len(packed), "content_entries": len(content)}
    fields["content_bytes"] = sum(len(name) + len(entry) for name, entry in content.items())
    fields["state"] = plain(unpack(key, packed, content))
    return _say(key, fields, as_json)


def _memory(home: Path, as_json: bool) -> None:
    from packtrace.cli.system import addresses
    from packtrace.cli.weight import as_json as in_json
    from packtrace.cli.weight import memory_report, weighed

    found = weighed(addresses(home).redis)
    if as_json:
        return emit(in_json(found))
    for renderable in memory_report(found):
        screen().print(renderable)


def partition_as_json(number: int, meta: PartitionMeta) -> dict[str, Any]:
    """A partition's position in words; the digest as 16 hex digits."""
    return {
        "partition": number,
        "epoch": meta.epoch,
        "offset": meta.offset,
        "digest": f"{meta.digest:016x}",
        "watermarks": {source: {"offset": at.offset, "nth": at.nth} for source, at in sorted(meta.watermarks.items())},
        "clocks": {
            source: datetime.fromtimestamp(clock / 1_000_000, UTC).isoformat().replace("+00:00", "Z")
            for source, clock in sorted(meta.clocks.items())
        },
    }


def plain(value: Any) -> Any:
    """Any value of the domain as JSON: slots become members, enumerations their names."""
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        if all(isinstance(name, str | enum.Enum) for name in value):
            return {str(plain(name)): plain(one) for name, one in value.items()}
        return [{"key": plain(name), "value": plain(one)} for name, one in value.items()]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in (value if isinstance(value, list | tuple) else sorted(value))]
    if hasattr(value, "__struct_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())] or list(getattr(value, "__dict__", {}))
    return {name: plain(getattr(value, name)) for name in names if not name.startswith("_") and hasattr(value, name)} or str(value)


def _say(title: str, fields: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return emit(fields)
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    flat = {**{name: value for name, value in fields.items() if name != "state"}, **fields.get("state", {})}
    for name, value in flat.items():
        if _says_something(value):
            grid.add_row(name, Text("\n".join(_lines(value))))
    screen().print(Text(title, style="bold"), grid)


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_says_something(one) for one in value.values())
    return value is not None and value is not False and value != "" and value != []


def _lines(value: Any) -> list[str]:
    """A member's value, a line for each of its own members; what is empty is left out."""
    if isinstance(value, dict) and set(value) != {"offset", "nth"}:
        return [f"{name}  {_words(one)}" for name, one in value.items() if _says_something(one)]
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return [_words(one) for one in value]
    return [_words(value)]


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(one)}" for name, one in value.items() if _says_something(one)) or "-"
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if isinstance(value, int) and not isinstance(value, bool) and YEAR_2001 < value < YEAR_2286:
        return datetime.fromtimestamp(value / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    app.command(rich_help_panel=PANEL)(inspect)

"""How the versions of one entity of the reference data look to a person: since when each counts, and what it changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from packtrace.cli.draw import Row, as_of
from packtrace.cli.output import count, when
from packtrace.cli.reference import plain


def versions(answer: Row, names_of_key: Sequence[str]) -> RenderableType:
    """The oldest first; of the first every field, of a later one what it made different."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True, style="dim")
    table.add_column("since (UTC)", no_wrap=True)
    table.add_column("value", overflow="fold")
    before: Row = {}
    for one in answer["versions"]:
        value: Row = one["value"] or {}
        table.add_row(str(one["version"]), when(one["logged_at"]), _words(before, one["value"], names_of_key))
        before = value
    head = Text(f"{answer['entity']} {answer['key']}   {count(len(answer['versions']), 'version')}", style="bold")
    return Group(head, table, Text(f"as of {as_of(answer)}", style="dim"))


def _words(before: Row, value: Row | None, names_of_key: Sequence[str]) -> Text:
    if value is None:
        return Text("removed", style="red")
    if not before:
        return Text(", ".join(f"{name} {plain(one)}" for name, one in value.items() if name not in names_of_key))
    changed = [
        f"{name}: {plain(before.get(name))} -> {plain(value.get(name))}"
        for name in {**before, **value}
        if before.get(name) != value.get(name)
    ]
    return Text("\n".join(changed)) if changed else Text("as before", style="dim")

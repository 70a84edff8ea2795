"""How a timeline looks to a person: each event with what was merged into it, why it stands where it does, what it changed, what it breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from packtrace.cli.draw import Row, as_of, life, whereabouts
from packtrace.cli.output import count, readable, severity, short, status, when

NAMES_SHOWN = 3

# fmt: off
TOLD = {
    "joined":          ("joined", "joined"),
    "left":            ("left", "left"),
    "changed":         ("changed", "changed"),
    "probe":           ("was not packed", "were not packed"),
    "passed_joined":   ("joined something inside", "joined something inside"),
    "passed_sighting": ("inside asked where it is", "inside asked where they are"),
    "sighting":        ("asked where it is", "asked where they are"),
    "brought":         ("brought its place", "brought their place"),
}
# fmt: on

Lines = Iterator[tuple[str, Text]]


def explained(answer: Row) -> RenderableType:
    """The whole timeline, and what follows."""
    entries: Sequence[Row] = answer["entries"]
    events = sum(1 for entry in entries if entry["entry"] == "event")
    merged = sum(len(entry["merged"]) for entry in entries)
    head = Text.assemble((short(answer["epc"]), "bold"), f"   {count(events, 'open event')}, {merged:,} merged")
    blocks: list[RenderableType] = [head, Text()]
    before: Row = {}
    for entry in entries:
        blocks.append(_title(entry))
        blocks += [_line(name, text) for name, text in _lines(entry, before)]
        before = entry["state"] or before
    if not entries:
        blocks.append(Text("Nothing that counts is known of it."))
    blocks += [Text(), *_conclusions(answer["conclusions"]), Text(f"as of {as_of(answer)}", style="dim")]
    return Group(*blocks)


def _title(entry: Row) -> Text:
    kind = entry["entry"]
    if kind == "settled":
        return Text.assemble((when(entry["time"]), "dim"), "  ", ("settled up to here", "bold"))
    if kind in ("event", "apart"):
        event = entry["event"]
        text = Text.assemble((when(entry["time"]), "dim"), "  ", (event["kind"].replace("_", " "), "bold" if kind == "event" else "dim"))
        text.append(_said(event))
        if entry["outcome"] == "refused":
            text.append("   refused: not applied", style="yellow")
        return text
    words = {"emptied": f"{short(entry['container'] or '')} was emptied", "content": "told by what is inside", "clock": "log time passed"}
    return Text.assemble((when(entry["time"]), "dim"), "  ", (words[kind], "bold"))


def _said(event: Row) -> str:
    """What an event says of itself, short."""
    parts = [
        f"into {short(event['parent'])}" if event["kind"] == "pack" and event["parent"] else "",
        f"from {short(event['parent'])}" if event["kind"] == "unpack" and event["parent"] else "",
        count(event["children_count"], "child", "children") if event["children_count"] else "",
        "of all inside" if event["role"] == "parent" and event["kind"] == "unpack" and not event["children_count"] else "",
        f"lot {event['lot']}" if event["lot"] else "",
        f"reason {event['reason']}" if event["reason"] else "",
        f"at {short(event['place'])}" if event["place"] else "",
        f"to {short(event['destination'])}" if event["destination"] else "",
        event["line"] or event["device"] or "",
    ]
    return "".join(f" {part}" for part in parts if part)


def _lines(entry: Row, before: Row) -> Lines:
    """What stands below the title of an entry: (name, text)."""
    event = entry["event"]
    if event is not None:
        late = "" if event["log_time"][:16] == event["event_time"][:16] else f"   logged {when(event['log_time'])}"
        yield "id", Text(f"{event['event_id']}{late}", style="dim")
    if entry["why"]:
        yield "why", Text(readable(entry["why"]))
    if entry["settled"] is not None:
        yield from _settled(entry["settled"])
    for one in entry["merged"]:
        said = f"{one['event']['event_id']} ({one['outcome'].replace('_', ' ')}): {readable(one['why'])}"
        yield "merged", Text(said, style="dim")
    for one in entry["exchanged"]:
        yield "moved", Text(f"judged {'before' if one['judged_before_it'] else 'after'} {one['event_id']}: {one['why']}")
    for one in entry["told"]:
        yield "told by", Text(f"{short(one['from'])}: {_fact(one)}")
    if entry["content"] is not None:
        yield "inside", Text(_content(entry["content"]))
    if entry["state"] is not None:
        yield "now", _changes(before, entry["state"])
    for one in entry["broken"]:
        yield "breaks", _broken(one)
    for one in entry["silenced"]:
        by = f"silenced by {', '.join(one['by'])}" if one["by"] else "not judged: its root's own journey, reported once more"
        yield "silent", Text(f"{one['rule']}, {by}", style="dim")


def _settled(settled: Row) -> Lines:
    last = [f"{kind.replace('_', ' ')} {when(time)}" for kind, time in settled["last"].items()]
    yield "last", Text(", ".join(last) or "no event of its own")
    for one in settled["alerts"]:
        yield "breaks", _broken(one)


def _fact(fact: Row) -> str:
    said = fact["why"]
    if "custody" not in fact:
        return str(said)
    where = {"at": f"at {short(fact['location'] or '')}", "in_transit": f"in transit to {short(fact['destination'] or 'an unknown place')}"}
    found = where.get(fact["custody"], "where it was is not known")
    moments = [f"{name} {when(fact[name]['time'])}" for name in ("shipped", "received") if fact.get(name)]
    return f"{said}: {', '.join([found, *moments])}"


def _content(content: Row) -> str:
    counts = content["counts"]
    parts = [f"{number:,} {TOLD.get(told, (told, told))[number != 1]}" for told, number in counts.items()]
    names = [short(one["epc"]) for one in content["first"][:NAMES_SHOWN]]
    more = sum(counts.values()) - len(names)
    return f"{', '.join(parts)}: {', '.join(names)}" + (f" and {more:,} more" if more > 0 else "")


def _changes(before: Row, state: Row) -> Text:
    """What the entry made different."""
    parts: list[Text] = []
    if not before or _differ(before, state, "life", "life_reason"):
        parts.append(life(state))
    if _differ(before, state, "parent"):
        parts.append(Text(f"in {short(state['parent'])}" if state["parent"] else "loose"))
    if _differ(before, state, "custody", "location", "from", "destination") and not (state["parent"] and state["custody"] == "unknown"):
        parts.append(Text("custody not known" if state["custody"] == "unknown" else whereabouts(state)))
    if _differ(before, state, "lot", "expiry"):
        parts.append(Text(f"lot {state['lot'] or 'not known'}" + (f", expires {state['expiry']}" if state["expiry"] else "")))
    if before.get("holds", []) != state["holds"]:
        parts.append(Text(f"on hold: {', '.join(state['holds'])}" if state["holds"] else "no hold", style="yellow"))
    return Text(", ").join(parts) if parts else Text("unchanged", style="dim")


_UNKNOWN = {"custody": "unknown"}


def _differ(before: Row, after: Row, *names: str) -> bool:
    return any(before.get(name, _UNKNOWN.get(name)) != after[name] for name in names)


def _broken(one: Row) -> Text:
    text = Text.assemble(severity(one["severity"]), " ", (one["rule"], "bold"), "  ")
    if one["status"] == "switched_off":
        text.append("switched off by policy", style="dim")
    elif one["status"]:
        text.append_text(status(one["status"]))
    if one["alert"]:
        text.append(f"  {one['alert'][:12]}", style="dim")
    sentence = f"expected {one['expected']}, found {one['found'] or 'nothing'}" if one["expected"] else one["found"] or ""
    return text.append(f"\n{readable(sentence)}") if sentence else text


def _line(name: str, text: Text) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True, min_width=7)
    grid.add_column(overflow="fold")
    grid.add_row(name, text)
    return Padding(grid, (0, 0, 0, 4))


def _conclusions(conclusions: Sequence[Row]) -> list[RenderableType]:
    if not conclusions:
        return [Text("nothing is wrong with it")]
    blocks: list[RenderableType] = [
        Text(f"{count(len(conclusions), 'alert')} {'follows' if len(conclusions) == 1 else 'follow'}:", style="bold")
    ]
    for one in conclusions:
        text = Text.assemble("  ", severity(one["severity"]), " ", one["rule"], "  ", status(one["status"] or "not judged yet"))
        blocks += [text, Text(f"      packtrace alerts show {one['alert'][:12]}", style="dim")]
    return blocks

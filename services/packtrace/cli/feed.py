"""Commands that put something in: reference data, events over Kafka, events over HTTP, rejected ones again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from packtrace.cli.options import HOME, Home, Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import count, counter, emit, screen, tell
from packtrace.errors import RejectedError

PANEL = "Feed"
SHOWN_MAX = 50

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Events as JSON lines, a JSON array or one object; - is standard input.", show_default=False),
]

rejected_app = typer.Typer(no_args_is_help=True, help="What could not be read, and why: list, show, replay.")


def publish(files: Files, home: Home = HOME, as_json: Json = False) -> None:
    """Events straight to Kafka as Avro, as a line does; the router judges them.

    What cannot be written as a record at all is told with file and line, and the rest is sent (exit 1).

    Example: packtrace publish schemas/examples/events.jsonl
    """
    from packtrace.cli.files import events_of, open_file
    from packtrace.cli.publish import Unsent
    from packtrace.cli.publish import publish as send
    from packtrace.cli.system import event_writer

    def located() -> Any:
        for name in files:
            with open_file(name) as stream:
                yield from events_of(name, stream)

    def say(unsent: Unsent) -> None:
        error = unsent.error
        if as_json:
            emit(
                {
                    "status": "unsent",
                    "place": unsent.place,
                    "code": str(error.code),
                    "where": error.where,
                    "expected": error.expected,
                    "found": error.found,
                }
            )
        else:
            tell(f"{unsent.place}: {error.text}", "red")

    with event_writer(home) as (writer, encode), counter("published", quiet=as_json) as progress:
        done = send(located(), writer, encode, say, progress)
    if as_json:
        emit({"status": "done", "published": done.sent, "unsent": done.unsent, "seconds": round(done.seconds, 3)})
    else:
        rate = f", {done.sent / done.seconds:,.0f} a second" if done.sent > 1000 and done.seconds > 0 else ""
        screen().print(
            f"{count(done.sent, 'event')} published to events{rate}" + (f"; {done.unsent:,} could not be written" if done.unsent else "")
        )
    if done.unsent:
        raise NoError


CaptureFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="EPCIS 1.2 XML, 2.0 XML, 2.0 JSON-LD, or events as JSON lines or arrays; - is standard input.",
        show_default=False,
    ),
]


def capture(
    files: CaptureFiles,
    rollback: Annotated[bool, typer.Option("--rollback", help="Of an EPCIS document: take none of its events if one is bad.")] = False,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """EPCIS documents and events through the gateway, which judges each event at once (exit 1 if it rejects any).

    Example: packtrace capture partner.xml
    """
    from packtrace.cli.capture import capture_file
    from packtrace.cli.client import Client
    from packtrace.cli.files import within_line
    from packtrace.cli.system import addresses

    client = Client("gateway", addresses(home).gateway, timeout_seconds=120)
    accepted = rejected = problems = shown = known = warned = 0
    for name in files:
        for one in capture_file(client, name, behaviour="rollback" if rollback else ""):
            known += one.receipt.get("master_data", 0)
            for warning in [] if as_json else one.receipt.get("warnings", []):
                warned += 1
                if warned <= SHOWN_MAX:
                    event = f", event {warning['index']}" if warning["index"] >= 0 else ""
                    tell(f"{one.file}{event}, {warning['where']}: {warning['text']}", "yellow")
            accepted += one.receipt.get("accepted", 0)
            rejected += one.receipt.get("rejected", 0)
            problems += bool(one.problem)
            if as_json:
                emit({"file": one.file} | (one.receipt or {"problem": one.problem}))
                continue
            if one.problem:
                tell(f"{one.file}: {one.problem}", "red")
            for refusal in one.refusals:
                shown += 1
                if shown <= SHOWN_MAX:
                    verdict = refusal.verdict
                    error = RejectedError(verdict["code"], verdict.get("where", ""), verdict.get("expected", ""), verdict.get("found", ""))
                    error = within_line(error) if refusal.place[-1:].isdigit() else error
                    tell(f"{refusal.place}: {error.text} [{verdict['code']}]", "red")
    if not as_json:
        if shown > SHOWN_MAX:
            tell(f"and {shown - SHOWN_MAX:,} more; `packtrace rejected list` shows them", "dim")
        screen().print(
            f"{count(accepted, 'event')} accepted, {rejected:,} rejected"
            + (f", reference data of {count(known, 'thing')} added" if known else "")
            + (f", {count(problems, 'file')} not read" if problems else "")
        )
    if rejected or problems:
        raise NoError


@rejected_app.command("list")
def rejected_list(
    reason: Annotated[str | None, typer.Option("--reason", metavar="CODE", help="One reason, e.g. wrong-check-digit.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Logged at or after: a time or an age such as 15m.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Rows at most (default 50; with --json all).", show_default=False)
    ] = None,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """What was rejected, the newest first: where it came from, which place in it, expected and found.

    Example: packtrace rejected list --reason wrong-check-digit --since 1h
    """
    from packtrace.cli.ask import pages, query

    filters = _filters(reason, since)
    rows = pages(query(home), "/rejected", "rejected", filters, limit if as_json or limit else SHOWN_MAX + 1)
    if as_json:
        for row in rows:
            emit(row)
        return
    from packtrace.cli.draw_rejected import rejected_table

    screen().print(rejected_table(list(rows), limit or SHOWN_MAX, filtered=bool(reason or since)))


Origin = Annotated[str, typer.Argument(metavar="TOPIC/PARTITION/OFFSET", help="As `rejected list` names it, e.g. events/3/1042.")]


@rejected_app.command("show")
def rejected_show(origin: Origin, home: Home = HOME, as_json: Json = False) -> None:
    """One rejected input with its original bytes.

    Example: packtrace rejected show events/3/1042
    """
    from packtrace.cli.ask import found, query
    from packtrace.cli.replay import path_of

    path = path_of(origin)
    answer = found(query(home).get(path))
    if as_json:
        return emit(answer)
    from packtrace.cli.draw_rejected import rejected_card

    screen().print(rejected_card(answer))


@rejected_app.command("replay")
def rejected_replay(
    origins: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC/PARTITION/OFFSET...]", help="These only; none: all that match the options.", show_default=False),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="CODE", help="One reason, e.g. unknown-schema.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Logged at or after: a time or an age such as 15m.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, send nothing.")] = False,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Send rejected inputs again, byte for byte, to where they came from; repeats of known events do no harm.

    Example: packtrace rejected replay --reason unknown-schema --dry-run
    """
    from packtrace.cli.ask import pages, query
    from packtrace.cli.client import Client
    from packtrace.cli.replay import replay
    from packtrace.cli.system import addresses, raw_writer

    client = query(home)
    chosen = list(origins or [])
    if not chosen:
        rows = pages(client, "/rejected", "rejected", _filters(reason, since), None)
        chosen = [f"{row['topic']}/{row['partition']}/{row['offset']}" for row in rows]
    gateway = Client("gateway", addresses(home).gateway)
    done = replay(client, chosen, lambda: raw_writer(home), lambda: gateway, dry_run)
    if as_json:
        for one in done:
            emit({"origin": one.origin, "status": one.status, "bytes": one.size, "why": one.why})
    else:
        for one in done:
            if one.why:
                tell(f"{one.origin}: {one.why}", "yellow")
        sent = sum(one.status in ("sent", "would be sent") for one in done)
        screen().print(
            f"{count(sent, 'input')} {'would be sent' if dry_run else 'sent'} again"
            + (f", {len(done) - sent:,} not" if sent != len(done) else "")
        )
    if any(one.status == "refused" for one in done):
        raise NoError


def _filters(reason: str | None, since: str | None) -> dict[str, object]:
    from packtrace.cli.moment import read_moment

    return {"reason": reason, "since": read_moment(since, datetime.now(UTC)) if since else None}


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    app.command(rich_help_panel=PANEL)(publish)
    app.command(rich_help_panel=PANEL)(capture)
    app.add_typer(rejected_app, name="rejected", rich_help_panel=PANEL)

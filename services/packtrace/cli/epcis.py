"""``packtrace epcis``: what a partner must fix in a file, the file in another form, the hashes of its events. No server needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from packtrace.cli.options import Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import count, emit, screen, tell
from packtrace.errors import RefusedError, RejectedError

if TYPE_CHECKING:
    from packtrace.codec.epcis.reading import Remark

PANEL = "Files and codes"
SHOWN_MAX = 200

app_ = typer.Typer(no_args_is_help=True, help="EPCIS files: check, convert, hash. No server is needed.")

File = Annotated[
    str, typer.Argument(metavar="FILE", help="EPCIS 1.2 XML, 2.0 XML or 2.0 JSON-LD; - is standard input.", show_default=False)
]


@app_.command()
def check(
    file: File,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only what must be fixed, no remarks.")] = False,
    as_json: Json = False,
) -> None:
    """What a partner must fix, event by event with its place, judged as the gateway does (exit 1 if anything).

    Example: packtrace epcis check partner.xml
    """
    from packtrace.cli.epcis_files import UNLIMITED, refuse_no_epcis, source_of_file
    from packtrace.cli.epcis_files import check as judge
    from packtrace.codec.epcis.master_data import master_data
    from packtrace.codec.epcis.reading import Reading

    good = bad = remarks = 0
    try:
        reading = Reading(source_of_file(file), UNLIMITED)
        for one in judge(reading):
            good, bad = good + (one.error is None), bad + (one.error is not None)
            remarks += len(one.remarks)
            if as_json and (one.error is not None or (one.remarks and not quiet)):
                emit(_row(one.found.number, one.id, one.error, [] if quiet else one.remarks, one.found.place))
            if as_json:
                continue
            if one.error is not None and bad <= SHOWN_MAX:
                tell(f"event {one.found.number}, {one.error.text} [{one.error.code}]", "red")
            for remark in () if quiet or remarks > SHOWN_MAX else one.remarks:
                tell(f"event {one.found.number}, {one.found.place(remark.where)}: {remark.text}", "yellow")
    except RejectedError as error:
        if as_json:
            emit(
                {
                    "event": None,
                    "status": "rejected",
                    "code": str(error.code),
                    "where": error.where,
                    "expected": error.expected,
                    "found": error.found,
                }
            )
            raise NoError from None
        raise NoError(str(refuse_no_epcis(file, error))) from None
    known = master_data(reading.document)
    if as_json:
        emit(
            {
                "status": "done",
                "good": good,
                "bad": bad,
                "remarks": remarks,
                "master_data": len(known.changes),
                "version": reading.document.version,
            }
        )
    else:
        for remark in reading.remarks:
            tell(remark.text, "yellow")
        more = f", {count(remarks, 'remark')}" if remarks else ""
        more += f", master data of {count(len(known.changes), 'thing')}" if known.changes else ""
        screen().print(f"{count(good + bad, 'event')}: {good:,} good, {bad:,} to fix{more}")
    if bad:
        raise NoError


def _row(number: int, id: str, error: RejectedError | None, remarks: Sequence[Remark], place: Callable[[str], str]) -> dict[str, object]:
    row: dict[str, object] = {"event": number, "status": "good" if error is None else "rejected", "id": id}
    if error is not None:
        row |= {"code": str(error.code), "where": error.where, "expected": error.expected, "found": error.found}
    return row | {"remarks": [{"where": place(remark.where), "text": remark.text} for remark in remarks]}


@app_.command()
def convert(
    file: File,
    to: Annotated[str, typer.Option("--to", metavar="FORM", help="json (2.0 JSON-LD), xml (2.0) or xml-1.2.")] = "json",
    epcs: Annotated[str, typer.Option("--epcs", metavar="FORM", help="Identifiers: as-captured, urn or link.")] = "as-captured",
    words: Annotated[str | None, typer.Option("--words", metavar="FORM", help="CBV words: bare, urn or web.", show_default=False)] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of to standard output.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """The same events in another form; what cannot be read or written so is told, the rest is written (exit 1).

    Example: packtrace epcis convert partner.xml --to json --epcs link -o partner.jsonld
    """
    from packtrace.cli.epcis_files import KINDS, Conversion, Form, refuse_no_epcis, source_of_file
    from packtrace.codec.epcis.spelling import EpcFormat
    from packtrace.codec.epcis.vocabulary import Spelling

    if to not in KINDS or epcs not in set(EpcFormat) or (words is not None and words not in set(Spelling)):
        raise RefusedError("expected --to json, xml or xml-1.2, --epcs as-captured, urn or link, --words bare, urn or web")
    if as_json and output is None:
        raise RefusedError("--json tells what was done; say with --output where the document goes")
    done = Conversion(source_of_file(file), Form(to, EpcFormat(epcs), Spelling(words) if words else None))
    try:
        if output is None:
            for piece in done.pieces():
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.write(b"\n")
            sys.stdout.buffer.flush()
        else:
            with output.open("wb") as stream:
                stream.writelines(done.pieces())
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RefusedError(f"{output or 'standard output'}: {error.strerror or error}") from None
    except RejectedError as error:
        raise NoError(str(refuse_no_epcis(file, error))) from None
    for found, refused in done.failed:
        if not as_json:
            tell(f"event {found.number}, {refused.text} [{refused.code}]", "red")
    if as_json:
        emit({"status": "done", "written": done.written, "failed": len(done.failed), "output": str(output)})
    elif output is not None:
        screen().print(f"{count(done.written, 'event')} written to {output}" + (f", {len(done.failed):,} not" if done.failed else ""))
    if done.failed:
        raise NoError


@app_.command("hash")
def hash_(
    file: File,
    cbv: Annotated[str, typer.Option("--cbv", metavar="VERSION", help="2.0 or 2.1.")] = "2.0",
    text: Annotated[bool, typer.Option("--text", help="Also the text that is hashed.")] = False,
    as_json: Json = False,
) -> None:
    """The CBV event hash of every event: the id that everybody computes alike from what the event says.

    Example: packtrace epcis hash partner.xml
    """
    from packtrace.cli.epcis_files import UNLIMITED, refuse_no_epcis, source_of_file
    from packtrace.codec.epcis.hashing import hash_of, prehash_of
    from packtrace.codec.epcis.reading import Reading, whole
    from packtrace.codec.event_hash import Version

    if cbv not in ("2.0", "2.1"):
        raise RefusedError(f"--cbv: expected 2.0 or 2.1, found {cbv!r}")
    failed = 0
    try:
        for found in Reading(source_of_file(file), UNLIMITED):
            try:
                event = whole(found)
            except RejectedError as error:
                failed += 1
                if as_json:
                    emit({"event": found.number, "status": "rejected", "code": str(error.code), "where": error.where})
                else:
                    tell(f"event {found.number}, {error.text} [{error.code}]", "red")
                continue
            row = {"event": found.number, "id": event.event_id, "hash": hash_of(event, Version(f"CBV{cbv}"))}
            if as_json:
                emit(row | ({"text": prehash_of(event)} if text else {}))
            else:
                sys.stdout.write(f"{row['hash']}\n" + (f"  {prehash_of(event)}\n" if text else ""))
    except RejectedError as error:
        raise NoError(str(refuse_no_epcis(file, error))) from None
    if failed:
        raise NoError


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    app.add_typer(app_, name="epcis", rich_help_panel=PANEL)

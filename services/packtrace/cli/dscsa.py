"""``packtrace dscsa``: what a shipment owes its buyer, written as a file for a program or a page for a person."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from packtrace.cli.ask import found, query, segment
from packtrace.cli.options import HOME, Home, Json
from packtrace.cli.output import emit, tell
from packtrace.errors import RefusedError

PANEL = "Ask"


class Form(StrEnum):
    """Of the answer."""

    XML = "xml"
    HTML = "html"


_MEDIA = {Form.XML: "application/xml", Form.HTML: "text/html"}


def dscsa(
    shipment: Annotated[
        str,
        typer.Argument(
            metavar="SHIPMENT", help="An item that was shipped, any spelling, or the id of the shipping event.", show_default=False
        ),
    ],
    form: Annotated[Form, typer.Option("--to", help="EPCIS 1.2 for the buyer's system, or a page to print.")] = Form.XML,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; else standard output.", show_default=False)] = None,
    affirm: Annotated[bool, typer.Option("--affirm", help="State, as the seller, the transaction statement of FDCA 581(27).")] = False,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Transaction information and statement (DSCSA) of a shipment, from the history.

    Example: packtrace dscsa urn:epc:id:sscc:9506000.0000000777 --to html --out shipment.html
    """
    path = f"/dscsa/{segment(shipment)}" + ("?affirm=true" if affirm else "")
    if as_json:
        return emit(found(query(home).get(path)))
    body = found(query(home).document(path, _MEDIA[form]))
    if out is None:
        sys.stdout.write(body)
        return None
    try:
        out.write_text(body, encoding="utf-8")
    except OSError as error:
        raise RefusedError(f"{out} cannot be written: {error.strerror or error}") from error
    return tell(f"written to {out}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL)(dscsa)

"""``packtrace scan`` and ``packtrace id``: what a code says, and an identifier in every spelling. No server needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from packtrace.cli.options import Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import emit, screen
from packtrace.errors import RejectedError

PANEL = "Files and codes"

scan_app = typer.Typer(no_args_is_help=True, help="Scanned codes.")
id_app = typer.Typer(no_args_is_help=True, help="Identifiers.")

# fmt: off
WARNINGS = {
    # warning -> what to do about it
    "caps-lock-scanner":    "the scanner inverts letters (caps lock): serial and lot cannot be trusted",
    "line-end-stripped":    "the scanner adds a line end",
    "separator-stand-in":   "the scanner writes a text in place of the group separator",
    "day-00":               "the expiry has day 00: the last day of the month",
    "lot-holds-serial":     "the separator after the lot was lost: it looks like a lot and a serial",
    "partial-scan":         "no item: a serial or an SSCC is missing",
    "more-data":            "the tag says that more data follow, which are not read here",
}
# fmt: on


@scan_app.command("decode")
def scan_decode(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="As the scanner sent it: element string, Digital Link, URN, tag in hexadecimal digits.")
    ],
    as_json: Json = False,
) -> None:
    """What a scanned code says, with what is odd about it (exit 1 if it cannot be read).

    Example: packtrace scan decode "(01)09506000134352(21)A1B2C3(17)280531(10)L7"
    """
    try:
        row = decoded(text)
    except RejectedError as error:
        if as_json:
            emit({"text": text, "code": str(error.code), "where": error.where, "expected": error.expected, "found": error.found})
            raise NoError from None
        raise NoError(error.text) from None
    if as_json:
        return emit(row)
    for name in ("kind", "epc", "gtin", "serial", "lot", "expiry", "scheme"):
        if row.get(name):
            screen().print(f"{name:<8} {row[name]}", markup=False)
    for ai, value in row["elements"]:
        screen().print(f"({ai}) {value}", markup=False)
    for warning in row["warnings"]:
        screen().print(f"! {warning}: {WARNINGS.get(warning, '')}", markup=False, style="yellow")


def decoded(text: str) -> dict[str, Any]:
    """The members of the answer.

    Raises:
        RejectedError: it cannot be read.
    """
    from packtrace.codec.identifiers import digital_link, gln_link, lot_link, parse_gln, parse_lot_class, parse_scan
    from packtrace.codec.tag import is_tag, read_tag
    from packtrace.domain.dates import date_text
    from packtrace.domain.identifiers import gtin_of, is_sscc, serial_of

    row: dict[str, Any] = {
        "text": text,
        "kind": "",
        "epc": "",
        "gtin": "",
        "serial": "",
        "lot": "",
        "expiry": "",
        "elements": [],
        "warnings": [],
    }
    if is_tag(text):
        tag = read_tag(text)
        link = gln_link(tag.key) if tag.is_place else digital_link(tag.key)
        if not tag.is_place and not is_sscc(tag.key):
            row |= {"gtin": gtin_of(tag.key), "serial": serial_of(tag.key)}
        kind = "place" if tag.is_place else "sscc" if is_sscc(tag.key) else "sgtin"
        warnings = ["more-data"] if tag.more else []
        return row | {"kind": kind, "epc": link, "scheme": str(tag.scheme), "expiry": date_text(tag.expiry), "warnings": warnings}
    try:
        scan = parse_scan(text)
    except RejectedError as error:
        others: dict[str, Callable[[], str]] = {
            "place": lambda: gln_link(parse_gln(text)),
            "lot class": lambda: lot_link(*parse_lot_class(text)),
        }
        for kind, read in others.items():
            try:
                return row | {"kind": kind, "epc": read()}
            except RejectedError:
                continue
        raise error from None
    if not scan.key and not scan.gtin:
        try:
            return row | {"kind": "place", "epc": gln_link(parse_gln(text)), "elements": [list(one) for one in scan.elements]}
        except RejectedError:
            pass  # a part of something else
    kind = "partial" if not scan.key else "sscc" if is_sscc(scan.key) else "sgtin"
    return row | {
        "kind": kind,
        "epc": digital_link(scan.key) if scan.key else "",
        "gtin": scan.gtin,
        "serial": scan.serial,
        "lot": scan.lot,
        "expiry": date_text(scan.expiry),
        "elements": [list(one) for one in scan.elements],
        "warnings": [str(one) for one in scan.warnings],
    }


@id_app.command("convert")
def id_convert(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="An item, place or lot class in any spelling, or a tag.")],
    prefix: Annotated[
        int | None,
        typer.Option("--prefix", min=6, max=12, help="Digits of the company prefix, for URN and older tags.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """One identifier in every spelling; a URN and the older tags need the length of the company prefix.

    Example: packtrace id convert urn:epc:id:sgtin:9506000.013435.A1B2C3
    """
    try:
        row = spellings(text, prefix)
    except RejectedError as error:
        if as_json:
            emit({"text": text, "code": str(error.code), "expected": error.expected, "found": error.found})
            raise NoError from None
        raise NoError(error.text) from None
    if as_json:
        return emit(row)
    for name, value in row.items():
        if value and name != "text":
            screen().print(f"{name.replace('_', ' '):<16} {value}", markup=False)


def spellings(text: str, prefix: int | None) -> dict[str, str]:
    """Name of a spelling -> the identifier in it.

    Raises:
        RejectedError: it cannot be read.
    """
    from packtrace.codec.identifiers import parse_gln, parse_item, parse_lot_class
    from packtrace.codec.tag import is_tag, read_tag

    prefix = prefix or _stated_prefix(text)
    if is_tag(text):
        tag = read_tag(text)
        prefix = prefix or tag.prefix_length
        return {"text": text} | (_place(tag.key, prefix) if tag.is_place else _item(tag.key, prefix))
    try:
        return {"text": text} | _item(parse_item(text), prefix)
    except RejectedError as error:
        try:
            return {"text": text} | _place(parse_gln(text), prefix)
        except RejectedError:
            try:
                return {"text": text} | _lot(*parse_lot_class(text), prefix)
            except RejectedError:
                raise error from None


def _stated_prefix(text: str) -> int:
    parts = text.split(":", 4)
    digits = parts[4].partition(".")[0] if len(parts) == 5 and parts[:2] == ["urn", "epc"] else ""
    return len(digits) if digits.isascii() and digits.isdigit() else 0


def _item(key: str, prefix: int) -> dict[str, str]:
    from packtrace.codec.element_string import bracketed
    from packtrace.codec.identifiers import digital_link, epc_urn
    from packtrace.codec.tag import Scheme
    from packtrace.domain.identifiers import gtin_of, is_sscc, serial_of

    elements = [("00", serial_of(key))] if is_sscc(key) else [("01", gtin_of(key)), ("21", serial_of(key))]
    schemes = (Scheme.SSCC_96, Scheme.SSCC_PLUS) if is_sscc(key) else (Scheme.SGTIN_96, Scheme.SGTIN_198, Scheme.SGTIN_PLUS)
    out = {"key": key, "digital_link": digital_link(key), "element_string": bracketed(elements)}
    return out | {"urn": epc_urn(key, prefix) if prefix else ""} | _tags(key, schemes, prefix)


def _place(key: str, prefix: int) -> dict[str, str]:
    from packtrace.codec.element_string import bracketed
    from packtrace.codec.epc_urn import write_gln
    from packtrace.codec.identifiers import gln_link
    from packtrace.codec.tag import Scheme
    from packtrace.domain.identifiers import extension_of, premises

    extension = extension_of(key)
    elements = [("414", premises(key)), *([("254", extension)] if extension else [])]
    out = {"key": key, "digital_link": gln_link(key), "element_string": bracketed(elements)}
    return out | {"urn": write_gln(key, prefix) if prefix else ""} | _tags(key, (Scheme.SGLN_96, Scheme.SGLN_195, Scheme.SGLN_PLUS), prefix)


def _lot(gtin: str, lot: str, prefix: int) -> dict[str, str]:
    from packtrace.codec.element_string import bracketed
    from packtrace.codec.epc_urn import write_lot_class
    from packtrace.codec.identifiers import lot_link
    from packtrace.domain.identifiers import lot_key

    out = {"key": lot_key(gtin, lot), "digital_link": lot_link(gtin, lot), "element_string": bracketed([("01", gtin), ("10", lot)])}
    return out | {"urn": write_lot_class(gtin, lot, prefix) if prefix else ""}


def _tags(key: str, schemes: tuple[Any, ...], prefix: int) -> dict[str, str]:
    """The tag in every scheme that can represent it; empty where it cannot."""
    from packtrace.codec.tag import write_tag

    out = {}
    for scheme in schemes:
        try:
            out[f"tag_{scheme}"] = write_tag(key, scheme, prefix_length=prefix)
        except RejectedError:
            out[f"tag_{scheme}"] = ""
    return out


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    app.add_typer(scan_app, name="scan", rich_help_panel=PANEL)
    app.add_typer(id_app, name="id", rich_help_panel=PANEL)

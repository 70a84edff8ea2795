"""What a shipment owes its buyer by DSCSA: transaction information and statement, as EPCIS 1.2 and for a person. Pure.

Transaction information is what the history says was in the shipment when it left; its history is every event of those items
up to then. The statement is a claim of the seller in law: it is never made here, only handed on as the shipment's own
document had it, or written down where the seller asks for it.

Source: DSCSA 581(26), (27); GS1 US Implementation Guideline for DSCSA R1.3, 2.2 and 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

import msgspec

from packtrace.codec.epcis.document import EPCIS_DOCUMENT, GS1_US, Attribute, Document, Element, Vocabulary
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.spelling import Prefixes
from packtrace.codec.gs1_uri import canonical_uri
from packtrace.codec.identifiers import digital_link
from packtrace.domain.dates import date_text
from packtrace.domain.identifiers import gtin_of, is_sscc, serial_of
from packtrace.domain.item import Item
from packtrace.domain.reference import Reference
from packtrace.query.epcis_document import Kept

_MDA: Final = "urn:epcglobal:cbv:mda#"
STATEMENT: Final = "dscsaTransactionStatement"
LEGAL_NOTICE: Final = "Seller has complied with each applicable subsection of FDCA Sec. 581(27)(A)-(G)."  # GS1 US guideline, 6.2


class Line(NamedTuple):
    """One product and lot of a shipment."""

    gtin: str
    product: str
    lot: str
    expiry: str
    serials: tuple[str, ...]


class Partner(NamedTuple):
    """A party of the transaction; ``gln`` as Digital Link."""

    gln: str
    name: str


class Shipment(NamedTuple):
    """Transaction information.

    Args:
        ndc: see ``Line``; the labels of a GTIN that begins with 003 hold the NDC.
        containers: what left, from the outermost in.
        stated: whether the seller's statement is in ``document``.
    """

    event: EpcisEvent
    seller: Partner
    buyer: Partner
    lines: tuple[Line, ...]
    containers: tuple[str, ...]
    document: Document

    @property
    def stated(self) -> bool:
        return self.document.statement("affirmTransactionStatement") == "true"


def ndc(gtin: str) -> str:
    """The ten digits of the NDC in a GTIN of the US drug range, without their dashes; empty of others."""
    return gtin[3:13] if gtin.startswith("003") else ""


def shipment(shipped: Kept, items: Sequence[Item], reference: Reference, prefixes: Prefixes, affirm: bool) -> Shipment:
    """Put it together.

    Args:
        items: everything that was in the shipment when it left, what it was in included.
        prefixes: company prefixes that the events show; EPCIS 1.2 names a product by its own.
        affirm: the seller makes the statement now.
    """
    event = shipped.event
    lines: dict[tuple[str, str, str], list[str]] = {}
    for item in items:
        if not is_sscc(item.key) and not item.children_count:
            lines.setdefault((gtin_of(item.key), item.lot, date_text(item.expiry)), []).append(serial_of(item.key))
    rows = []
    for (gtin, lot, expiry), serials in sorted(lines.items()):
        product = reference.product(gtin)
        rows.append(Line(gtin, product.name if product else "", lot, expiry, tuple(sorted(serials))))
    containers = tuple(digital_link(item.key) for item in items if is_sscc(item.key) or item.children_count)
    seller = _partner(event, "sources", shipped.document.sender, reference)
    buyer = _partner(event, "destinations", shipped.document.receiver, reference)
    return Shipment(
        event, seller, buyer, tuple(rows), containers, _document(shipped.document, event, rows, [seller, buyer], prefixes, affirm)
    )


def _partner(event: EpcisEvent, field: str, otherwise: str, reference: Reference) -> Partner:
    found = {pair.type: pair.id for pair in getattr(event, field)}
    id = found.get("owning_party") or found.get("possessing_party") or otherwise
    link = canonical_uri(id)
    gln = link.rpartition("/")[2] if link.startswith(("https://id.gs1.org/414/", "https://id.gs1.org/417/")) else ""
    party, place = (reference.party(gln), reference.location(gln)) if gln else (None, None)
    return Partner(id, (party.name if party else "") or (place.name if place else ""))


def _document(
    captured: Document, event: EpcisEvent, lines: Sequence[Line], partners: Sequence[Partner], prefixes: Prefixes, affirm: bool
) -> Document:
    header = captured.header
    if affirm and captured.statement("affirmTransactionStatement") != "true":
        said = (Node(f"{{{GS1_US}}}affirmTransactionStatement", "true"), Node(f"{{{GS1_US}}}legalNotice", LEGAL_NOTICE))
        header = (*header, Node(f"{{{GS1_US}}}{STATEMENT}", "", said))
    products: dict[str, Line] = {}
    for line in lines:
        if line.product and (length := prefixes.length(line.gtin[1:13])):
            reference = line.gtin[0] + line.gtin[1 + length : 13]
            products.setdefault(f"urn:epc:idpat:sgtin:{line.gtin[1 : 1 + length]}.{reference}.*", line)
    classes = tuple(
        Element(id, tuple(Attribute(_MDA + name, value) for name, value in _product(line) if value))
        for id, line in sorted(products.items())
    )
    places = tuple(Element(one.gln, (Attribute(f"{_MDA}name", one.name),)) for one in dict.fromkeys(partners) if one.gln and one.name)
    vocabularies = (
        *([Vocabulary("urn:epcglobal:epcis:vtype:EPCClass", classes)] if classes else []),
        *([Vocabulary("urn:epcglobal:epcis:vtype:Location", places)] if places else []),
    )
    return msgspec.structs.replace(
        captured,
        kind=EPCIS_DOCUMENT,
        version="1.2",
        created=event.record_time,
        sender=captured.sender or partners[0].gln,
        receiver=captured.receiver or partners[1].gln,
        instance=captured.instance or event.event_id,
        header=header,
        vocabularies=vocabularies,
        query="",
        subscription="",
    )


def _product(line: Line) -> list[tuple[str, str]]:
    code = ndc(line.gtin)
    return [
        ("additionalTradeItemIdentification", code),
        ("additionalTradeItemIdentificationTypeCode", "US_FDA_NDC" if code else ""),
        ("regulatedProductName", line.product),
    ]


def told(one: Shipment) -> dict[str, object]:
    """Transaction information as JSON."""
    event = one.event
    return {
        "event": event.event_id,
        "shipped_at": event.event_time,
        "from": {"id": one.seller.gln, "name": one.seller.name or None},
        "to": {"id": one.buyer.gln, "name": one.buyer.name or None},
        "transactions": [{"type": pair.type, "id": pair.id} for pair in event.transactions],
        "products": [
            {
                "gtin": line.gtin,
                "ndc": ndc(line.gtin) or None,
                "product": line.product or None,
                "lot": line.lot or None,
                "expiry": line.expiry or None,
                "units": len(line.serials),
                "serials": list(line.serials),
            }
            for line in one.lines
        ],
        "containers": list(one.containers),
        "units": sum(len(line.serials) for line in one.lines),
        "statement": one.stated,
    }


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Transaction information {title}</title>
<style>body{{font:14px/1.4 sans-serif;margin:2em;max-width:60em}}table{{border-collapse:collapse;width:100%}}
td,th{{border:1px solid #999;padding:.3em .5em;text-align:left;vertical-align:top}}.serials{{font-family:monospace;font-size:12px}}</style>
</head><body><h1>Transaction information</h1>
<table>{facts}</table><h2>Product</h2>
<table><tr><th>Product</th><th>GTIN</th><th>NDC</th><th>Lot</th><th>Expiry</th><th>Units</th><th>Serial numbers</th></tr>{lines}</table>
<h2>Containers</h2><p class="serials">{containers}</p><h2>Transaction statement</h2><p>{statement}</p></body></html>
"""


def readable(one: Shipment) -> bytes:
    """Transaction information and statement as a page to print; it asks for nothing from elsewhere."""
    event = one.event
    facts: Mapping[str, str] = {
        "Shipped": event.event_time,
        "From (seller)": f"{one.seller.name} {one.seller.gln}".strip(),
        "To (buyer)": f"{one.buyer.name} {one.buyer.gln}".strip(),
        "Shipped from": event.location.id if event.location else event.read_point.id if event.read_point else "",
        "Documents": ", ".join(f"{pair.type or 'document'} {pair.id}" for pair in event.transactions),
        "Event": event.event_id,
    }
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(cell)}</td>" for cell in (line.product, line.gtin, ndc(line.gtin), line.lot, line.expiry, str(len(line.serials)))
        )
        + f'<td class="serials">{escape(" ".join(line.serials))}</td></tr>'
        for line in one.lines
    )
    notice = one.document.statement("legalNotice") or LEGAL_NOTICE
    page = _PAGE.format(
        title=escape(event.event_id),
        facts="".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts.items() if text),
        lines=lines,
        containers="<br>".join(map(escape, one.containers)) or "none",
        statement=escape(notice) if one.stated else "The seller has made no statement with this shipment.",
    )
    return page.encode()

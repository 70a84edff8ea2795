"""How a neutral event is spelled on the way out: identifiers as URN or Digital Link, CBV words as URN, Web URI or bare.

What was captured keeps its spelling unless another is asked for. A URN needs the length of the company prefix, which a Digital
Link does not say: an identifier that came as a link becomes a URN only where a prefix is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

import msgspec

from packtrace.codec.epc_urn import write_gln, write_item, write_lot_class
from packtrace.codec.epcis import fields
from packtrace.codec.epcis.event import EpcisEvent, Pair, Place, Quantity
from packtrace.codec.gln import parse_gln
from packtrace.codec.gs1_uri import canonical_uri
from packtrace.codec.identifiers import parse_item, parse_lot_class
from packtrace.domain.identifiers import gtin_of, is_sscc, serial_of
from packtrace.errors import RejectedError

_PARTY_LINK: Final = "https://id.gs1.org/417/"


class EpcFormat(StrEnum):
    """Of identifiers; the header ``GS1-EPC-Format`` has other names for them: see ``query``."""

    AS_CAPTURED = "as-captured"
    URN = "urn"
    LINK = "link"


class Prefixes:
    """Company prefixes that are known, to write URNs with."""

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        self._known = frozenset(prefixes)
        self._lengths = sorted({len(one) for one in self._known}, reverse=True)

    def length(self, digits: str) -> int:
        """Of the company prefix that ``digits`` begin with; 0 where none is known."""
        return next((length for length in self._lengths if digits[:length] in self._known), 0)


def prefixes_in(texts: Iterable[str]) -> set[str]:
    """The company prefixes that URNs among ``texts`` show."""
    out = set()
    for text in texts:
        parts = text.split(":", 4)
        if len(parts) == 5 and parts[:2] == ["urn", "epc"]:
            prefix = parts[4].partition(".")[0]
            if prefix.isascii() and prefix.isdigit() and 6 <= len(prefix) <= 12:
                out.add(prefix)
    return out


def identifiers(event: EpcisEvent) -> Iterable[str]:
    """Every identifier of an event that may be spelled in two ways, classes and places included."""
    for field in fields.EPC_LISTS.values():
        yield from getattr(event, field)
    yield event.parent
    for field in fields.QUANTITY_LISTS.values():
        yield from (one.epc_class for one in getattr(event, field))
    yield from (place.id for place in (event.read_point, event.location) if place)
    yield from (pair.id for pair in (*event.transactions, *event.sources, *event.destinations))


def respelled(event: EpcisEvent, form: EpcFormat, prefixes: Prefixes | None = None) -> EpcisEvent:
    """``event`` with its identifiers in ``form``; what cannot be spelled so stays as it is."""
    if form is EpcFormat.AS_CAPTURED:
        return event
    write = canonical_uri if form is EpcFormat.LINK else _urn_writer(prefixes or Prefixes(prefixes_in(identifiers(event))))
    changed: dict[str, object] = {field: tuple(map(write, getattr(event, field))) for field in fields.EPC_LISTS.values()}
    changed["parent"] = write(event.parent)
    for field in fields.QUANTITY_LISTS.values():
        changed[field] = tuple(Quantity(write(one.epc_class), one.quantity, one.uom) for one in getattr(event, field))
    for field in fields.PLACES.values():
        place: Place | None = getattr(event, field)
        changed[field] = place and Place(write(place.id), place.extensions)
    for field, _ in fields.PAIRS.values():
        changed[field] = tuple(Pair(one.type, write(one.id)) for one in getattr(event, field))
    return msgspec.structs.replace(event, **changed)


def _urn_writer(prefixes: Prefixes) -> Callable[[str], str]:
    def write(text: str) -> str:
        if text[:4].lower() != "http":
            return text
        for spell in (_item_urn, _lot_urn, _place_urn):
            try:
                return spell(text, prefixes)
            except RejectedError:
                continue
        return text

    return write


def _item_urn(text: str, prefixes: Prefixes) -> str:
    key = parse_item(text)
    return write_item(key, prefixes.length((serial_of(key) if is_sscc(key) else gtin_of(key))[1:13]))


def _lot_urn(text: str, prefixes: Prefixes) -> str:
    gtin, lot = parse_lot_class(text)
    return write_lot_class(gtin, lot, prefixes.length(gtin[1:13]))


def _place_urn(text: str, prefixes: Prefixes) -> str:
    key = parse_gln(text)
    length = prefixes.length(key[:12])
    urn = write_gln(key, length)
    return f"urn:epc:id:pgln:{key[:length]}.{key[length:12]}" if canonical_uri(text).startswith(_PARTY_LINK) else urn

"""The header's vocabularies -> reference data: products, places and parties that a partner tells about.

A partner's word is taken for what is not known yet and never for more: whose product it is and what level it has stay as the
site's own reference data say. What EPCIS master data does not state is assumed: a GTIN with indicator 0 is a unit, any other
a case; the product is a partner's; a place belongs to itself.

Source: CBV 2.0, 9 (attributes); EPCIS 2.0, 7.1.4 (vocabulary types).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from packtrace.codec.epcis.document import Document, Element
from packtrace.codec.gln import parse_gln
from packtrace.codec.gs1_uri import canonical_uri
from packtrace.domain.reference import ReferenceChange
from packtrace.domain.reference_file import NAME_CHARACTERS_MAX, read_change
from packtrace.domain.vocabulary import Entity
from packtrace.errors import RejectedError

_GTIN = re.compile(r"https://id\.gs1\.org/01/([0-9]{14})(?:/.*)?")
_PRODUCT_NAMES: Final = (
    "regulatedProductName",
    "descriptionShort",
    "functionalName",
    "tradeItemDescription",
    "labelDescription",
    "brandName",
)
_PLACE_NAMES: Final = ("name", "siteName", "organizationName")


class MasterData(NamedTuple):
    """``changes``: what can become reference data; ``remarks``: (identifier, why it cannot)."""

    changes: list[ReferenceChange]
    remarks: list[tuple[str, str]]


def master_data(document: Document) -> MasterData:
    """The reference data that a document's header tells about, each entity once, the first that is stated."""
    found: dict[tuple[str, str], ReferenceChange] = {}
    remarks = []
    for vocabulary in document.vocabularies:
        read = _READERS.get(vocabulary.type.rpartition(":")[2].rpartition("/")[2].lower())
        for element in vocabulary.elements:
            if read is None:
                remarks.append((element.id, f"{vocabulary.type} is not followed"))
                continue
            try:
                for change in read(element):
                    read_change(change)
                    found.setdefault((change.entity, change.key), change)
            except RejectedError as error:
                remarks.append((element.id, error.text))
    return MasterData(list(found.values()), remarks)


def _attributes(element: Element) -> dict[str, str]:
    """Attributes by their last word: ``urn:epcglobal:cbv:mda#name`` and ``cbvmda:name`` are ``name``."""
    return {re.split(r"[#:/]", one.id)[-1]: one.value.strip() for one in element.attributes if one.value.strip()}


def _name(stated: Mapping[str, str], names: Iterable[str], otherwise: str) -> str:
    found = next((stated[name] for name in names if stated.get(name)), otherwise)
    return "".join(one if one.isprintable() else " " for one in found)[:NAME_CHARACTERS_MAX]


def _change(entity: Entity, key: str, value: Mapping[str, object]) -> ReferenceChange:
    return ReferenceChange(entity.value, key, json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def _product(element: Element) -> Iterator[ReferenceChange]:
    match = _GTIN.fullmatch(canonical_uri(element.id))
    if match is None:
        parse_gln(element.id)  # says what is wrong with it
        return
    gtin, stated = match[1], _attributes(element)
    level = "unit" if gtin[0] == "0" else "case"
    yield _change(Entity.PRODUCT, gtin, {"gtin": gtin, "name": _name(stated, _PRODUCT_NAMES, gtin), "level": level, "origin": "partner"})


def _place(element: Element) -> Iterator[ReferenceChange]:
    gln, stated = parse_gln(element.id), _attributes(element)
    value: dict[str, object] = {"gln": gln, "name": _name(stated, _PLACE_NAMES, gln), "party": gln[:13]}
    try:
        latitude, longitude = float(stated["latitude"]), float(stated["longitude"])
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            value |= {"latitude": latitude, "longitude": longitude}
    except (KeyError, ValueError):
        pass  # none, or none that can be read: the place is known all the same
    yield _change(Entity.LOCATION, gln, value)


def _party(element: Element) -> Iterator[ReferenceChange]:
    gln, stated = parse_gln(element.id), _attributes(element)
    yield _change(Entity.PARTY, gln, {"gln": gln, "name": _name(stated, _PLACE_NAMES, gln), "roles": []})


_READERS: Final[Mapping[str, Callable[[Element], Iterator[ReferenceChange]]]] = {
    "epcclass": _product,
    "location": _place,
    "readpoint": _place,
    "businesslocation": _place,
    "sourcedest": _party,
    "party": _party,
}

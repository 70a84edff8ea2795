"""Master data of a header becomes reference data, and what cannot says why."""

from __future__ import annotations

import json

from packtrace.codec.epcis.document import Attribute, Document, Element, Vocabulary
from packtrace.codec.epcis.master_data import master_data
from tests.codec.epcis.documents import DSCSA, WAYS, events_of


def test_the_dscsa_header_tells_products_and_places() -> None:
    document, events = events_of(DSCSA.read_bytes())
    changes, remarks = master_data(document)
    assert remarks == []
    values = [json.loads(change.value_json or "") for change in changes]
    products = [value for value in values if "gtin" in value]
    assert [(one["gtin"][0], one["level"], one["name"], one["origin"]) for one in products] == [
        ("0", "unit", "Epcistra", "partner"),
        ("1", "case", "Epcistra", "partner"),
    ]
    places = [value for value in values if "gln" in value]
    assert [one["name"] for one in places] == ["GS1 Pharma", "GS1 Pharma DC", "GS1 Drug Distributor", "GS1 Drug Distributor Warehouse"]
    assert all(one["party"] == one["gln"] for one in places)
    for way in WAYS.values():
        assert master_data(events_of(way(document, events))[0]) == (changes, [])


def test_what_cannot_be_reference_data_says_why() -> None:
    elements = (
        Element("urn:epc:id:sgln:9506000.10000.0", (Attribute("cbvmda:latitude", "47.4"), Attribute("cbvmda:longitude", "8.5"))),
        Element("urn:epc:id:sgln:9506000.10000.0", (Attribute("urn:epcglobal:cbv:mda#name", "again"),)),
        Element("urn:epc:id:sgln:9506000.1.0"),
        Element("https://example.com/loc"),
    )
    kinds = ("urn:epcglobal:epcis:vtype:Location", "urn:epcglobal:epcis:vtype:BusinessTransaction")
    changes, remarks = master_data(Document(vocabularies=tuple(Vocabulary(kind, elements) for kind in kinds)))
    assert [json.loads(one.value_json or "") for one in changes] == [
        {"gln": "9506000100005", "name": "9506000100005", "party": "9506000100005", "latitude": 47.4, "longitude": 8.5}
    ]
    assert [id for id, _ in remarks] == ["urn:epc:id:sgln:9506000.1.0", "https://example.com/loc", *[one.id for one in elements]]
    product = Vocabulary("urn:epcglobal:epcis:vtype:EPCClass", (Element("urn:epc:idpat:sgtin:9506000.x.*"),))
    assert len(master_data(Document(vocabularies=(product,))).remarks) == 1

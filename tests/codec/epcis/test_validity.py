"""What is written is valid by GS1's own JSON schema; any bytes at all are read or refused, never a crash."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.hashing import hash_of
from packtrace.codec.epcis.mapping import mapped
from packtrace.codec.epcis.native import neutral_of, presentable
from packtrace.codec.epcis.original import unpacked
from packtrace.codec.epcis.reading import Reading
from packtrace.codec.epcis.source import of_bytes
from packtrace.codec.epcis.spelling import EpcFormat, respelled
from packtrace.codec.event_json import decode_event
from packtrace.domain.explode import ops_of
from packtrace.errors import RejectedError
from tests.codec.epcis.documents import DSCSA, GS1, TESTDATA, TWICE, WAYS, as_json, as_xml_1, as_xml_2, events_of
from tests.codec.epcis.events import epcis_events
from tests.codec.epcis.test_reading import EVENT, XML_EVENT, json_document, xml_document

SCHEMA = jsonschema_rs.validator_for(json.loads((TESTDATA / "gs1-epcis" / "schema" / "EPCIS-JSON-Schema.json").read_text()))
NATIVE = sorted((Path(__file__).parents[3] / "schemas/examples/event/valid").glob("*.json"))
DOCUMENT = Document("EPCISDocument", "2.0", "2026-11-22T10:00:00Z")
RECORDED = 1_795_341_600_000_000


def problems(data: bytes) -> list[str]:
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in SCHEMA.iter_errors(json.loads(data))]


@pytest.mark.parametrize("form", [EpcFormat.AS_CAPTURED, EpcFormat.LINK])
@pytest.mark.parametrize("path", [path for path in [*GS1, DSCSA] if path.name != TWICE], ids=lambda path: path.name)
def test_what_came_in_goes_out_valid(path: Path, form: EpcFormat) -> None:
    document, events = events_of(path.read_bytes())
    assert problems(as_json(document, [respelled(event, form) for event in events])) == []
    document, events = events_of(WAYS["xml-1.2"](document, events))
    assert problems(as_json(document, events)) == []


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.stem)
def test_what_a_line_wrote_goes_out_valid(path: Path) -> None:
    event = presentable(neutral_of(decode_event(path.read_bytes())), RECORDED)
    assert problems(as_json(DOCUMENT, [event])) == []
    assert events_of(as_json(DOCUMENT, [event]))[1] == [event]


@settings(max_examples=40)
@given(event=epcis_events().filter(lambda event: "für" not in str(event)))
def test_what_was_judged_good_goes_out_valid(event: EpcisEvent) -> None:
    """But for names of extensions in other letters than ASCII, which XML has and the schema of JSON calls no URI, for
    what sensors report, which is kept and not judged, and for instance data outside of a commissioning, read with a remark."""
    ilmd = event.ilmd if event.action in ("ADD", "") else ()
    try:
        done = mapped(msgspec.structs.replace(event, sensors=(), ilmd=ilmd))
    except RejectedError:
        return
    assert problems(as_json(DOCUMENT, [presentable(unpacked(done.raw.epcis or "", done.event), RECORDED)])) == []


def test_the_schema_can_refuse() -> None:
    assert problems(json_document(EVENT | {"action": "add"})) != []


SEEDS = [
    json_document(EVENT, EVENT | {"rdfs:a": [1, {"b": None}], "quantityList": [{"epcClass": "urn:x:y", "quantity": 1.5}]}),
    xml_document(XML_EVENT, XML_EVENT.replace("<action>", "<extension><ilmd><a>1</a></ilmd></extension><action>")),
    DSCSA.read_bytes(),
    next(path for path in GS1 if path.name.startswith("transformation")).read_bytes(),
]
cuts = st.tuples(st.integers(0, 60_000), st.integers(0, 40), st.one_of(st.binary(max_size=6), st.sampled_from(
    [b"", b"<", b">", b"</", b"&", b"\"", b"{", b"}", b"[", b"]", b":", b"null", b"1e999", b"\\ud800", b"<!DOCTYPE a>", b"xmlns=\"\"", b"@", b"\x00"]
)))  # fmt: skip


@settings(max_examples=400)
@given(seed=st.sampled_from(SEEDS), edits=st.lists(cuts, min_size=1, max_size=4))
def test_any_bytes_are_read_or_refused(seed: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    data = seed
    for at, size, new in edits:
        at %= len(data) + 1
        data = data[:at] + new + data[at + size :]
    try:
        for found in Reading(of_bytes(data)):
            assert (found.event is None) is (found.error is not None)
            assert found.error is None or found.place(found.error.where)
            if found.event is not None:
                hash_of(found.event)
                try:
                    done = mapped(found.event)
                except RejectedError as error:
                    assert error.expected
                    continue
                assert unpacked(done.raw.epcis or "", done.event) == done.epcis
                ops_of(done.event)
    except RejectedError as error:
        assert error.expected


_BASE = "eventTime recordTime eventTimeZoneOffset baseExtension"
_STEP = "action bizStep disposition readPoint bizLocation"
ORDER_1 = {
    # element -> its children in the order of GS1's schema, EPCglobal-epcis-1_2.xsd; vendors' elements come after them
    "ObjectEvent": f"{_BASE} epcList {_STEP} bizTransactionList extension",
    "ObjectEvent/extension": "quantityList sourceList destinationList ilmd",
    "AggregationEvent": f"{_BASE} parentID childEPCs {_STEP} bizTransactionList extension",
    "AggregationEvent/extension": "childQuantityList sourceList destinationList",
    "TransactionEvent": f"{_BASE} bizTransactionList parentID epcList {_STEP} extension",
    "TransactionEvent/extension": "quantityList sourceList destinationList",
    "TransformationEvent": f"{_BASE} inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID bizStep disposition readPoint "
    "bizLocation bizTransactionList sourceList destinationList ilmd",
    "EventList": "ObjectEvent AggregationEvent TransactionEvent extension",
    "EventList/extension": "TransformationEvent extension",
}  # fmt: skip
REQUIRED_1 = {
    "ObjectEvent": "eventTime eventTimeZoneOffset epcList action", "AggregationEvent": "eventTime eventTimeZoneOffset childEPCs action",
    "TransactionEvent": "eventTime eventTimeZoneOffset bizTransactionList epcList action", "TransformationEvent": "eventTime eventTimeZoneOffset",
}  # fmt: skip


def out_of_order(element: ElementTree.Element, path: str = "") -> list[str]:
    """Places where the schema of EPCIS 1.2 wants another order, or another element."""
    name = element.tag.rpartition("}")[2]
    path = f"{path}/{name}" if name == "extension" and path in ("EventList", *REQUIRED_1) else name
    found: list[str] = []
    names = [child.tag for child in element]
    if path in ORDER_1:
        order = ORDER_1[path].split()
        standard = [one for one in names if not one.startswith("{")]
        places = [order.index(one) if one in order else -1 for one in standard]
        listed = path == "EventList"
        if -1 in places or (not listed and (places != sorted(set(places)) or names[: len(standard)] != standard)):
            found.append(f"{path}: {names}")
        found += [f"{path}: no {one}" for one in REQUIRED_1.get(path, "").split() if one not in names]
    for child in element:
        found += out_of_order(child, path)
    return found


@pytest.mark.parametrize("path", [path for path in [*GS1, DSCSA] if path.name != TWICE], ids=lambda path: path.name)
def test_xml_1_2_has_the_order_of_gs1s_schema(path: Path) -> None:
    """Its XSD is not among the test data: all 47 were validated with it by hand (lxml), and this keeps what it asked for."""
    document, events = events_of(path.read_bytes())
    for form in (EpcFormat.AS_CAPTURED, EpcFormat.LINK):
        assert out_of_order(ElementTree.fromstring(as_xml_1(document, [respelled(event, form) for event in events]))) == []


@pytest.mark.parametrize("path", [path for path in GS1 if path.name != TWICE], ids=lambda path: path.name)
def test_xml_2_0_takes_dispositions_away_before_it_sets_others(path: Path) -> None:
    """As ``PersistentDispositionType`` of GS1's ``EPCglobal-epcis-2_0.xsd`` asks; all were validated with it by hand (lxml)."""
    document, events = events_of(path.read_bytes())
    for changed in ElementTree.fromstring(as_xml_2(document, events)).iter("persistentDisposition"):
        assert [one.tag for one in changed] == sorted((one.tag for one in changed), reverse=True)


def test_the_order_can_refuse() -> None:
    data = xml_document(XML_EVENT, version=1)
    assert out_of_order(ElementTree.fromstring(data)) == []
    assert out_of_order(
        ElementTree.fromstring(data.replace(b"<action>OBSERVE</action>", b"").replace(b"<epcList>", b"<action>OBSERVE</action><epcList>"))
    )
    assert out_of_order(ElementTree.fromstring(data.replace(b"<action>OBSERVE</action>", b"")))

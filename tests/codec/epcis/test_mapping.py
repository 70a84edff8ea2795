"""EPCIS events judged and mapped: what GS1's schemas let through is refused, what partners write is read."""

from __future__ import annotations

import msgspec
import pytest

from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent, ErrorDeclaration, Pair, Place, Quantity, Sensor
from packtrace.codec.epcis.hashing import hash_of
from packtrace.codec.epcis.mapping import Mapped, mapped
from packtrace.codec.epcis.native import neutral_of
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.original import document_of, kept_document, unpacked
from packtrace.codec.epcis.reading import read, whole
from packtrace.codec.event_json import decode_event, to_json
from packtrace.domain.explode import ops_of
from packtrace.domain.kinds import kind_of
from packtrace.domain.vocabulary import Kind
from packtrace.errors import RejectedError
from tests.codec.epcis.documents import DSCSA, GS1, TWICE, events_of
from tests.codec.epcis.test_reading import XML_EVENT, xml_document

A1, A2 = "urn:epc:id:sgtin:9506000.013435.A1", "urn:epc:id:sgtin:9506000.013435.A2"
CASE = "urn:epc:id:sscc:9506000.0000000001"
TIME = "2026-11-22T10:00:00Z"
LOGGED = 1_795_341_600_000_000
OBJECT = EpcisEvent("ObjectEvent", TIME, "+01:00", action="OBSERVE", biz_step="shipping", epcs=(A1, A2))
PACK = EpcisEvent("AggregationEvent", TIME, "+01:00", action="ADD", biz_step="packing", parent=CASE, children=(A1, A2))
TRANSACTION = EpcisEvent("TransactionEvent", TIME, "+01:00", action="ADD", epcs=(A1,), transactions=(Pair("po", "urn:x:1"),))


def with_(event: EpcisEvent, **changes: object) -> EpcisEvent:
    return msgspec.structs.replace(event, **changes)


def test_every_published_event_is_kept_and_comes_back() -> None:
    followed = 0
    for path in GS1:
        if path.name == TWICE:
            continue
        for event in events_of(path.read_bytes())[1]:
            done = mapped(event)
            assert unpacked(done.raw.epcis or "", done.event) == done.epcis
            assert msgspec.structs.replace(done.epcis, event_id=event.event_id) == event
            assert decode_event(to_json(done.event)) == done.event
            followed += len(ops_of(done.event))
    assert followed == 86


def test_the_dscsa_example_has_its_tree_and_its_header() -> None:
    document, events = events_of(DSCSA.read_bytes())
    done = [mapped(event, kept_document(document)) for event in events]
    for one in done:
        kept = document_of(one.raw.epcis or "")
        assert kept == msgspec.structs.replace(document, vocabularies=())
        assert kept.statement("affirmTransactionStatement") == "true"
    kinds = [kind_of(one.event) for one in done]
    assert kinds.count(Kind.COMMISSION) == 3
    assert kinds.count(Kind.PACK) == 4
    assert kinds[-1] is Kind.SHIP
    commissioned = [key for one in done if kind_of(one.event) is Kind.COMMISSION for key in one.event.epcs]
    assert len([key for key in commissioned if key.startswith("0100300010123451")]) + len([k for k in commissioned if k[2:3] == "0"]) >= 12
    assert len(commissioned) == 12 + 3 + 1
    packs = {one.event.parent: set(one.event.children) for one in done if kind_of(one.event) is Kind.PACK}
    (pallet,) = [parent for parent in packs if parent.startswith("00")]
    assert packs[pallet] == packs.keys() - {pallet}
    assert [len(packs[case]) for case in sorted(packs[pallet])] == [4, 4, 4]
    assert document.statement("affirmTransactionStatement") == "true"
    assert "581(27)" in document.statement("legalNotice")
    assert (document.sender, document.receiver, document.instance) == (
        "urn:epc:id:sgln:030001.111111.0",
        "urn:epc:id:sgln:039999.999999.0",
        "1100220001",
    )
    assert done[0].event.lot
    assert done[0].event.expiry
    assert done[-1].event.destination_place == "urn:epc:id:sgln:039999.345678.0" or done[-1].event.destination_place[:6] == "039999"
    assert any(node.local == "dropShipment" and node.value == "false" for node in done[-1].epcis.extensions)


# fmt: off
REFUSED = [
    # event                                                                                          code                     where
    (with_(OBJECT, type="QuantityEvent"),                                                            "unknown-type",          "type"),
    (with_(OBJECT, action=""),                                                                       "missing-field",         "action"),
    (with_(OBJECT, action="add"),                                                                    "unknown-action",        "action"),
    (with_(OBJECT, event_time=""),                                                                   "missing-field",         "eventTime"),
    (with_(OBJECT, event_time="2026-11-22T10:00:00"),                                                "bad-time",              "eventTime"),
    (with_(OBJECT, event_time="2026-02-30T10:00:00Z"),                                               "bad-time",              "eventTime"),
    (with_(OBJECT, event_time="2090-01-01T10:00:00Z"),                                               "future-time",           "eventTime"),
    (with_(OBJECT, zone="+25:00"),                                                                   "bad-time",              "eventTimeZoneOffset"),
    (with_(OBJECT, biz_step="shippin"),                                                              "bad-text",              "bizStep"),
    (with_(OBJECT, biz_step="urn:epcglobal:cbv:bizstep:shippin"),                                    "bad-text",              "bizStep"),
    (with_(OBJECT, disposition="gone"),                                                              "bad-text",              "disposition"),
    (with_(OBJECT, persistent_set=("gone",)),                                                        "bad-text",              "persistentDisposition.set"),
    (with_(OBJECT, epcs=()),                                                                         "no-items",              "epcList"),
    (with_(OBJECT, epcs=(A1, "urn:epc:id:sgtin:9506000.13435.A2")),                                  "bad-identifier",        "epcList[1]"),
    (with_(OBJECT, epcs=(A1, "urn:epc:id:sgtin:9506000.013435.A 2")),                                "bad-identifier",        "epcList[1]"),
    (with_(OBJECT, epcs=("https://id.gs1.org/01/09506000134353/21/A1",)),                            "wrong-check-digit",     "epcList[0]"),
    (with_(OBJECT, epcs=("https://id.gs1.org/01/09506000134352/10/L7",)),                            "bad-identifier",        "epcList[0]"),
    (with_(OBJECT, epcs=("urn:epc:idpat:sgtin:9506000.013435.*",)),                                  "bad-identifier",        "epcList[0]"),
    (with_(OBJECT, epcs=("A1",)),                                                                    "bad-identifier",        "epcList[0]"),
    (with_(OBJECT, epcs=("urn:x:" + "a" * 300,)),                                                    "identifier-too-long",   "epcList[0]"),
    (with_(OBJECT, epcs=("urn:epc:id:giai:4000001.1", A1, A1)),                                      "duplicate-items",       "epcList[2]"),
    (with_(OBJECT, epcs=("urn:x:y", A1, "urn:x:y")),                                                 "duplicate-items",       "epcList[0]"),
    (with_(OBJECT, parent=CASE),                                                                     "unknown-field",         "parentID"),
    (with_(OBJECT, quantities=(Quantity("urn:epc:class:lgtin:9506000.013435.L7", "many"),)),         "wrong-type",            "quantityList[0].quantity"),
    (with_(OBJECT, quantities=(Quantity("urn:epc:class:lgtin:9506000.013435.L7", "1", "kilo"),)),    "bad-text",              "quantityList[0].uom"),
    (with_(OBJECT, quantities=(Quantity("urn:epc:class:lgtin:9506000.13435.L7"),)),                  "bad-identifier",        "quantityList[0].epcClass"),
    (with_(OBJECT, location=Place("urn:epc:id:sgln:9506000.100000.0")),                              "bad-identifier",        "bizLocation.id"),
    (with_(OBJECT, read_point=Place("https://id.gs1.org/414/9506000100006")),                        "wrong-check-digit",     "readPoint.id"),
    (with_(OBJECT, sources=(Pair("owner", "urn:epc:id:pgln:9506000.10000"),)),                       "bad-text",              "sourceList[0].type"),
    (with_(OBJECT, destinations=(Pair("", "urn:epc:id:pgln:9506000.10000"),)),                       "missing-field",         "destinationList[0].type"),
    (with_(OBJECT, ilmd=(Node("{urn:epcglobal:cbv:mda:}itemExpirationDate", "2028-13-01"),)),        "bad-date",              "ilmd.itemExpirationDate"),
    (with_(OBJECT, ilmd=(Node("{urn:epcglobal:cbv:mda:}lotNumber", "L" * 21),)),                     "bad-identifier",        "ilmd.lotNumber"),
    (with_(OBJECT, extensions=(Node("{urn:packtrace:}boot", "seven"),)),                             "wrong-type",            "packtrace:boot"),
    (with_(OBJECT, sensors=(Sensor(),)),                                                             "missing-field",         "sensorElementList[0].sensorReport"),
    (with_(OBJECT, sensors=(Sensor((), ((Node("value", "1"),),)),)),                                 "missing-field",         "sensorElementList[0].sensorReport[0].type"),
    (with_(OBJECT, sensors=(Sensor((Node("time", "noon"),), ((Node("type", "Mass"),),)),)),          "bad-time",              "sensorElementList[0].sensorMetadata.time"),
    (with_(PACK, parent=""),                                                                         "no-parent",             "parentID"),
    (with_(PACK, children=()),                                                                       "no-children",           "childEPCs"),
    (with_(PACK, children=(), action="OBSERVE"),                                                     "no-children",           "childEPCs"),
    (with_(PACK, children=(A1, A2, A1)),                                                             "duplicate-items",       "childEPCs[2]"),
    (with_(PACK, children=(A1, CASE)),                                                               "parent-in-children",    "childEPCs[1]"),
    (with_(PACK, epcs=(A1,)),                                                                        "unknown-field",         "epcList"),
    (with_(TRANSACTION, transactions=()),                                                            "missing-field",         "bizTransactionList"),
    (with_(TRANSACTION, epcs=()),                                                                    "no-items",              "epcList"),
    (EpcisEvent("TransformationEvent", TIME, "+01:00", inputs=(A1,)),                                "no-items",              "outputEPCList"),
    (EpcisEvent("AssociationEvent", TIME, "+01:00", action="ADD", children=(A1,)),                   "no-parent",             "parentID"),
]
# fmt: on


@pytest.mark.parametrize(("event", "code", "where"), REFUSED, ids=lambda one: one if isinstance(one, str) else "")
def test_what_the_schema_lets_through_is_refused_with_its_place(event: EpcisEvent, code: str, where: str) -> None:
    with pytest.raises(RejectedError) as caught:
        mapped(event, log_time=LOGGED)
    assert (caught.value.code, caught.value.where) == (code, where)
    assert caught.value.expected


def test_both_places_of_a_duplicate_are_those_of_epcis() -> None:
    with pytest.raises(RejectedError) as caught:
        mapped(with_(PACK, children=("urn:epc:id:giai:4000001.1", A1, A2, A1)))
    assert caught.value.text.startswith("childEPCs[3]: expected each item once, it is childEPCs[1] too")


# fmt: off
CLEANED = [
    ({"event_time": " 2026-11-22 10:00:00Z".strip()},  "2026-11-22T10:00:00Z"),
    ({"event_time": "2026-11-22t10:00:00z"},           "2026-11-22T10:00:00Z"),
    ({"event_time": "2026-11-22T10:00Z"},              "2026-11-22T10:00:00Z"),
    ({"event_time": "2026-11-22T10:00:00,5 +0100"},    "2026-11-22T10:00:00.5+01:00"),
    ({"event_time": "2026-11-22T10:00:00.1234567891234Z"}, "2026-11-22T10:00:00.123456789Z"),
]
# fmt: on


@pytest.mark.parametrize(("change", "time"), CLEANED)
def test_times_as_partners_write_them_are_read_with_a_remark(change: dict[str, str], time: str) -> None:
    done = mapped(with_(OBJECT, **change))
    assert done.epcis.event_time == time
    assert done.remarks[0].where == "eventTime"
    assert change["event_time"] in done.remarks[0].text
    assert mapped(with_(OBJECT, event_time="2026-11-22T10:00:00.123456Z")).remarks == ()


def test_a_missing_zone_is_that_of_the_time() -> None:
    done = mapped(with_(OBJECT, event_time="2026-11-22T11:00:00+01:00", zone=""))
    assert (done.epcis.zone, done.event.zone_minutes, done.remarks[0].where) == ("+01:00", 60, "eventTimeZoneOffset")
    assert mapped(with_(OBJECT, zone="Z")).epcis.zone == "+00:00"
    assert mapped(with_(OBJECT, zone="-0500")).epcis.zone == "-05:00"


def test_spaces_around_values_in_xml_do_not_matter() -> None:
    dirty = XML_EVENT.replace("<epc>", "<epc>\n   ").replace("</epc>", "  </epc>").replace("<action>", "<action> ").replace("Z<", "Z <")
    _, (found,) = read(xml_document(dirty))
    assert whole(found) == whole(read(xml_document(XML_EVENT))[1][0])


def test_things_that_are_no_items_are_kept_and_move_nothing() -> None:
    grai = "urn:epc:id:grai:0614141.12345.1"
    for event in (
        with_(OBJECT, epcs=(grai, "https://example.com/asset/7", "https://id.gs1.org/8004/4000001111")),
        with_(PACK, parent=grai),
        with_(PACK, children=(grai,)),
        with_(OBJECT, epcs=(), quantities=(Quantity("urn:epc:idpat:sgtin:4012345.066666.*", "220"),)),
        EpcisEvent("TransformationEvent", TIME, "+01:00", inputs=(grai,), outputs=("urn:x:1",)),
    ):
        done = mapped(event)
        assert ops_of(done.event) == []
        assert unpacked(done.raw.epcis or "", done.event) == done.epcis
    mixed = mapped(with_(OBJECT, epcs=(grai, A1)))
    assert len(ops_of(mixed.event)) == 1
    assert mixed.remarks[0].where == "epcList"
    assert unpacked(mixed.raw.epcis or "", mixed.event).epcs == (grai, A1)


def own(**stated: str) -> tuple[Node, ...]:
    return tuple(Node(f"{{urn:packtrace:}}{name}", value) for name, value in stated.items())


def test_what_epcis_has_no_field_for_comes_from_extensions() -> None:
    fields = own(
        reason="SAMPLE",
        device="cam-3",
        line="line-1",
        boot="7",
        sequence="12",
        partial="true",
        operator="op-1",
        lot="L7",
        expiry="2028-05-31",
    )
    event = mapped(with_(OBJECT, extensions=fields)).event
    assert (event.reason, event.device, event.line, event.boot, event.sequence) == ("SAMPLE", "cam-3", "line-1", 7, 12)
    assert (event.partial, event.operator, event.lot, event.expiry) == (True, "op-1", "L7", 20280531)


def test_lot_and_expiry_come_from_ilmd_else_an_extension_else_the_code() -> None:
    ilmd = (Node("{urn:epcglobal:cbv:mda}lotNumber", " L7 "), Node("{urn:epcglobal:cbv:mda:}itemExpirationDate", "2028-05-31T00:00:00Z"))
    link = "https://id.gs1.org/01/09506000134352/10/L9/21/A1?17=290531"
    commission = with_(OBJECT, action="ADD", biz_step="commissioning", epcs=(link,))
    lots = [
        (mapped(one).event.lot, mapped(one).event.expiry)
        for one in (commission, with_(commission, extensions=own(lot="L8")), with_(commission, ilmd=ilmd, extensions=own(lot="L8")))
    ]
    assert lots == [("L9", 20290531), ("L8", 20290531), ("L7", 20280531)]


def test_parties_places_and_transactions_come_across() -> None:
    event = mapped(
        with_(
            OBJECT,
            location=Place("urn:epc:id:sgln:9506000.10000.ST1"),
            read_point=Place("https://example.com/door/7"),
            sources=(Pair("possessing_party", "urn:epc:id:pgln:9506000.20000"), Pair("owning_party", "urn:epc:id:pgln:9506000.10000")),
            destinations=(Pair("possessing_party", "https://id.gs1.org/417/9506000200002"), Pair("location", "9506000200002")),
            transactions=(Pair("desadv", "D-9"),),
        )
    )
    assert (event.event.place, event.event.read_point) == ("9506000100005/ST1", "")
    assert (event.event.source_party, event.event.destination_party) == ("9506000100005", "9506000200002")
    assert event.event.destination_place == "9506000200002"
    assert [(one.type, one.id) for one in event.event.transactions] == [("desadv", "D-9")]
    assert event.remarks[0].where == "readPoint.id"


def test_an_error_declaration_is_a_correction_of_its_own_id() -> None:
    error = ErrorDeclaration(TIME, "incorrect_data", ("urn:uuid:2",))
    done = mapped(with_(OBJECT, event_id="urn:uuid:1", error=error))
    assert done.event.correction is not None
    assert (done.event.correction.events, done.event.correction.corrective) == (("urn:uuid:1",), ("urn:uuid:2",))
    nameless = mapped(with_(OBJECT, error=ErrorDeclaration(TIME)))
    assert nameless.event.correction is not None
    assert nameless.event.correction.events == (mapped(OBJECT).event.id,)
    assert nameless.event.correction.reason == "did_not_occur"


def test_an_event_without_id_gets_its_hash_in_every_spelling() -> None:
    linked = with_(OBJECT, epcs=("https://id.gs1.org/01/09506000134352/21/A1", "https://example.com/01/09506000134352/21/A2"))
    one, other = mapped(OBJECT), mapped(linked)
    assert one.event.id == other.event.id == hash_of(OBJECT) == one.epcis.event_id
    assert one.event.epcs == other.event.epcs


def test_what_a_line_wrote_is_an_epcis_event_too() -> None:
    line = {
        "type": "object", "action": "ADD", "event_time": TIME, "time_zone": "+01:00", "biz_step": "commissioning", "lot": "L7",
        "expiry": "2028-05-31", "epcs": ["https://id.gs1.org/01/09506000134352/21/A1"], "place": "9506000100005", "line": "line-1",
        "boot": 7, "sequence": 1, "extensions": {"speed": 300, "camera": {"grade": "A"}}, "destination_party": "9506000200002",
    }  # fmt: skip
    event = decode_event(line)
    again: Mapped = mapped(neutral_of(event))
    dropped = {"epcis": "", "extensions": ""}
    assert msgspec.structs.replace(again.event, **dropped) == msgspec.structs.replace(event, **dropped)
    assert again.event.id == event.id == hash_of(neutral_of(event))


def test_a_document_may_hold_master_data_alone() -> None:
    data = b'<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1"><EPCISHeader><extension><EPCISMasterData><VocabularyList>'
    data += b'<Vocabulary type="urn:epcglobal:epcis:vtype:Location"><VocabularyElementList><VocabularyElement id="urn:x:1"/>'
    data += b"</VocabularyElementList></Vocabulary></VocabularyList></EPCISMasterData></extension></EPCISHeader><EPCISBody/></epcis:EPCISDocument>"
    document, found = read(data)
    assert (len(document.vocabularies), found) == (1, [])
    assert document != Document()

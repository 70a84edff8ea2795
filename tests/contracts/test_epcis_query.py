"""The EPCIS 2.0 query interface over a real ClickHouse: what was captured is found, and comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import apply
from packtrace.adapters.http_status import status_routes
from packtrace.codec import event_avro, wire
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.mapping import mapped
from packtrace.codec.epcis.original import kept_document
from packtrace.codec.epcis.reading import read, whole
from packtrace.codec.gs1_uri import canonical_uri
from packtrace.errors import RejectedError
from packtrace.query.app import Epcis, create_app
from packtrace.query.epcis import EpcisArchive
from packtrace.query.follow import Follow
from packtrace.query.interface import PATHS, Interface
from packtrace.query.named import Named
from tests.codec.epcis.documents import DSCSA, GS1, TESTDATA, TWICE, events_of
from tests.contracts.plant import NOW, Plant, shipments
from tests.query.asked import Asked
from tests.query.openapi import document
from tests.readme import README, curled

pytestmark = pytest.mark.contract

SCHEMA = jsonschema_rs.validator_for(json.loads((TESTDATA / "gs1-epcis" / "schema" / "EPCIS-JSON-Schema.json").read_text()))
PARTNER = README.parent / "schemas/examples/epcis/partner.xml"
CAPTURED = [path for path in [*GS1, DSCSA] if path.name != TWICE]
XML_1, XML_2 = {"Accept": "application/xml", "GS1-EPCIS-Version": "1.2"}, {"Accept": "application/xml"}
LINE = {
    "id": "line-1/1", "type": "object", "action": "OBSERVE", "event_time": "2026-11-22T12:00:00Z", "biz_step": "shipping",
    "epcs": ["https://id.gs1.org/01/09506000134352/21/LINE1"], "place": "9506000100005", "transactions": [{"type": "desadv", "id": "D-9"}],
    "destination_party": "9506000100029", "extensions": {"shift": "late"},
}  # fmt: skip


def captured() -> list[tuple[Path, EpcisEvent, Document]]:
    out = []
    for path in CAPTURED:
        stated, events = events_of(path.read_bytes())
        out += [(path, event, stated) for event in events]
    return out


@pytest.fixture(scope="module")
def plant(clickhouse_server: str) -> Iterator[Plant]:
    store = ClickHouseStore(clickhouse_server, "epcis_query")
    store.create_database()
    apply(store)
    made = Plant(store)
    for _, event, stated in captured():
        made.publish_bytes(wire.frame(made.ids["events"], event_avro.encode(mapped(event, kept_document(stated)).raw)))
    stated, found = read(PARTNER.read_bytes())
    for one in found:
        try:
            made.publish_bytes(wire.frame(made.ids["events"], event_avro.encode(mapped(whole(one), kept_document(stated)).raw)))
        except RejectedError:
            assert one.number == 2  # wrong on purpose
    made.publish([LINE])
    made.settle()
    yield made
    store.command("DROP DATABASE epcis_query")
    store.close()


@pytest.fixture(scope="module")
def client(plant: Plant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    archive = EpcisArchive(plant.history.query)
    named = Named(tmp_path_factory.mktemp("query") / "queries.sqlite")
    interface = Interface(archive, named, lambda: NOW, shipments(plant, archive))
    yield Asked(create_app(plant.answers, status_routes(lambda: None), Epcis(interface, Follow(archive, 8, lambda: NOW + 10**9))))
    named.close()


def plain(event: EpcisEvent) -> EpcisEvent:
    """Without what the answer adds: when it was recorded, the hash as id, the time of a declaration that stated none."""
    done = mapped(event).epcis
    error = done.error and msgspec.structs.replace(done.error, time="")
    return msgspec.structs.replace(done, record_time="", error=error)


def found(client: Asked, path: str, headers: dict[str, str] | None = None, /, **parameters: str) -> list[EpcisEvent]:
    """Every event of an answer, page by page."""
    out: list[EpcisEvent] = []
    response = client.get(path, parameters, headers)
    while True:
        assert response.status_code == 200, response.text
        out += events_of(response.content)[1]
        link = response.headers.get("link", "")
        if not link:
            return out
        response = client.get(link[1 : link.index(">")], headers=headers)


def ids(events: list[EpcisEvent]) -> set[str]:
    return {event.event_id for event in events}


@pytest.mark.parametrize("headers", [{}, XML_2, XML_1], ids=["json", "xml-2.0", "xml-1.2"])
def test_every_published_document_comes_back_equal(client: Asked, headers: dict[str, str]) -> None:
    back = [
        plain(event) for event in found(client, "/events", headers, perPage="200", LT_eventTime="2026-01-01T00:00:00Z")
    ]  # what is newer is not of them
    stored = [plain(event) for _, event, _ in captured()]
    assert sorted(back, key=str) == sorted(stored, key=str)


def test_every_answer_is_valid_by_the_schema_of_gs1(client: Asked) -> None:
    for form in ("No_Preference", "Always_GS1_Digital_Link"):
        pages = 0
        response = client.get("/events", {"perPage": "50"}, {"GS1-EPC-Format": form})
        while True:
            pages += 1
            wrong = SCHEMA.iter_errors(response.json())
            assert [f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in wrong] == []
            link = response.headers.get("link", "")
            if not link:
                break
            response = client.get(link[1 : link.index(">")], headers={"GS1-EPC-Format": form})
        assert pages > 1


def test_pages_have_every_event_once_in_order(client: Asked) -> None:
    orders: list[dict[str, str]] = [
        {},
        {"orderBy": "eventTime"},
        {"orderBy": "eventTime", "orderDirection": "ASC"},
        {"orderBy": "recordTime"},
    ]
    for order in orders:
        whole = found(client, "/events", perPage="1000", **order)
        assert len(whole) == len(captured()) + 4
        assert found(client, "/events", perPage="7", **order) == whole
    assert len(found(client, "/events", perPage="7", eventCountLimit="20")) == 20


def test_a_page_token_belongs_to_its_query(client: Asked) -> None:
    token = client.get("/events", {"perPage": "5"}).headers["link"].partition("nextPageToken=")[2].partition(">")[0]
    assert client.get("/events", {"perPage": "9", "nextPageToken": token}).status_code == 200
    assert client.get("/events", {"EQ_action": "ADD", "nextPageToken": token}).status_code == 400
    assert client.get("/events", {"nextPageToken": "x"}).status_code == 400
    assert client.get("/events", {"maxEventCount": "10"}).status_code == 413
    assert client.get("/events", {"maxEventCount": "10", "EQ_bizStep": "destroying"}).status_code == 200


UNIT = "urn:epc:id:sgtin:030001.0012345.11"
LOT = "https://id.gs1.org/01/04012345123456/10/998877"


def told(event: EpcisEvent, item: str, *fields: str) -> bool:
    return any(item == held or (isinstance(held, tuple) and item in held) for held in (getattr(event, field) for field in fields))


# fmt: off
QUESTIONS: list[tuple[dict[str, str], Any]] = [
    # parameters                                                                    what the events have that answer
    ({"MATCH_epc": UNIT},                                                           lambda e: told(e, UNIT, "epcs", "children")),
    ({"MATCH_anyEPC": "https://id.gs1.org/01/00300010123455/21/11"},                None),
    ({"MATCH_parentID": "urn:epc:id:grai:4012345.55555.987"},                       lambda e: told(e, "urn:epc:id:grai:4012345.55555.987", "parent")),
    ({"MATCH_anyEPC": "urn:epc:id:grai:4012345.55555.987"},                         lambda e: told(e, "urn:epc:id:grai:4012345.55555.987", "epcs", "children", "parent", "inputs", "outputs")),
    ({"MATCH_inputEPC": "urn:epc:id:sgtin:4012345.011122.25"},                      lambda e: told(e, "urn:epc:id:sgtin:4012345.011122.25", "inputs")),
    ({"MATCH_outputEPC": "urn:epc:id:sgtin:4012345.077889.25"},                     lambda e: told(e, "urn:epc:id:sgtin:4012345.077889.25", "outputs")),
    ({"MATCH_epcClass": "urn:epc:class:lgtin:4012345.012345.998877"},               lambda e: LOT in {canonical_uri(q.epc_class) for q in (*e.quantities, *e.child_quantities)}),
    ({"MATCH_inputEPCClass": "urn:epc:class:lgtin:4012345.011111.4444"},            lambda e: any(q.epc_class == "urn:epc:class:lgtin:4012345.011111.4444" for q in e.input_quantities)),
    ({"EQ_bizStep": "urn:epcglobal:cbv:bizstep:shipping"},                          lambda e: e.biz_step == "shipping"),
    ({"EQ_bizStep": "shipping|receiving", "EQ_action": "OBSERVE"},                  lambda e: e.biz_step in ("shipping", "receiving") and e.action == "OBSERVE"),
    ({"EQ_disposition": "in_transit"},                                              lambda e: e.disposition == "in_transit"),
    ({"EQ_persistentDisposition_set": "completeness_inferred"},                     lambda e: "completeness_inferred" in e.persistent_set),
    ({"eventType": "TransformationEvent|AssociationEvent"},                         lambda e: e.type in ("TransformationEvent", "AssociationEvent")),
    ({"EQ_readPoint": "urn:epc:id:sgln:0614141.07346.1234"},                        lambda e: e.read_point is not None and e.read_point.id == "urn:epc:id:sgln:0614141.07346.1234"),
    ({"EQ_readPoint": "geo:42.698334,23.319941"},                                   lambda e: e.read_point is not None and e.read_point.id == "geo:42.698334,23.319941"),
    ({"EQ_bizLocation": "urn:epc:id:sgln:0012345.11111.0"},                         lambda e: e.location is not None and e.location.id == "urn:epc:id:sgln:0012345.11111.0"),
    ({"EQ_bizTransaction_po": "http://transaction.acme.com/po/12345678"},           lambda e: any((p.type, p.id) == ("po", "http://transaction.acme.com/po/12345678") for p in e.transactions)),
    ({"EQ_bizTransaction_urn:epcglobal:cbv:btt:desadv": "D-9"},                     lambda e: any(p.id.endswith("D-9") for p in e.transactions)),
    ({"EQ_source_possessing_party": "urn:epc:id:pgln:4000001.00012"},               lambda e: any((p.type, p.id) == ("possessing_party", "urn:epc:id:pgln:4000001.00012") for p in e.sources)),
    ({"EQ_destination_owning_party": "https://id.gs1.org/417/9506000100029"},       lambda e: any((p.type, p.id) == ("owning_party", "https://id.gs1.org/417/9506000100029") for p in e.destinations)),
    ({"EXISTS_errorDeclaration": "true"},                                           lambda e: e.error is not None),
    ({"EXISTS_errorDeclaration": "false", "EQ_action": "DELETE"},                   lambda e: e.error is None and e.action == "DELETE"),
    ({"EQ_errorReason": "incorrect_data"},                                          lambda e: e.error is not None and e.error.reason == "incorrect_data"),
    ({"GE_eventTime": "2019-01-01T00:00:00Z", "LT_eventTime": "2020-01-01T00:00:00Z"}, lambda e: e.event_time.startswith("2019-")),
    ({"EQ_type": "Temperature"},                                                    lambda e: any(n.name == "type" and n.value == "Temperature" for s in e.sensors for r in s.reports for n in r)),
    ({"GT_maxValue": "30"},                                                         lambda e: any(n.name == "maxValue" and float(n.value) > 30 for s in e.sensors for r in s.reports for n in r)),
    ({"EQ_ILMD_cbvmda:lotNumber": "ABC123"},                                        lambda e: any(n.name == "{urn:epcglobal:cbv:mda:}lotNumber" and n.value == "ABC123" for n in e.ilmd)),
    ({"EQ_transformationID": "urn:epc:id:gdti:0614141.12345.400"},                  lambda e: e.transformation == "urn:epc:id:gdti:0614141.12345.400"),
    ({"GE_quantity": "200"},                                                        lambda e: any(float(q.quantity or 0) >= 200 for q in (*e.quantities, *e.child_quantities))),
]
# fmt: on


@pytest.mark.parametrize(("parameters", "means"), QUESTIONS, ids=lambda one: next(iter(one)) if isinstance(one, dict) else "")
def test_a_question_finds_what_it_means_and_nothing_else(client: Asked, parameters: dict[str, str], means: Any) -> None:
    answer = found(client, "/events", perPage="1000", **parameters)
    assert answer
    if means is None:
        means = lambda e: told(e, UNIT, "epcs", "children", "parent", "inputs", "outputs")  # noqa: E731
    everything = found(client, "/events", perPage="1000")
    assert ids(answer) == ids([event for event in everything if means(event)])


def test_patterns_find_every_serial_of_a_product(client: Asked) -> None:
    units = found(client, "/events", perPage="1000", MATCH_epc="urn:epc:idpat:sgtin:030001.0012345.*")
    assert any(UNIT in event.epcs for event in units)
    assert client.get("/events", {"MATCH_epc": "urn:epc:idpat:sgtin:*.*.*"}).status_code == 400


def test_a_place_holds_its_parts(client: Asked) -> None:
    inside = found(client, "/events", perPage="1000", WD_readPoint="urn:epc:id:sgln:0614141.07346.0")
    assert any(event.read_point and event.read_point.id == "urn:epc:id:sgln:0614141.07346.1234" for event in inside)
    assert not found(client, "/events", EQ_readPoint="urn:epc:id:sgln:0614141.07346.0")


def test_one_event_by_its_id(client: Asked) -> None:
    (line,) = found(client, f"/events/{quote('urn:packtrace:event:line-1%2F1', safe='')}")
    assert line.event_id == "urn:packtrace:event:line-1%2F1"
    assert found(client, "/events/line-1%2F1") == [line]
    assert found(client, "/events", EQ_eventID=line.event_id) == [line]
    assert client.get("/events/urn:uuid:none").status_code == 404


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (f"/epcs/{quote(UNIT, safe='')}/events", {"MATCH_anyEPC": UNIT}),
        ("/bizSteps/shipping/events", {"EQ_bizStep": "shipping"}),
        ("/dispositions/in_transit/events", {"EQ_disposition": "in_transit"}),
        ("/eventTypes/ObjectEvent/events", {"eventType": "ObjectEvent"}),
        ("/bizLocations/9506000100005/events", {"EQ_bizLocation": "9506000100005"}),
        (f"/readPoints/{quote('geo:42.698334,23.319941', safe='')}/events", {"EQ_readPoint": "geo:42.698334,23.319941"}),
    ],
)
def test_a_resource_has_its_events(client: Asked, path: str, parameter: dict[str, str]) -> None:
    answer = found(client, path, perPage="1000")
    assert answer and answer == found(client, "/events", perPage="1000", **parameter)
    listed = members(client, "/" + path.split("/")[1])
    assert len(listed) == len(set(listed)) > 3
    assert client.get(path.removesuffix("/events")).json()["member"] == ["events"]


def members(client: Asked, path: str) -> list[str]:
    out: list[str] = []
    response = client.get(path, {"perPage": "4"})
    while True:
        assert response.json()["type"] == "Collection"
        out += response.json()["member"]
        link = response.headers.get("link", "")
        if not link:
            return out
        response = client.get(link[1 : link.index(">")])


def test_what_is_listed_is_what_events_name(client: Asked) -> None:
    everything = found(client, "/events", perPage="1000")
    assert set(members(client, "/bizSteps")) == {event.biz_step for event in everything} - {""}
    assert set(members(client, "/dispositions")) == {event.disposition for event in everything} - {""}
    named = {one for event in everything for one in (*event.epcs, *event.children, *event.inputs, *event.outputs)}
    listed = set(members(client, "/epcs"))
    assert len(listed) > 50
    assert {"urn:epc:id:giai:4000001.12345", "https://id.gs1.org/01/09506000134352/21/LINE1"} <= named & listed


def test_identifiers_are_spelled_as_asked(client: Asked) -> None:
    links = found(client, "/events", {"GS1-EPC-Format": "Always_GS1_Digital_Link"}, MATCH_epc=UNIT)
    assert all("https://id.gs1.org/01/00300010123455/21/11" in (*event.epcs, *event.children) for event in links)
    (line,) = found(client, "/events/line-1%2F1", {"GS1-EPC-Format": "Always_EPC_URN"})
    assert line.epcs == ("https://id.gs1.org/01/09506000134352/21/LINE1",)  # nobody has said how long its company prefix is
    web = client.get("/events", {"EQ_bizStep": "shipping"}, {**XML_1, "GS1-CBV-XML-Format": "Always_Web_URI"}).text
    assert "https://ref.gs1.org/cbv/BizStep-shipping" in web and "urn:epcglobal:cbv:bizstep" not in web
    for headers in ({"GS1-EPC-Format": "Sometimes"}, {"GS1-EPCIS-Version": "1.2", "Accept": "application/json"}, {"Accept": "text/html"}):
        assert client.get("/events", headers=headers).status_code in (400, 406)


@pytest.mark.parametrize(
    "parameters",
    [
        {"EQ_bizStep": "shiping"}, {"EQ_nothing": "1"}, {"GE_eventTime": "yesterday"}, {"perPage": "0"}, {"perPage": "1001"}, {"eventType": "X"},
        {"EQ_action": "add"}, {"orderBy": "epc"}, {"orderDirection": "ASC"}, {"eventCountLimit": "1", "maxEventCount": "1"}, {"EQ_bizStep": ""},
        {"EXISTS_errorDeclaration": "perhaps"}, {"MATCH_anyEPC": "|".join(f"urn:x:y:{n}" for n in range(101))}, {"GT_quantity": "many"},
    ],
    ids=lambda one: next(iter(one)),
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_parameter(client: Asked, parameters: dict[str, str]) -> None:
    response = client.get("/events", parameters)
    assert response.status_code == 400
    assert response.json()["type"] == "epcisException:QueryParameterException"


def test_a_question_that_no_address_can_carry_is_refused(client: Asked) -> None:
    many = "|".join(f"https://id.gs1.org/01/09506000134352/10/LOT{number}" for number in range(100))
    response = client.get("/events", {"MATCH_epcClass": many, "MATCH_anyEPCClass": many})
    assert (response.status_code, response.json()["type"]) == (413, "epcisException:QueryTooComplexException")


NAMES = sorted({one["name"] for one in document()["paths"]["/events"]["get"]["parameters"] if one["in"] == "query"})
SOME = ["", "x", "|", "shipping", "2026-11-22T10:00:00Z", "1", "-1", "9" * 30, "1e400", "ASC", UNIT, LOT, "urn:epc:idpat:sgtin:9506000.013435.*",
        "https://id.gs1.org/414/9506000100005", "%", "'; DROP TABLE events; --", "{p0:String}", "\x00", "\ud7ff", "true", "a" * 3000]  # fmt: skip


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(
    stated=st.dictionaries(
        st.one_of(
            st.sampled_from(NAMES),
            st.sampled_from(["EQ_ILMD_", "EXISTS_ext:a", "EQ_bizTransaction_", "GE_value", "nothing"]),
            st.text(max_size=8),
        ),
        st.one_of(st.sampled_from(SOME), st.text(max_size=12)),
        max_size=4,
    ),
    path=st.sampled_from(
        ["/events", "/bizSteps/shipping/events", "/epcs/x/events", "/events/x", "/epcs", "/readPoints", "/queries/x/events", "/dscsa/x"]
    ),
    headers=st.dictionaries(
        st.sampled_from(["Accept", "GS1-EPCIS-Version", "GS1-EPC-Format", "GS1-CBV-XML-Format", "GS1-Extensions"]),
        st.sampled_from(["", "1.2", "2.0", "application/xml", "*/*;q=0.1", "Always_EPC_URN", "Always_URN", "ext=http://x/", "=", "q=;,"]),
        max_size=3,
    ),
)
def test_whatever_is_asked_is_answered_or_refused(client: Asked, stated: dict[str, str], path: str, headers: dict[str, str]) -> None:
    response = client.get(path, stated, headers)
    assert response.status_code in (200, 400, 404, 406, 413), response.text
    if response.status_code != 200:
        assert response.headers["content-type"] == "application/problem+json"


def test_a_named_query_is_kept_asked_and_removed(client: Asked) -> None:
    body = {"name": "shipped", "query": {"EQ_bizStep": ["shipping"], "eventType": ["ObjectEvent"]}}
    made = client.send("POST", "/queries", body)
    assert (made.status_code, made.headers["location"]) == (201, "/queries/shipped")
    assert client.send("POST", "/queries", body).status_code == 409
    assert client.get("/queries/shipped").json() == body
    assert [one["name"] for one in client.get("/queries").json()] == ["shipped"]
    assert found(client, "/queries/shipped/events", perPage="5") == found(client, "/events", EQ_bizStep="shipping", eventType="ObjectEvent")
    assert client.get("/queries/shipped/events", {"EQ_action": "ADD"}).status_code == 400
    assert client.send("POST", "/queries", {"name": "bad", "query": {"EQ_bizStep": "x y"}}).status_code == 400
    assert client.request("DELETE", "/queries/shipped").status_code == 204
    assert client.get("/queries/shipped").status_code == 404


def test_a_shipment_owes_its_buyer_what_the_history_says(client: Asked) -> None:
    (shipping,) = [event for event in events_of(DSCSA.read_bytes())[1] if event.biz_step == "shipping"]
    path = f"/dscsa/{quote(shipping.epcs[0], safe='')}"
    answer = client.get(path, headers={"Accept": "application/json"}).json()
    assert answer["units"] == 12 and len(answer["containers"]) == 4 and answer["statement"] is True
    assert {(line["gtin"], line["lot"], line["expiry"]) for line in answer["products"]} == {("00300010123455", "A123", "2025-03-27")}
    assert (answer["from"]["id"], answer["to"]["id"]) == tuple(
        next(pair.id for pair in pairs if pair.type == "owning_party") for pairs in (shipping.sources, shipping.destinations)
    )
    xml = client.get(path)
    assert xml.headers["content-type"] == "application/xml"
    document, events = events_of(xml.content)
    captured, before = events_of(DSCSA.read_bytes())
    assert [plain(event) for event in sorted(events, key=str)] == [plain(event) for event in sorted(before, key=str)]
    assert document.statement("affirmTransactionStatement") == "true" and document.header == captured.header
    assert (document.version, document.sender, document.receiver) == ("1.2", captured.sender, captured.receiver)
    page = client.get(path, headers={"Accept": "text/html"}).text
    assert "A123" in page and "00300010123455" in page and "0001012345" in page
    assert client.get(f"/dscsa/{quote(UNIT, safe='')}").status_code == 404


def test_a_statement_is_made_by_nobody_but_the_seller(client: Asked) -> None:
    plain_text = client.get("/dscsa/line-1%2F1", headers={"Accept": "application/json"}).json()
    assert plain_text["statement"] is False
    affirmed = client.get("/dscsa/line-1%2F1", {"affirm": "true"})
    assert events_of(affirmed.content)[0].statement("affirmTransactionStatement") == "true"
    assert "no statement" in client.get("/dscsa/line-1%2F1", headers={"Accept": "text/html"}).text


def test_every_curl_of_the_readme_answers(client: Asked) -> None:
    """Those to the query service, typed as they stand there; a partner's file has been captured before."""
    answers = []
    for words in curled():
        headers, body, address = {}, None, ""
        for word, value in pairwise([*words, ""]):
            if word == "-H":
                name, _, text = value.partition(": ")
                headers[name] = text
            elif word == "-d":
                body = json.loads(value)
            elif word.startswith("http://127.0.0.1:19090/"):
                address = word.removeprefix("http://127.0.0.1:19090")
        if address and "-N" not in words:
            response = client.request("GET" if body is None else "POST", address, None, headers, body)
            assert response.status_code in (200, 201), response.text
            answers.append(response.text)
    by_item, packing, shipped, query = answers
    for answer in (by_item, packing, shipped):
        assert "urn:epc:id:sscc:9506000.0000000777" in answer
    assert shipped.startswith("<?xml") and 'schemaVersion="1.2"' in shipped and "urn:epcglobal:cbv:bizstep:shipping" in shipped
    assert json.loads(query)["name"] == "shipped"
    owed = client.get("/dscsa/urn:epc:id:sscc:9506000.0000000777", headers={"Accept": "application/json"}).json()
    assert (owed["units"], owed["statement"], owed["products"][0]["lot"]) == (2, True, "P7")
    assert client.request("DELETE", "/queries/shipped").status_code == 204


def test_every_path_is_in_the_contract() -> None:
    stated = document()["paths"]
    for path in PATHS:
        template = next((name for name in stated if _same(name, path.name)), None)
        assert template is not None, path.name
        assert {method.lower() for method in path.answers} <= set(stated[template]), path.name


def _same(template: str, name: str) -> bool:
    return ["{}" if part.startswith("{") else part for part in template.split("/")] == name.split("/")

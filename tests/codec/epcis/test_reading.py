"""Documents as partners send them: what is read with a remark, what costs one event, what costs the document."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from packtrace.codec.epcis.limits import Limits
from packtrace.codec.epcis.reading import Found, Reading, read, whole
from packtrace.codec.epcis.source import of_bytes
from packtrace.errors import RejectedError

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-11-22T10:00:00Z",
    "eventTimeZoneOffset": "+01:00",
    "action": "OBSERVE",
    "bizStep": "shipping",
    "epcList": ["urn:epc:id:sgtin:9506000.013435.A1", "urn:epc:id:sgtin:9506000.013435.A2"],
}
XML_EVENT = (
    "<ObjectEvent><eventTime>2026-11-22T10:00:00Z</eventTime><eventTimeZoneOffset>+01:00</eventTimeZoneOffset>"
    "<epcList><epc>urn:epc:id:sgtin:9506000.013435.A1</epc>\n<epc>urn:epc:id:sgtin:9506000.013435.A2</epc></epcList>"
    "<action>OBSERVE</action><bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep></ObjectEvent>"
)


def json_document(*events: Any, **more: object) -> bytes:
    head = {"@context": [CONTEXT], "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-11-22T10:00:00Z"}
    return json.dumps(head | more | {"epcisBody": {"eventList": list(events)}}).encode()


def xml_document(*events: Any, before: str = "", version: int = 2) -> bytes:
    return (
        f'<?xml version="1.0"?>{before}<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:{version}" schemaVersion="{version}.0" '
        f'creationDate="2026-11-22T10:00:00Z"><EPCISBody><EventList>{"".join(events)}</EventList></EPCISBody></epcis:EPCISDocument>'
    ).encode()


def refusal(data: bytes, limits: Limits | None = None) -> tuple[str, str]:
    with pytest.raises(RejectedError) as caught:
        read(data, limits)
    assert caught.value.expected
    return caught.value.code, caught.value.where


def test_one_event_in_every_wrapping_is_the_same_event() -> None:
    query = {"queryResults": {"queryName": "SimpleEventQuery", "resultsBody": {"eventList": [EVENT]}}}
    for data in (
        json_document(EVENT),
        json.dumps(EVENT).encode(),
        json.dumps({"@context": [CONTEXT]} | EVENT).encode(),
        json.dumps([EVENT]).encode(),
        json.dumps({"@context": CONTEXT, "type": "EPCISQueryDocument", "schemaVersion": "2.0", "epcisBody": query}).encode(),
        b"\xef\xbb\xbf  " + json_document(EVENT),
        xml_document(XML_EVENT),
        xml_document(XML_EVENT, version=1),
        XML_EVENT.encode(),
        xml_document(XML_EVENT).decode().replace("<?xml version=\"1.0\"?>", "").encode("utf-16"),
        xml_document(XML_EVENT).replace(b"epcis:EPCISDocument xmlns:epcis", b"EPCISDocument xmlns").replace(b"</epcis:", b"</"),
    ):  # fmt: skip
        _, (found,) = read(data)
        assert whole(found) == whole(read(json_document(EVENT))[1][0])


def test_the_context_may_come_last() -> None:
    data = json.dumps(
        {"type": "EPCISDocument", "epcisBody": {"eventList": [EVENT | {"ex:a": "1"}]}, "@context": [CONTEXT, {"ex": "urn:x:"}]}
    )
    _, (found,) = read(data.encode())
    assert whole(found).extensions[0].name == "{urn:x:}a"


@pytest.mark.parametrize(("change", "where"), [
    ({"epcList": "A1"},                                         "epcList"),
    ({"epcList": ["urn:epc:id:sscc:9506000.0000000001", 7]},    "epcList[1]"),
    ({"unknown:a": 1},                                          "unknown:a"),
    ({"bizstep": "shipping"},                                   "bizstep"),
    ({"readPoint": "urn:epc:id:sgln:9506000.10000.0"},          "readPoint"),
    ({"readPoint": {}},                                         "readPoint.id"),
    ({"quantityList": [{"quantity": 5}]},                       "quantityList[0].epcClass"),
    ({"quantityList": [{"epcClass": "urn:x:y", "quantity": "5"}]}, "quantityList[0].quantity"),
    ({"bizTransactionList": [{"type": "po"}]},                  "bizTransactionList[0].bizTransaction"),
    ({"persistentDisposition": {"sett": ["active"]}},           "persistentDisposition.sett"),
    ({"eventTime": 5},                                          "eventTime"),
    ({"type": ""},                                              "type"),
])  # fmt: skip
def test_a_bad_event_costs_itself_and_says_where(change: dict[str, object], where: str) -> None:
    _, found = read(json_document(EVENT, EVENT | change, EVENT))
    assert [one.error is None for one in found] == [True, False, True]
    assert found[1].error is not None
    assert found[1].error.where == where
    assert found[1].place(where).startswith("/epcisBody/eventList/1/")
    assert json.loads(found[1].text) == EVENT | change


def test_an_event_that_is_no_json_inside_costs_itself() -> None:
    data = json_document(EVENT, EVENT, EVENT).replace(b'"+01:00"', b'"+01:00", "a": tru', 1)
    _, found = read(data)
    assert [one.error and one.error.code for one in found] == ["malformed-json", None, None]
    twice = json_document(EVENT, EVENT).replace(b'"action"', b'"action": "ADD", "action"', 1)
    assert [one.error and one.error.found for one in read(twice)[1]] == ["action", None]


def test_a_bad_xml_event_costs_itself_and_says_which_line() -> None:
    bad = XML_EVENT.replace("<action>", "\n\n<bizstep>x</bizstep><action>")
    _, found = read(xml_document(XML_EVENT, bad, XML_EVENT))
    assert [one.error and one.error.where for one in found] == [None, "bizstep", None]
    assert found[1].place("epcList[1]") == "line 3, epcList[1]"
    assert found[1].text.decode() == bad
    nested = XML_EVENT.replace("A1</epc>", "A1<b/></epc>")
    assert [one.error is None for one in read(xml_document(nested, XML_EVENT))[1]] == [False, True]


def test_vendor_elements_are_kept_with_a_remark() -> None:
    own = XML_EVENT.replace("<action>", "<vendorField>7</vendorField><action>")
    _, (found,) = read(xml_document(own))
    assert [(node.name, node.value) for node in whole(found).extensions] == [("vendorField", "7")]
    assert "vendorField" in found.remarks[0].text
    prefixed = xml_document(XML_EVENT.replace("action>", "epcis:action>"))
    reading = Reading(of_bytes(prefixed))
    assert [whole(found).action for found in reading] == ["OBSERVE"]
    assert reading.remarks


@pytest.mark.parametrize(("data", "code"), [
    (b"",                                                                   "malformed-document"),
    (b"hello",                                                              "malformed-document"),
    (b"<a/>",                                                               "malformed-document"),
    (b'{"type": "EPCISDocument"}',                                          "malformed-document"),
    (b'{"type": "Other", "epcisBody": {"eventList": []}}',                  "malformed-document"),
    (json_document(EVENT)[:-1],                                             "malformed-json"),
    (json_document(EVENT) + b"x",                                           "malformed-json"),
    (json_document(EVENT, x={"a": 1}).replace(b'"a": 1', b'"a": 1, "a": 2'),  "malformed-json"),
    (json_document(EVENT).replace(b'"type"', b'"schemaVersion": "2.0", "type"', 1), "malformed-json"),
    (json_document(EVENT | {"rdfs:a": json.loads("[" * 29 + "]" * 29)}),    "malformed-json"),
    (xml_document(XML_EVENT)[:-5],                                          "malformed-xml"),
    (xml_document(XML_EVENT.replace("A1", "&x;")),                          "malformed-xml"),
    (xml_document(XML_EVENT).replace(b"A1", b"\xff"),                       "malformed-xml"),
    (b'<?xml version="1.0" encoding="nonsense"?><a/>',                      "malformed-xml"),
    (xml_document(XML_EVENT, before="<!DOCTYPE a>"),                        "forbidden-xml"),
    (xml_document(XML_EVENT, before="<!DOCTYPE a>").decode().replace('<?xml version="1.0"?>', "").encode("utf-16"), "forbidden-xml"),
    (xml_document("<a>" * 70 + "</a>" * 70),                                "forbidden-xml"),
])  # fmt: skip
def test_a_document_that_cannot_be_read_is_refused(data: bytes, code: str) -> None:
    assert refusal(data)[0] == code


def test_limits_hold_at_the_limit_and_not_one_beyond() -> None:
    limits = Limits(events_max=3, epcs_max=2)
    assert whole(read(json_document(EVENT | {"rdfs:a": json.loads("[" * 28 + "1" + "]" * 28)}))[1][0]).extensions
    makes: list[tuple[Callable[..., bytes], Any]] = [(json_document, EVENT), (xml_document, XML_EVENT)]
    for make, event in makes:
        assert len(read(make(*[event] * 3), limits)[1]) == 3
        assert refusal(make(*[event] * 4), limits)[0] == "too-many-events"
    more = "urn:epc:id:sgtin:9506000.013435.A3"
    three = [EVENT | {"epcList": [*EVENT["epcList"], more]}, EVENT]
    assert [one.error and one.error.code for one in read(json_document(*three), limits)[1]] == ["too-many-epcs", None]
    xml = [XML_EVENT.replace("</epcList>", f"<epc>{more}</epc></epcList>"), XML_EVENT]
    assert [one.error and one.error.code for one in read(xml_document(*xml), limits)[1]] == ["too-many-epcs", None]
    numbers = [found.error and found.error.code for found in read(json_document(EVENT | {"rdfs:a": [1] * 500_001}, EVENT))[1]]
    assert numbers == ["record-too-large", None]
    small = Limits(event_bytes_max=1_000)
    long = EVENT | {"rdfs:a": "x" * 1_000}
    assert refusal(json_document(long), small)[0] == "record-too-large"


BILLION = "<!DOCTYPE lolz [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(9)
) + "]>"  # fmt: skip
ATTACKS: dict[str, Callable[[], Iterable[bytes]]] = {
    # name -> pieces of a document that must be refused, and fast
    "billion laughs": lambda: [xml_document(XML_EVENT.replace("A1", "&j;"), before=BILLION)],
    "external entity": lambda: [xml_document("<a>&x;</a>", before='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>')],
    "external subset": lambda: [xml_document(XML_EVENT, before='<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">')],
    "parameter entity": lambda: [xml_document("", before='<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/">%x;]>')],
    "xml depth": lambda: [b"<a>" * 300_000],
    "json depth": lambda: [b'{"a":' * 300_000],
    "json list depth": lambda: [b"[" * 1_000_000],
    "long attribute": lambda: (b'<a b="', *[b"x" * 65_536] * 400),
    "long comment": lambda: (b"<a><!--", *[b"x" * 65_536] * 400),
    "long json text": lambda: (b'{"a":"', *[b"x" * 65_536] * 400),
    "long json number": lambda: (b'{"a":', *[b"1" * 65_536] * 400),
    "many names": lambda: (b"<a>", *[f"<n{number}/>".encode() for number in range(20_000)]),
    "many header elements": lambda: (b"<EPCISDocument><EPCISHeader>", *[b"<b/>" * 10_000] * 40),
    "endless blanks": lambda: (b"{", *[b" " * 65_536] * 400, b"x"),
    "endless header text": lambda: (b"<EPCISDocument><EPCISHeader><a>", *[b"x" * 65_536] * 400, b"</b>"),
    "many members": lambda: (b"{", *[f'"a{number}":{{"b":[{"1," * 1000}1]}},'.encode() for number in range(15_000)]),
    "bad utf-8 in json": lambda: [json_document(*[EVENT] * 50).replace(b'"type": "EPCISDocument"', b'"type": "EPCIS\xff\xfe\xc0\x80"')],
    "bad utf-8 in xml": lambda: [xml_document(*[XML_EVENT] * 50).replace(b"OBSERVE", b"OBS\xff\xed\xa0\x80", 40)],
    "an event without an end": lambda: (
        xml_document(*[XML_EVENT] * 3).partition(b"</EventList>")[0],
        *[XML_EVENT[:90].encode() * 700] * 150,
    ),
    "many numbers": lambda: (b'{"a":[', *[b"1," * 30_000] * 100, b"1]}"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_fast_and_in_little_memory(name: str) -> None:
    pieces = list(ATTACKS[name]())

    def refused() -> str:
        with pytest.raises(RejectedError) as caught:
            for _ in Reading(lambda: pieces, Limits(event_bytes_max=8 * 1024 * 1024)):
                pass
        return caught.value.code

    started = time.process_time()
    assert refused() in ("forbidden-xml", "malformed-xml", "malformed-json", "record-too-large", "malformed-document")
    assert time.process_time() - started < 3
    tracemalloc.start()
    refused()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 1024 * 1024


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_a_long_document_takes_the_memory_of_one_event(kind: str) -> None:
    items = [f"urn:epc:id:sgtin:9506000.013435.A{number}" for number in range(1_000)]
    if kind == "xml":
        event = XML_EVENT.replace("<epcList>", "<epcList>" + "".join(f"<epc>{item}</epc>" for item in items)).encode()
        opening, comma, closing = xml_document().partition(b"</EventList>")[0], b"", b"</EventList></EPCISBody></epcis:EPCISDocument>"
    else:
        event = json.dumps(EVENT | {"epcList": items}).encode()
        opening, comma, closing = json_document()[:-3], b",", b"]}}"

    def pieces() -> Iterator[bytes]:
        yield opening
        for number in range(300):
            yield (comma if number else b"") + event
        yield closing

    tracemalloc.start()
    epcs = sum(len(whole(found).epcs) for found in Reading(pieces))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert epcs >= 300_000
    assert peak < 6 * 1024 * 1024


def test_the_sizes_of_the_pieces_do_not_matter() -> None:
    for data in (json_document(EVENT, EVENT | {"rdfs:a": '"\\{['}, EVENT), xml_document(XML_EVENT, XML_EVENT, XML_EVENT)):
        want = read(data)
        for size in (1, 2, 3, 7, 64):
            reading = Reading(lambda data=data, size=size: (data[at : at + size] for at in range(0, len(data), size)))  # type: ignore[misc]
            assert [_plain(found) for found in reading] == [_plain(found) for found in want[1]]
            assert reading.document == want[0]


def _plain(found: Found) -> tuple[object, ...]:
    return found.number, found.pointer, found.line, found.text, found.event, found.error and found.error.text

"""The short way for what partners repeat answers as the long way does: the same event, the same bytes, the same refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec import event_avro
from packtrace.codec.epcis import json_stream
from packtrace.codec.epcis.alike import TRIED_MAX, Kinds
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent, Pair, Place
from packtrace.codec.epcis.limits import Limits
from packtrace.codec.epcis.mapping import mapped
from packtrace.codec.epcis.reading import Found, Reading, placed
from packtrace.codec.epcis.repeated import Repeated
from packtrace.codec.epcis.source import Source, of_bytes
from packtrace.codec.epcis.xml_stream import XmlStream
from packtrace.errors import RejectedError
from tests.codec.epcis.documents import DSCSA, GS1, TWICE, WAYS, events_of
from tests.codec.epcis.events import epcis_events
from tests.codec.epcis.test_reading import EVENT, XML_EVENT, json_document, xml_document

LOG_TIME = 1_795_341_600_000_000
DOCUMENT = Document("EPCISDocument", "2.0", "2026-11-22T10:00:00Z", sender="urn:epc:id:sgln:9506000.10000.0")
ITEMS = st.sampled_from(
    [
        "urn:epc:id:sgtin:9506000.013435.A1", "urn:epc:id:sgtin:9506000.013435.A2", "urn:epc:id:sgtin:9506000.013435.A%2F3",
        "https://id.gs1.org/01/09506000134352/21/B1", "https://id.gs1.org/01/09506000134352/21/B2", "https://other.example/01/09506000134352/21/C1",
        "urn:epc:id:sscc:9506000.0000000777", "urn:epc:id:sscc:9506000.0000000778", "https://id.gs1.org/00/095060000000007779",
        "https://id.gs1.org/00/095060000000007778", "urn:epc:id:sscc:9506000.000000077", "urn:epc:id:grai:4012345.55555.987",
        "urn:epc:id:sgtin:9506000.13435.BAD", "urn:epc:id:sgtin:950600013.0435.A9", "x", " urn:epc:id:sgtin:9506000.013435.A4 ", "",
    ]
)  # fmt: skip
IDS = st.sampled_from(["", "urn:uuid:1", "urn:uuid:2", 'q"\\ü', "\x00time\x00".replace("\x00", "~"), "x" * 300, "a&b", " urn:uuid:3 "])
TIMES = st.sampled_from(
    ["2026-11-22T10:00:00Z", "2026-11-22T11:00:00.123+01:00", "2026-11-22 10:00:00Z", "2090-01-01T00:00:00Z", "never", ""]
)
VARIED = st.tuples(IDS, TIMES, st.lists(ITEMS, max_size=3), st.one_of(st.just(""), ITEMS))


class Never:
    """Knows no event."""

    def knows(self, text: bytes) -> bool:
        return False

    def again(self, text: bytes, at: int) -> int:
        return 0

    def forget(self) -> None:
        """Nothing to forget."""


def long_way(found: Found) -> tuple[Any, ...]:
    """What becomes of an event that is read and judged by itself."""
    try:
        if found.event is None:
            assert found.error is not None
            raise found.error
        done = mapped(found.event, DOCUMENT, log_time=LOG_TIME)
    except RejectedError as error:
        refused = placed(found, error)
        return ("rejected", refused.code, refused.where, refused.expected, refused.found)
    return ("accepted", done.event.id, event_avro.plain_encode(done.raw), msgspec.structs.replace(done.event, id=""))


def plainly(data: bytes, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The document with nothing known again."""
    with monkeypatch.context() as patched:
        patched.setattr(Kinds, "find", lambda self, text, items_max: (None, None))
        return [told(found) for found in Reading(of_bytes(data))]


def told(found: Found) -> tuple[Any, ...]:
    return (
        found.number,
        found.pointer,
        found.line,
        found.text,
        found.event,
        found.error and found.place(found.error.where),
        *long_way(found),
    )


def shortly(data: bytes, piece_bytes: int = 65_536, source: Source | None = None) -> tuple[list[tuple[Any, ...]], int]:
    """The document as the gateway reads it, and how many of its events took the short way to their end."""
    repeated, short = Repeated(DOCUMENT), 0
    out = []
    for found in Reading(source or of_bytes(data), piece_bytes=piece_bytes):
        ready = repeated.ready(found.alike, LOG_TIME) if found.alike is not None else None
        row = told(found)
        if ready is not None:
            short += 1
            assert row[6:9] == ("accepted", ready.id, ready.body)
            assert row[9] == msgspec.structs.replace(row[9], **{name: getattr(ready.like, name) for name in LIKE})
        out.append(row)
    return out, short


LIKE = (
    "type",
    "action",
    "zone_minutes",
    "biz_step",
    "disposition",
    "place",
    "read_point",
    "lot",
    "expiry",
    "party",
    "line",
    "transactions",
)


def varied(kind: EpcisEvent, id: str, time: str, items: Sequence[str], parent: str) -> EpcisEvent:
    field = "epcs" if kind.type in ("ObjectEvent", "TransactionEvent") else "children"
    parent = parent if kind.type != "ObjectEvent" else ""
    return msgspec.structs.replace(kind, event_id=id, event_time=time, parent=parent, **{field: tuple(items)})


@settings(max_examples=50)
@given(
    kinds=st.lists(epcis_events(), min_size=1, max_size=2), contents=st.lists(VARIED, min_size=2, max_size=5),
    way=st.sampled_from(sorted(WAYS)), piece_bytes=st.integers(1, 4_000),
)  # fmt: skip
def test_any_events_of_one_document(kinds: list[EpcisEvent], contents: list[Any], way: str, piece_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        same(WAYS[way](DOCUMENT, [varied(kind, *one) for one in contents for kind in kinds]), patched, piece_bytes)


def same(data: bytes, patched: pytest.MonkeyPatch, piece_bytes: int = 65_536) -> int:
    try:
        plain = plainly(data, patched)
    except RejectedError as error:
        with pytest.raises(RejectedError) as caught:
            shortly(data, piece_bytes)
        assert (caught.value.code, caught.value.where) == (error.code, error.where)
        return 0
    found, short = shortly(data, piece_bytes)
    assert found == plain
    return short


PLAIN = EpcisEvent(
    "ObjectEvent", "2026-11-22T10:00:00Z", "+01:00", event_id="urn:uuid:1", action="OBSERVE", biz_step="shipping",
    epcs=("urn:epc:id:sgtin:9506000.013435.A1",), location=Place("urn:epc:id:sgln:9506000.10000.0"), transactions=(Pair("po", "urn:x:y"),),
)  # fmt: skip
PACKED = msgspec.structs.replace(
    PLAIN,
    type="AggregationEvent",
    action="ADD",
    epcs=(),
    parent="urn:epc:id:sscc:9506000.0000000777",
    children=("urn:epc:id:sgtin:9506000.013435.A1",),
)


@settings(max_examples=150)
@given(
    contents=st.lists(st.tuples(VARIED, st.sampled_from(["shipping", "shiping", ""])), min_size=1, max_size=8),
    way=st.sampled_from(sorted(WAYS)),
)
def test_what_varies_among_plain_ones(contents: list[Any], way: str) -> None:
    events = [msgspec.structs.replace(varied(kind, *one), biz_step=step) for one, step in contents for kind in (PLAIN, PACKED)]
    with pytest.MonkeyPatch.context() as patched:
        same(WAYS[way](DOCUMENT, events), patched)


@settings(max_examples=150)
@given(
    way=st.sampled_from(sorted(WAYS)), piece_bytes=st.integers(1, 2_000), lines=st.booleans(), in_turn=st.booleans(),
    edits=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 30), st.sampled_from(
        [b"", b"<", b">", b"</", b"&amp;", b"&", b'"', b"{", b"}", b"[", b"]", b"\\", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"\r\n", b"\r", b"</epc>",
         b"<epc>", b"</ObjectEvent>", b"<ObjectEvent>", b"<a:b>", b"\xc3\xbc", b"\xff", b"<eventID>x</eventID>", b'"eventID":"x",', b' xmlns="urn:x"',
         b"<EventList>", b"</EventList>", b'"eventID"', b"<ex xmlns='urn:y'><eventID>7</eventID></ex>", b'"rdfs:a":{"eventID":"7"},']
    )), max_size=3),
)  # fmt: skip
def test_bytes_that_were_tampered_with(way: str, piece_bytes: int, lines: bool, in_turn: bool, edits: list[tuple[int, int, bytes]]) -> None:
    events = [
        varied(kind, f"urn:uuid:{number}" if number % 2 or not in_turn else "", "2026-11-22T10:00:00Z",
               [f"urn:epc:id:sgtin:9506000.013435.A{number}"], PACKED.parent)
        for number in range(6) for kind in (PLAIN, PACKED)
    ]  # fmt: skip
    if not in_turn:
        events.sort(key=lambda event: event.type)
    data = WAYS[way](DOCUMENT, events)
    if lines:
        data = data.replace(b"><", b">\n<").replace(b',"', b',\r\n"')
    for at, size, new in edits:
        at %= len(data) + 1
        data = data[:at] + new + data[at + size :]
    with pytest.MonkeyPatch.context() as patched:
        same(data, patched, piece_bytes)


@pytest.mark.parametrize("path", [path for path in [*GS1, DSCSA] if path.name != TWICE], ids=lambda path: path.name)
def test_published_documents_again_and_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document, events = events_of(path.read_bytes())
    for way, write in WAYS.items():
        if way != "xml-1.2" or all(event.type != "AssociationEvent" for event in events):
            same(write(document, [*events, *events, *events]), monkeypatch)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("kind", [PLAIN, PACKED], ids=["object", "aggregation"])
def test_the_short_way_is_taken(way: str, ids: bool, kind: EpcisEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        varied(kind, f"urn:uuid:{number}" if ids else "", f"2026-11-22T10:00:{number:02}Z", [f"urn:epc:id:sgtin:9506000.013435.A{number}"], PACKED.parent)
        for number in range(20)
    ]  # fmt: skip
    assert same(WAYS[way](DOCUMENT, events), monkeypatch) == 20
    assert same(WAYS[way](DOCUMENT, events), monkeypatch, 700) > 10


def test_prefixes_that_begin_one_another_are_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    items = ["urn:epc:id:sgtin:9506000.013435.A1", "urn:epc:id:sgtin:950600013.0435.A2"]
    events = [varied(PLAIN, f"urn:uuid:{number}", PLAIN.event_time, [*items[:1], items[1] + str(number)], "") for number in range(4)]
    same(WAYS["json"](DOCUMENT, [*(varied(PLAIN, "urn:uuid:a", PLAIN.event_time, [one], "") for one in items), *events]), monkeypatch)


def nested(name: str, content: str) -> tuple[dict[str, Any], str]:
    return {"ex:a": {name: content}}, f"<ex:a><{name}>{content}</{name}></ex:a>"


@pytest.mark.parametrize("content", ["", "urn:uuid:1"])
@pytest.mark.parametrize("name", ["eventID", "parentID", "eventTime"])
def test_a_name_inside_of_an_extension_is_none_of_the_event(name: str, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        objects, elements = [], []
        for one in (content, content, "urn:uuid:8", "urn:uuid:9"):
            inside, element = nested(name, one)
            plain = {key: value for key, value in EVENT.items() if number or key != name}
            objects.append(plain | inside)
            elements.append(XML_EVENT.replace("<action>", f"{element}<action>"))
        data = json_document(*objects).replace(b'["https', b'[{"ex": "urn:x:"}, "https')
        assert same(data, monkeypatch) == 0
        assert same(xml_document(*elements).replace(b"<EventList", b'<EventList xmlns:ex="urn:x:"'), monkeypatch) == 0


@pytest.mark.parametrize(("name", "value"), [
    ("eventID", ["urn:uuid:5"]), ("eventTime", ["2026-11-22T10:00:00Z"]), ("epcList", "urn:epc:id:sgtin:9506000.013435.A7"), ("epcList", []),
    ("epcList", [7]), ("epcList", [["urn:epc:id:sgtin:9506000.013435.A7"]]), ("eventID", {"a": "b"}), ("eventID", None), ("eventID", "\\u0041"),
])  # fmt: skip
def test_a_field_of_another_shape_is_another_kind(name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    good = EVENT | {"eventID": "urn:uuid:1"}
    same(json_document(good, good, good, good | {name: value}, good), monkeypatch)
    named = XML_EVENT.replace("<epcList>", "<eventID>urn:uuid:1</eventID><epcList>")
    for old, new in (
        ("urn:uuid:1", "<epc>urn:uuid:1</epc>"), ("urn:uuid:1", "<a/>"), ("urn:uuid:1", "a<!-- -->b"), ("urn:uuid:1", "<![CDATA[a]]>"),
        ("<epc>urn:epc:id:sgtin:9506000.013435.A1</epc>", "urn:epc:id:sgtin:9506000.013435.A1"), ("<epc>", "<epc a='b'>"), ("<epc>", "<!--<epc>"),
        ("<epc>urn:epc:id:sgtin:9506000.013435.A1</epc>\n<epc>urn:epc:id:sgtin:9506000.013435.A2</epc>", "text"), ("</epcList>", "<!-- --></epcList>"),
    ):  # fmt: skip
        assert old in named
        same(xml_document(named, named, named, named.replace(old, new), named), monkeypatch)
    commented = XML_EVENT.replace("<epcList>", "<!-- <eventID>urn:uuid:1</eventID> --><epcList>")
    assert same(xml_document(commented, commented, commented.replace("uuid:1", "uuid:2")), monkeypatch) == 0


def test_another_list_may_have_other_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    event = XML_EVENT.replace("<action>", "<ex:a>1</ex:a><action>")
    lists = [xml_document(event, event, event).partition(b"<EventList>")[2].partition(b"</EventList>")[0]] * 2
    whole = xml_document("@").replace(
        b"<EventList>@</EventList>", b'<EventList xmlns:ex="urn:a:">%b</EventList><EventList xmlns:ex="urn:b:">%b</EventList>' % (*lists,)
    )
    assert same(whole, monkeypatch) > 0
    names = [node.name for found in Reading(of_bytes(whole)) for node in (found.event or PLAIN).extensions]
    assert names == ["{urn:a:}a"] * 3 + ["{urn:b:}a"] * 3


def test_lines_are_counted_through_events_that_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    for end in ("\n", "\r\n", "\r"):
        event = XML_EVENT.replace("\n", end) + end
        bad = event.replace("9506000.013435.A2", "9506000.13435.A2")
        data = xml_document(*[event] * 5, bad, event, bad.replace("<action>", "<bizstep>x</bizstep><action>"))
        assert same(data, monkeypatch) > 0
        where = [long_way(found)[2] for found in Reading(of_bytes(data)) if long_way(found)[0] == "rejected"]
        assert where == ["line 12, epcList[1]", "line 15, bizstep"]


def test_events_that_are_passed_over_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (json_document(*[EVENT] * 9), xml_document(*[XML_EVENT] * 9)):
        assert len(list(Reading(of_bytes(data), Limits(events_max=9)))) == 9
        with pytest.raises(RejectedError) as caught:
            list(Reading(of_bytes(data), Limits(events_max=8)))
        assert caught.value.code == "too-many-events"


def test_no_two_alike_are_given_up_on() -> None:
    objects = [EVENT | {"rdfs:a": f"{number}"} for number in range(200)]
    reading = Reading(of_bytes(json_document(*objects)))
    assert sum(found.alike is not None for found in reading) == TRIED_MAX


def test_events_held_from_the_first_pass_are_those_of_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    source = of_bytes(json_document(*[EVENT | {"eventID": f"urn:uuid:{number}"} for number in range(50)]))
    held = json_stream.skim(source, Limits())
    assert held.held is not None and len(held.held) == 50
    monkeypatch.setattr(json_stream, "HELD_BYTES_MAX", 1_000)
    again = json_stream.skim(source, Limits())
    assert again.held is None and again.events == held.events == 50
    assert list(json_stream.events(source, again, Limits())) == held.held


def test_an_event_in_many_pieces_is_found_whole() -> None:
    data = xml_document(*[XML_EVENT.replace("A1", f"B{number}") for number in range(30)])

    def pieces() -> Iterator[bytes]:
        return (data[at : at + 1] for at in range(len(data)))

    assert [found.text for found in Reading(pieces)] == [one.text for one in XmlStream(of_bytes(data), Limits(), Never()).events()]

"""The short way through an event and the plain way make the same row; what the router rejects makes none."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.adapters.registry_memory import MemoryRegistry
from packtrace.codec import event_avro, native, wire
from packtrace.codec.event_check import check
from packtrace.codec.event_json import decode_event
from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction
from packtrace.contracts import folder
from packtrace.domain.identifiers import check_digit, sscc_key
from packtrace.errors import RejectedError, UnavailableError
from packtrace.ports import LogRecord
from packtrace.sink.event_rows import COLUMNS, STATED, EventRows, plain

LOG_TIME = 1_795_341_700_000_000
TIME = LOG_TIME - 100_000_000
LINK = "https://id.gs1.org/01/09506000134352/21/"

PALLET = "https://id.gs1.org/00/" + sscc_key("95060001" + "000000001" + check_digit("95060001000000001"))[2:]

serials = st.sampled_from(["A1", "B%2F2", "c.3", "0004"])
items = st.one_of(
    serials.map(lambda serial: LINK + serial),
    serials.map(lambda serial: f"https://id.gs1.org/01/09506000134352/10/L9/21/{serial}?17=280531"),
    st.just("(01)09506000134352(17)280500(10)L8(21)Z9"),
    st.just(PALLET),
)
bad = st.just(LINK + "bad|serial")
rest = {
    "id": st.sampled_from(["", "line-1/7/1", 'odd "id" \\ é']),
    "event_time": st.sampled_from([0, TIME, TIME + 125_000, TIME + 1, TIME, LOG_TIME + 90_000_000_000]),
    "sequence": st.sampled_from([None, 0, 42]),
    "time_zone": st.sampled_from(["", "+01:00"]),
    "biz_step": st.sampled_from(["commissioning", "urn:epcglobal:cbv:bizstep:packing", ""]),
    "disposition": st.sampled_from(["active", ""]),
    "lot": st.sampled_from(["", "L7", 'q"7']),
    "expiry": st.sampled_from(["", "2028-05-31", "2028-05-00", "280531"]),
    "place": st.sampled_from(["", "9506000100005"]),
    "line": st.sampled_from(["", "line-1"]),
    "boot": st.sampled_from([None, 7]),
    "reason": st.sampled_from(["", "stolen", "free text"]),
    "partial": st.booleans(),
    "transactions": st.sampled_from([(), (RawTransaction("desadv", "D-9"),)]),
    "correction": st.sampled_from([None, None, RawCorrection("did_not_occur", ("e1",))]),
    "extensions": st.sampled_from(["", '{"a":{"b":[1,2]}}']),
}
raw_events = st.one_of(
    st.builds(
        RawEvent,
        type=st.just("object"),
        action=st.sampled_from(["ADD", "OBSERVE", "DELETE"]),
        epcs=st.lists(st.one_of(items, items, items, bad), min_size=1, max_size=3).map(tuple),
        **rest,
    ),
    st.builds(
        RawEvent,
        type=st.just("aggregation"),
        action=st.sampled_from(["ADD", "OBSERVE", "DELETE"]),
        parent=st.just(PALLET),
        children=st.lists(serials.map(lambda serial: LINK + "X" + serial), max_size=2, unique=True).map(tuple),
        **rest,
    ),
    st.builds(
        RawEvent,
        type=st.just("transformation"),
        inputs=st.just((LINK + "I1",)),
        outputs=st.sampled_from([(), (LINK + "O1",), ("(01)09506000134352(17)280500(10)L8(21)Z9",)]),
        **rest,
    ),
    st.builds(RawEvent, type=st.just("nonsense"), **rest),
)


def record(raw: RawEvent, schema_id: int = 1, offset: int = 5) -> LogRecord:
    return LogRecord("events", 3, offset, None, wire.frame(schema_id, event_avro.encode(raw)), LOG_TIME)


def rows() -> EventRows:
    return EventRows(MemoryRegistry(), 0.25, 1.0)


@settings(max_examples=400)
@given(st.lists(raw_events, min_size=1, max_size=6))
def test_the_short_way_is_the_plain_way(raws: list[RawEvent]) -> None:
    table = rows()
    for number, raw in enumerate([*raws, *raws]):
        one = record(raw, offset=number)
        try:
            expected = plain(one, check(raw, log_time=LOG_TIME))
        except RejectedError:
            expected = None
        piece = table.read(one)
        assert (None if piece is None else list(piece.bodies)) == expected
        if piece is not None:
            _, [row] = native.read(native.block(COLUMNS, 1, piece.bodies))
            text = row[-1]
            assert isinstance(text, bytes)
            assert decode_event(text) == check(raw, log_time=LOG_TIME)
            assert row[18] == decode_event(text).expiry
            assert (piece.source, piece.first, piece.rows) == ("events/3", (number, 0), 1)
            assert piece.derive >= any(word in text for word in STATED)


scans = st.builds(
    RawEvent,
    type=st.just("object"),
    action=st.sampled_from(["ADD", "OBSERVE", "DELETE"]),
    epcs=st.tuples(
        st.one_of(
            st.from_regex(r"[A-Za-z0-9]{1,20}", fullmatch=True).flatmap(
                lambda serial: st.sampled_from([LINK + serial, "010950600013435221" + serial, "urn:epc:id:sgtin:9506000.013435." + serial])
            ),
            st.just(PALLET),
        )
    ),
    **rest,
)


@settings(max_examples=400)
@given(st.lists(scans, min_size=1, max_size=4))
def test_a_scan_of_a_known_line_is_the_plain_way(raws: list[RawEvent]) -> None:
    table = rows()
    for number, raw in enumerate([*raws, *raws]):
        one = record(raw, offset=number)
        try:
            expected = plain(one, check(raw, log_time=LOG_TIME))
        except RejectedError:
            expected = None
        piece = table.read(one)
        assert (None if piece is None else list(piece.bodies)) == expected
        if piece is not None and not piece.derive:
            _, [row] = native.read(native.block(COLUMNS, 1, piece.bodies))
            assert isinstance(row[-1], bytes)
            assert not any(word in row[-1] for word in STATED)


def test_what_has_a_part_in_the_terms_is_what_their_view_looks_for() -> None:
    view = (folder() / "clickhouse" / "0011_cheap_inserts.sql").read_text(encoding="utf-8")
    condition = view.partition("multiSearchAny(event, [")[2].partition("])")[0]
    assert tuple(word.encode() for word in re.findall(r"'([^']+)'", condition)) == STATED


def test_a_schema_of_another_writer_takes_the_plain_way() -> None:
    registry = MemoryRegistry()
    fields = [*event_avro.BODY.fields, {"name": "of_theirs", "type": "string", "default": "x"}]
    foreign = registry.add(msgspec.json.encode({"type": "record", "name": "Event", "namespace": "packtrace", "fields": fields}).decode())
    raw = RawEvent(id="e", event_time=TIME, type="object", action="OBSERVE", epcs=(LINK + "A1",))
    value = wire.frame(foreign, event_avro.encode(raw) + b"\x06abc")
    piece = EventRows(registry, 0.25, 1.0).read(LogRecord("events", 3, 5, None, value, LOG_TIME))
    assert piece is not None
    assert list(piece.bodies) == plain(record(raw), check(raw, log_time=LOG_TIME))


@pytest.mark.parametrize("value", [None, b"", b"hello", wire.frame(1, b"\xff\xff"), wire.frame(999, b"x")])
def test_what_is_no_event_makes_no_row(value: bytes | None) -> None:
    assert rows().read(LogRecord("events", 3, 5, None, value, LOG_TIME)) is None


def test_a_registry_that_is_away_is_waited_for_and_nothing_skipped() -> None:
    registry = MemoryRegistry()
    registry.away = True
    with pytest.raises(UnavailableError):
        EventRows(registry, 0.25, 1.0).read(record(RawEvent(id="e", event_time=TIME, type="object", action="OBSERVE", epcs=(LINK + "A1",))))

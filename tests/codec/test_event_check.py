"""What becomes an event and what is rejected, at the limit and one beyond."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec import event_check
from packtrace.codec.event_check import AHEAD_MAX, TRANSACTIONS_MAX, check, check_varying, shared
from packtrace.codec.event_json import decode_event, raw_from_json, raw_of, to_json
from packtrace.codec.event_shape import EPCS_MAX
from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction
from packtrace.codec.vocabulary_words import TEXT_CHARACTERS_MAX
from packtrace.domain.dates import TIME_MAX, read_time
from packtrace.domain.event import Event
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError
from tests.codec.events import events
from tests.codec.identities import spellings

NOW = read_time("2026-11-22T10:00:00Z")
PLANT = "9506000100005"
CASE = "https://id.gs1.org/01/19506000134359/21/C1"


def unit(serial: str) -> str:
    return f"https://id.gs1.org/01/09506000134352/21/{serial}"


def raw(**changes: Any) -> RawEvent:
    good: dict[str, Any] = {"id": "1", "event_time": NOW, "type": "object", "action": "OBSERVE", "epcs": (unit("A"),), "place": PLANT}
    return RawEvent(**(good | changes))


def packing(*children: str, **changes: Any) -> RawEvent:
    return raw(**({"type": "aggregation", "action": "ADD", "epcs": (), "parent": CASE, "children": children} | changes))


def rejected(event: RawEvent, log_time: int | None = None) -> tuple[str, str]:
    with pytest.raises(RejectedError) as caught:
        check(event, log_time=log_time)
    return caught.value.code, caught.value.where


@settings(max_examples=100)
@given(events())
def test_an_event_survives_every_way_out_and_back(event: Event) -> None:
    assert check(raw_of(event)) == event
    assert decode_event(to_json(event)) == event
    assert decode_event(json.loads(to_json(event))) == event
    assert to_json(decode_event(to_json(event))) == to_json(event)


@settings(max_examples=40)
@given(events(), st.data())
def test_the_spelling_of_the_items_does_not_matter(event: Event, data: st.DataObject) -> None:
    def respelt(keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            data.draw(st.sampled_from(sorted(text for name, text in spellings(key).items() if "with" not in name))) for key in keys
        )

    changed = msgspec.structs.replace(
        raw_of(event),
        epcs=respelt(event.epcs),
        children=respelt(event.children),
        inputs=respelt(event.inputs),
        outputs=respelt(event.outputs),
        parent=respelt((event.parent,))[0] if event.parent else "",
    )
    assert check(changed) == event


@settings(max_examples=40)
@given(events(), events())
def test_what_is_remembered_changes_no_answer(one: Event, other: Event) -> None:
    """The same raw event is read alike by a reader that knows nothing, and by one that has read it and another."""
    event_check._shared.clear()
    fresh = check(raw_of(one))
    check(raw_of(other))
    again = raw_of(one)
    assert check(again) == fresh == check(msgspec.structs.replace(again, transactions=list(again.transactions)))


@pytest.mark.parametrize("field", sorted(set(RawEvent.__struct_fields__) - {"id", "event_time", "sequence"}))
def test_no_field_is_forgotten_by_what_is_remembered(field: str) -> None:
    """Two events that differ in one field alone are two events, whichever was read first."""
    other_item = ("https://id.gs1.org/00/095060001000000012",)
    other: dict[str, Any] = dict.fromkeys(RawEvent.__struct_fields__, "STOLEN") | dict.fromkeys(
        ("place", "read_point", "party", "source_party", "source_place", "destination_party", "destination_place"), "9506000200002"
    )
    other |= {"epcs": other_item, "children": other_item, "parent": other_item[0], "inputs": (unit("B"),), "outputs": (unit("B"),)}
    other |= {"lots": ("https://id.gs1.org/01/09506000134352/10/L7",), "type": "transaction", "action": "DELETE", "time_zone": "+01:00"}
    other |= {
        "biz_step": "shipping",
        "disposition": "in_transit",
        "expiry": "2028-05-31",
        "boot": 8,
        "partial": True,
        "extensions": '{"a":1}',
        "epcis": '{"event":{"type":"ObjectEvent"}}',
    }
    other |= {"transactions": (RawTransaction("po", "1"),), "correction": RawCorrection("did_not_occur")}
    base = raw()
    if field in ("parent", "children"):
        base = packing(unit("A"))
    elif field in ("inputs", "outputs"):
        base = raw(type="transformation", action="", epcs=(), inputs=(unit("A"),), outputs=(unit("C"),))
    changed = msgspec.structs.replace(base, **{field: other[field]})
    for first, second in ((base, changed), (changed, base)):
        event_check._shared.clear()
        assert check(first) != check(second)


@settings(max_examples=40)
@given(events())
def test_the_varying_part_may_be_read_apart(event: Event) -> None:
    text = raw_of(event)
    rest = msgspec.structs.replace(text, id="", sequence=None, epcs=(), parent="", children=())
    assert check_varying(shared(rest), text.id, text.event_time, text.sequence, text.epcs, text.parent, text.children) == event


def test_what_a_line_repeats_is_read_once() -> None:
    event_check._shared.clear()
    for number in range(3):
        check(raw(id=str(number), event_time=NOW + number, sequence=number, epcs=(unit(f"A{number}"),)))
    assert len(event_check._shared) == 1
    event_check._shared.update({(number,): check(raw()) for number in range(event_check._SHARED_MAX)})
    check(raw(device="another"))
    assert len(event_check._shared) == 1


def test_lists_do_as_well_as_tuples() -> None:
    listed = raw(epcs=[unit("A")], transactions=[RawTransaction("po", "1")])
    assert check(listed) == check(raw(transactions=(RawTransaction("po", "1"),)))


# Limits: at the limit, and one beyond.


def test_an_event_may_be_24_hours_ahead_of_the_log() -> None:
    assert check(raw(event_time=NOW + AHEAD_MAX), log_time=NOW).event_time == NOW + AHEAD_MAX
    assert rejected(raw(event_time=NOW + AHEAD_MAX + 1), NOW) == (Reject.FUTURE_TIME, "event_time")


@pytest.mark.parametrize("time", [-1, TIME_MAX + 1, 2**63 - 1, -(2**63)])
def test_a_time_that_no_calendar_has_is_refused(time: int) -> None:
    assert rejected(raw(event_time=time), NOW) == (Reject.BAD_TIME, "event_time")
    assert rejected(raw(event_time=time, expiry="280531")) == (Reject.BAD_TIME, "event_time")


def test_an_event_names_at_most_100_000_items() -> None:
    many = tuple(unit(f"M{number}") for number in range(EPCS_MAX + 1))
    assert len(check(raw(epcs=many[:-1])).epcs) == EPCS_MAX
    assert rejected(raw(epcs=many)) == (Reject.TOO_MANY_EPCS, "epcs")
    assert rejected(packing(*many[:-1])) == (Reject.TOO_MANY_EPCS, "children")
    assert rejected(raw(type="transformation", action="", epcs=(), inputs=many[:60_000], outputs=many[60_000:])) == (
        Reject.TOO_MANY_EPCS,
        "inputs",
    )


@pytest.mark.parametrize("field", ["id", "line", "device", "operator", "reason"])
def test_text_has_at_most_200_characters_and_no_control_characters(field: str) -> None:
    assert getattr(check(raw(**{field: "é" * TEXT_CHARACTERS_MAX})), field) == "é" * TEXT_CHARACTERS_MAX
    for bad in ("x" * (TEXT_CHARACTERS_MAX + 1), "a\nb", "a\x00", "a\x7f", "a\x85b", "a\u2028b", "\ud800"):
        assert rejected(raw(**{field: bad})) == (Reject.BAD_TEXT, field)


def test_text_that_is_not_ascii_is_welcome() -> None:
    for good in ("Straße 7", "no\u00a0break", "数", "👩\u200d🔬"):
        assert check(raw(operator=good)).operator == good


def test_transactions_are_bounded() -> None:
    many = tuple(RawTransaction("po", str(number)) for number in range(TRANSACTIONS_MAX + 1))
    assert len(check(raw(transactions=many[:-1])).transactions) == TRANSACTIONS_MAX
    assert rejected(raw(transactions=many)) == (Reject.BAD_TEXT, "transactions")


def test_extensions_are_bounded_and_canonical() -> None:
    assert check(raw(extensions='{"b": 1, "a": {"d": 2, "c": 3}}')).extensions == '{"a":{"c":3,"d":2},"b":1}'
    assert check(raw(extensions=" {} ")).extensions == ""
    assert check(raw(extensions=json.dumps({str(n): n for n in range(64)}))).extensions
    assert rejected(raw(extensions=json.dumps({str(n): n for n in range(65)}))) == (Reject.BAD_TEXT, "extensions")
    assert rejected(raw(extensions=json.dumps({"a": "x" * 16_384}))) == (Reject.BAD_TEXT, "extensions")
    for bad in ("[1]", "1", '"x"'):
        assert rejected(raw(extensions=bad)) == (Reject.WRONG_TYPE, "extensions")
    for bad in ("{", '{"a":1,"a":2}', '{"a":NaN}', '{"a":1e999}'):
        assert rejected(raw(extensions=bad)) == (Reject.MALFORMED_JSON, "extensions")


# Structure.


def test_an_unpack_without_children_is_of_all() -> None:
    assert check(packing(action="DELETE")).children == ()


def test_an_observation_names_a_parent_or_children() -> None:
    assert check(packing(action="OBSERVE")).parent
    assert check(packing(unit("A"), action="OBSERVE", parent="")).children
    assert rejected(packing(action="OBSERVE", parent="")) == (Reject.NO_ITEMS, "")


def test_an_association_always_has_a_parent() -> None:
    assert rejected(packing(unit("A"), type="association", action="OBSERVE", parent="")) == (Reject.NO_PARENT, "parent")


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("object", "parent", CASE),
        ("object", "children", (unit("B"),)),
        ("object", "inputs", (unit("B"),)),
        ("aggregation", "epcs", (unit("B"),)),
        ("aggregation", "lots", ("https://id.gs1.org/01/09506000134352/10/L7",)),
        ("transaction", "outputs", (unit("B"),)),
        ("transformation", "epcs", (unit("B"),)),
        ("association", "epcs", (unit("B"),)),
    ],
)
def test_a_field_that_the_type_does_not_have_is_refused(kind: str, field: str, value: Any) -> None:
    good = {
        "object": raw(),
        "transaction": raw(type="transaction"),
        "aggregation": packing(unit("A")),
        "association": packing(unit("A"), type="association"),
        "transformation": raw(type="transformation", action="", epcs=(), inputs=(unit("A"),)),
    }[kind]
    check(good)
    assert rejected(msgspec.structs.replace(good, **{field: value})) == (Reject.UNKNOWN_FIELD, field)


def test_the_parent_of_a_transaction_is_one_more_item() -> None:
    assert check(raw(type="transaction", parent=CASE)).epcs == ("011950600013435921C1", "010950600013435221A")
    assert check(raw(type="transaction", parent=unit("A"))).epcs == ("010950600013435221A",)
    assert check(raw(type="transaction", epcs=(), parent=CASE)).parent == ""


def test_the_first_fault_of_a_list_is_named() -> None:
    assert rejected(packing(unit("A"), unit("B"), "x", "y")) == (Reject.BAD_IDENTIFIER, "children[2]")
    assert rejected(packing(unit("A"), "https://id.gs1.org/00/095060001000000013", "y")) == (Reject.WRONG_CHECK_DIGIT, "children[1]")


def test_a_correction_that_names_no_event_names_its_own() -> None:
    stated = json.loads(to_json(check(raw()))) | {"correction": {"reason": "https://ref.gs1.org/cbv/ER-did_not_occur"}}
    correction = decode_event(stated).correction
    assert correction is not None
    assert (correction.reason, correction.events) == ("did_not_occur", ("1",))


# Words, reasons, dates, and what codes say.


@pytest.mark.parametrize(
    "text",
    [
        "shipping",
        "urn:epcglobal:cbv:bizstep:shipping",
        "https://ref.gs1.org/cbv/BizStep-shipping",
        "https://ns.gs1.org/cbv/BizStep-shipping",
        "cbv:BizStep-shipping",
    ],
)
def test_words_in_every_spelling_have_one_form(text: str) -> None:
    assert check(raw(biz_step=text)).biz_step == "shipping"


@pytest.mark.parametrize(
    "text",
    [
        "Shipping",
        "shiping",
        "urn:epcglobal:cbv:bizstep:shiping",
        "urn:epcglobal:cbv:disp:in_transit",
        "https://ref.gs1.org/cbv/Disp-in_transit",
        "urn:x:a b",
        "urn:x:" + "y" * 200,
    ],
)
def test_words_that_nobody_defined_are_refused(text: str) -> None:
    assert rejected(raw(biz_step=text)) == (Reject.BAD_TEXT, "biz_step")


def test_other_vocabularies_keep_their_uri() -> None:
    assert check(raw(biz_step="urn:packtrace:bizstep:releasing")).biz_step == "urn:packtrace:bizstep:releasing"


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("stolen", "STOLEN"),
        ("FREE_SAMPLE", "FREE_SAMPLE"),
        ("recalled", "RECALLED"),
        ("damaged", "DAMAGED"),
        ("water damage", "water damage"),
        ("none", "none"),
    ],
)
def test_listed_reasons_are_stored_in_capitals_and_others_as_they_came(text: str, stored: str) -> None:
    assert check(raw(reason=text)).reason == stored


def test_lot_and_expiry_of_a_code_count_where_the_event_has_none() -> None:
    code = "]d2010950600013435221A\x1d1728050010L7"
    event = check(raw(epcs=(code,)))
    assert (event.epcs, event.lot, event.expiry) == (("010950600013435221A",), "L7", 20280500)
    event = check(raw(epcs=(code,), lot="L8", expiry="2028-05-31"))
    assert (event.lot, event.expiry) == ("L8", 20280531)
    event = check(raw(epcs=(code, "https://id.gs1.org/01/09506000134352/10/L7/21/B"), lot=""))
    assert (event.lot, event.expiry) == ("L7", 20280500)


def test_codes_that_differ_give_the_event_no_lot() -> None:
    event = check(packing("(01)09506000134352(21)A(10)L7(17)280531", "(01)09506000134352(21)B(10)L8(17)280531"))
    assert (event.lot, event.expiry) == ("", 20280531)


def test_of_a_transformation_the_codes_of_the_outputs_count() -> None:
    made, used = "(01)09506000134352(21)B(10)L8", "(01)09506000134352(21)A(10)L7"
    assert check(raw(type="transformation", action="", epcs=(), inputs=(used,), outputs=(made,))).lot == "L8"


def test_two_digit_years_are_read_against_the_year_of_the_event() -> None:
    assert check(raw(expiry="280531")).expiry == 20280531
    assert check(raw(expiry="760100")).expiry == 20760100
    assert check(raw(expiry="760100", event_time=0)).expiry == 19760100


# JSON.


def line(**changes: Any) -> bytes:
    return json.dumps({"type": "object", "action": "ADD", "event_time": "2026-11-22T10:00:00Z", "epcs": [unit("A")]} | changes).encode()


def test_an_offset_in_the_time_stands_for_the_zone() -> None:
    assert decode_event(line(event_time="2026-11-22T11:00:00+01:00")).zone_minutes == 60
    assert decode_event(line(event_time="2026-11-22T11:00:00+01:00", time_zone="+02:00")).zone_minutes == 120
    assert decode_event(line()).zone_minutes is None


def test_json_keeps_identifiers_unread() -> None:
    assert raw_from_json(line(epcs=["pack 7"], expiry="some day")).epcs == ("pack 7",)


@pytest.mark.parametrize("depth", [32, 33])
def test_json_is_at_most_32_deep(depth: int) -> None:
    nested = "[" * (depth - 2) + "]" * (depth - 2)
    text = line(extensions={"brackets in text": "[{" * 40}).replace(b'{"brackets', b'{"a": ' + nested.encode() + b', "brackets')
    if depth == 32:
        assert raw_from_json(text)
    else:
        with pytest.raises(RejectedError) as caught:
            raw_from_json(text)
        assert caught.value.code == Reject.MALFORMED_JSON


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff{}", b"\xef\xbb\xbf{}", b"{} {}", b"{'a': 1}", b'{"a": Infinity}', b'{"a": ' + b"9" * 5000 + b"}", b"[" * 100_000],
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(RejectedError) as caught:
        raw_from_json(text)
    assert caught.value.code == Reject.MALFORMED_JSON


def test_half_a_surrogate_pair_is_refused_and_a_whole_one_is_not() -> None:
    assert decode_event(line(operator="\U0001f52c")).operator == "\U0001f52c"
    for field in ("operator", "id", "\ud800"):
        with pytest.raises(RejectedError) as caught:
            raw_from_json(line(**{field: "\ud800"}))
        assert caught.value.code == Reject.MALFORMED_JSON
        caught.value.text.encode()


@pytest.mark.parametrize("place", ["top", "correction", "extensions"])
def test_duplicate_keys_are_refused_at_every_level(place: str) -> None:
    text = line(correction={"reason": "did_not_occur"}, extensions={"reason": 1}).decode()
    spoilt = {
        "top": text.replace('"action": "ADD"', '"action": "ADD", "action": "ADD"'),
        "correction": text.replace('"reason": "did', '"reason": "x", "reason": "did'),
        "extensions": text.replace('"reason": 1', '"reason": 1, "reason": 2'),
    }[place]
    with pytest.raises(RejectedError) as caught:
        raw_from_json(spoilt)
    assert (caught.value.code, caught.value.expected) == (Reject.MALFORMED_JSON, "each key once")


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    ),
    st.sampled_from(sorted(RawEvent.__struct_fields__)),
)
def test_any_value_in_any_field_is_read_or_rejected(value: Any, field: str) -> None:
    text = json.dumps({"type": "object", "action": "ADD", "event_time": "2026-11-22T10:00:00Z", "epcs": [unit("A")]} | {field: value})
    try:
        decode_event(text)
    except RejectedError as error:
        assert error.code in set(Reject)
        error.text.encode()

"""A body is divided into events; what is no JSON costs as little as it can."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.errors import RejectedError
from packtrace.gateway.document import EpcisDocumentError, TooManyEventsError, _elements, split

MAX = 10

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(st.text(max_size=6).filter(lambda name: name not in ("@context", "schemaVersion")), values, max_size=4)


@settings(max_examples=40)
@given(events=st.lists(objects, max_size=MAX), indent=st.sampled_from([None, 1]))
def test_an_array_gives_its_elements(events: list[Any], indent: int | None) -> None:
    found = split(json.dumps(events, indent=indent).encode(), MAX)
    assert [json.loads(event.text) for event in found] == events
    assert all(event.error is None for event in found)


@settings(max_examples=40)
@given(events=st.lists(objects, min_size=1, max_size=MAX), gap=st.sampled_from(["\n", "\r\n", "\n\n", "\n \n"]), ascii_only=st.booleans())
def test_json_lines_give_one_event_each(events: list[Any], gap: str, ascii_only: bool) -> None:
    text = gap.join(json.dumps(event, ensure_ascii=ascii_only) for event in events)
    assert [json.loads(event.text) for event in split(text.encode("utf-8", "surrogatepass"), MAX)] == events


@settings(max_examples=40)
@given(event=objects, indent=st.sampled_from([None, 1]))
def test_one_object_gives_one_event(event: Any, indent: int | None) -> None:
    assert [json.loads(one.text) for one in split(json.dumps(event, indent=indent).encode(), MAX)] == [event]


@settings(max_examples=40)
@given(
    events=st.lists(objects, min_size=2, max_size=MAX),
    bad=st.integers(0, MAX),
    spoiled=st.sampled_from([b'{"a":}', b"{]}", b"hello", b"\xff", b'{"a":1} x']),
)
def test_a_bad_line_costs_only_itself(events: list[Any], bad: int, spoiled: bytes) -> None:
    bad %= len(events)
    lines = [json.dumps(event).encode() for event in events]
    lines[bad] = spoiled
    found = split(b"\n".join(lines), MAX)
    assert [index for index, event in enumerate(found) if event.error] == [bad]
    error = found[bad].error
    assert error is not None
    assert error.code == "malformed-json"
    assert error.where.startswith(f"line {bad + 1}, column ")
    assert found[bad].text == spoiled


@settings(max_examples=40)
@given(st.binary(max_size=60))
def test_any_bytes_are_divided_or_refused(body: bytes) -> None:
    with contextlib.suppress(RejectedError, TooManyEventsError, EpcisDocumentError):
        split(body, MAX)


# fmt: off
INDIVISIBLE = [
    #  body                                  where                found
    (b'[{"a": 1},\n {"a": 2},, {"a": 3}]',  "line 2, column 11", ", {\"a\": 3}]"),
    (b'[{"a": 1},',                          "line 1, column 11", "the end of the body"),
    (b"hello",                               "line 1, column 1",  "hello"),
    (b"[1] x",                               "line 1, column 5",  "x"),
    (b'{"a": 1,\n "b": }',                   "line 2, column 7",  "}"),
]
# fmt: on


@pytest.mark.parametrize(("body", "where", "found"), INDIVISIBLE)
def test_a_body_that_cannot_be_divided_says_where(body: bytes, where: str, found: str) -> None:
    with pytest.raises(RejectedError) as caught:
        split(body, MAX)
    assert (caught.value.code, caught.value.where, caught.value.found) == ("malformed-json", where, found)


@pytest.mark.parametrize("odd", ['{"id": "\\ud800"}', '{"id": "\\uDFFF\\n"}'])
def test_what_only_one_event_must_answer_for_does_not_cost_the_others(odd: str) -> None:
    for body in (f'[{{"a": 1}}, {odd} ,{{"b": [2, "]"]}}]', f'{{"a": 1}}\n{odd}\n{{"b": [2, "]"]}}\n'):
        assert [event.text.decode() for event in split(body.encode(), MAX)] == ['{"a": 1}', odd, '{"b": [2, "]"]}']
    assert [event.text.decode() for event in split(odd.encode(), MAX)] == [odd]


@settings(max_examples=40)
@given(st.lists(objects, min_size=1, max_size=4), st.integers(0, 200), st.sampled_from([b"", b",", b"]", b"[", b'"', b"\\", b"}", b"x"]))
def test_the_two_readers_of_arrays_agree(events: list[Any], at: int, planted: bytes) -> None:
    """Where the quick reader divides, the slow one divides alike; where it refuses broken brackets, so does the other."""
    text = json.dumps(events).encode()
    text = text[: at % len(text)] + planted + text[at % len(text) :]
    try:
        quick: list[bytes] | None = [bytes(raw) for raw in msgspec.json.decode(text, type=list[msgspec.Raw])]
    except msgspec.DecodeError:
        quick = None
    if quick is not None:
        assert _elements(text) == quick


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(RejectedError):
        split(b"[" * 1_000_000, MAX)
    with pytest.raises(RejectedError):
        split(b'{"a":' * 1_000_000, MAX)


@pytest.mark.parametrize("body", [b"", b" \r\n\t ", b"[]", b"\xef\xbb\xbf"])
def test_nothing_is_no_event(body: bytes) -> None:
    assert split(body, MAX) == []


def test_a_byte_order_mark_is_skipped() -> None:
    assert [event.text for event in split(b'\xef\xbb\xbf{"a":1}', MAX)] == [b'{"a":1}']


@pytest.mark.parametrize("shape", ["array", "lines"])
def test_events_at_the_limit_and_one_more(shape: str) -> None:
    def body(count: int) -> bytes:
        return b"[" + b",".join([b"{}"] * count) + b"]" if shape == "array" else b"\n".join([b"{}"] * count)

    assert len(split(body(MAX), MAX)) == MAX
    with pytest.raises(TooManyEventsError, match="expected at most 10 events, found 11"):
        split(body(MAX + 1), MAX)


def test_an_epcis_document_is_known_by_its_looks() -> None:
    with pytest.raises(EpcisDocumentError):
        split(b'{"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "EPCISDocument"}', MAX)
    with pytest.raises(EpcisDocumentError):
        split(b'{\n "type": "EPCISDocument",\n "schemaVersion" : "2.0"\n}', MAX)

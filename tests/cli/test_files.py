"""Events come from files of every shape with a place that a person finds again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.cli.files import Located, events_of, open_file
from packtrace.errors import RefusedError, RejectedError


def read(text: bytes, name: str = "f") -> list[Located]:
    return list(events_of(name, io.BytesIO(text)))


def test_json_lines_have_their_line_numbers() -> None:
    assert [(one.place, one.text) for one in read(b'\n{"a":1}\n\n  {"a":2}\r\n{"a":3}')] == [
        ("f:2", b'{"a":1}'),
        ("f:4", b'{"a":2}'),
        ("f:5", b'{"a":3}'),
    ]


def test_an_array_has_indexes_and_an_object_needs_none() -> None:
    assert [(one.place, json.loads(one.text)) for one in read(b'[{"a":1},\n {"a":2}]')] == [("f[0]", {"a": 1}), ("f[1]", {"a": 2})]
    assert [one.place for one in read(b'{\n "a": 1\n}\n')] == ["f"]


def test_standard_input_is_called_by_its_name() -> None:
    assert read(b'{"a":1}\n', "-")[0].place == "standard input:1"


def test_a_bad_line_is_told_and_the_rest_read() -> None:
    first, bad, last = read(b'{"a":1}\n{"a":}\n{"a":3}\n')
    assert (first.error, last.error) == (None, None)
    assert bad.place == "f:2"
    assert bad.error is not None
    assert bad.error.code == "malformed-json"


def test_a_first_bad_line_does_not_cost_the_rest() -> None:
    assert [one.error is None for one in read(b'{"a":}\n{"a":2}\n')] == [False, True]


def test_an_array_that_is_no_json_says_where() -> None:
    with pytest.raises(RejectedError) as caught:
        read(b'[{"a":1},\n {"a":}]')
    assert caught.value.where == "f, line 2, column 7"


@pytest.mark.parametrize("text", [b"", b"\n \n", b"[]"])
def test_nothing_is_nothing(text: bytes) -> None:
    assert read(text) == []


def test_an_epcis_document_is_refused_in_words() -> None:
    with pytest.raises(RefusedError, match="an EPCIS document"):
        read(b'{"@context": "x",\n "type": "EPCISDocument"}')


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="No such file"):
        open_file(str(tmp_path / "nothing"))


@settings(max_examples=30)
@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3), min_size=1, max_size=6), st.booleans()
)
def test_lines_and_arrays_hold_the_same_events(events: list[dict[str, object]], indent: bool) -> None:
    events = [event for event in events if not {"@context", "schemaVersion"} & set(event)]
    lines = [json.loads(one.text) for one in read("\n".join(map(json.dumps, events)).encode())]
    array = [json.loads(one.text) for one in read(json.dumps(events, indent=1 if indent else None).encode())]
    assert lines == array == events

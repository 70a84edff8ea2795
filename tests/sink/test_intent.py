"""What a sink is about to store survives the trip through the group's metadata, which has a limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packtrace.ports import Position
from packtrace.sink.intent import METADATA_CHARACTERS_MAX, Intent, decode, encode, token
from packtrace.sink.poison import Note

POSITIONS = st.builds(Position, st.integers(0, 2**50), st.integers(0, 2**31))
MARKS = st.dictionaries(st.integers(0, 511).map(lambda number: f"ops/{number}"), POSITIONS, max_size=40)
NOTES = st.just(Note()) | st.builds(
    Note, st.integers(1, 999), st.integers(0, 999), st.integers(0, 2**50), st.text("0123456789abcdef", min_size=1, max_size=16)
)


@given(st.builds(Intent, st.integers(0, 2**60), st.integers(0, 2**50), st.none() | MARKS, NOTES))
def test_what_is_encoded_is_decoded(intent: Intent) -> None:
    text = encode(intent)
    assert len(text) <= METADATA_CHARACTERS_MAX
    assert decode(text) == intent


def test_watermarks_beyond_the_limit_are_left_out_and_asked_of_the_table() -> None:
    many = Intent(7, 9, {f"ops/{number}": Position(2**50, 2**31) for number in range(512)})
    assert decode(encode(many)) == Intent(7, 9, None)


def test_alerts_of_256_partitions_at_ordinary_offsets_fit() -> None:
    many = Intent(2**50, 10**9, {f"ops/{number}": Position(10_000_000, 50) for number in range(256)})
    assert decode(encode(many)) == many


def test_a_text_of_another_tool_is_no_intent() -> None:
    for text in ("", "kafka-consumer-groups", "1 x", "2 a b *", "1 a b ops/1:2", "1 a b ops/1:2:3;", "1 a b * begun 1 1 1"):
        assert decode(text) is None


def test_tokens_differ_by_everything_that_decides_the_content() -> None:
    base = (1, 1, "history", 0, 10, 20, "history")
    others = [(2, *base[1:]), (1, 2, *base[2:]), (*base[:3], 1, *base[4:]), (*base[:4], 11, *base[5:]), (*base[:5], 21, base[6])]
    assert len({token(*one) for one in [base, *others]}) == 6

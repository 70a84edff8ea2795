"""Element strings against biip, an independent reader: the same elements, but for differences that have a name."""

from __future__ import annotations

from collections.abc import Callable

import biip
from biip.gs1_messages import GS1Message
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec.element_string import read_transmitted, transmitted
from packtrace.codec.scan import understood
from packtrace.domain.identifiers import CSET82
from packtrace.errors import RejectedError
from tests.codec.identities import gtins, serials

GS = "\x1d"
Pairs = list[tuple[str, str]]

others = st.sampled_from(
    [
        ("17", "280531"),
        ("17", "280500"),
        ("11", "260101"),
        ("20", "07"),
        ("240", "A/1"),
        ("30", "5"),
        ("710", "12345678"),
        ("91", "x_y"),
    ]
)
messages = st.builds(
    lambda gtin, serial, lot, more: list({"01": gtin, "21": serial, "10": lot, **dict(more)}.items()),
    gtins,
    serials,
    serials,
    st.lists(others, max_size=4),
).flatmap(st.permutations)


def ours(text: str) -> Pairs | RejectedError:
    try:
        elements = read_transmitted(text)
        understood(elements)
    except RejectedError as error:
        return error
    return list(elements)


def theirs(text: str) -> GS1Message | None:
    try:
        return GS1Message.parse(text)
    except biip.ParseError:
        return None


def pairs(message: GS1Message) -> Pairs:
    return [(one.ai.ai, one.value) for one in message.element_strings]


# What biip accepts and we refuse, each by a test on its answer or the text.
STRICTER: dict[str, Callable[[str, GS1Message], bool]] = {
    "a wrong check digit is an error, not a remark": lambda text, message: any(
        one.gtin_error or one.sscc_error or one.gln_error for one in message.element_strings
    ),
    "one AI twice with different data": lambda text, message: len({ai for ai, _ in pairs(message)}) < len(set(pairs(message))),
    "two separators in a row": lambda text, message: GS * 2 in text,
    "digits that are not 0-9": lambda text, message: not text.isascii(),
    "AIs that exclude one another": lambda text, message: bool({"37", "02", "03", "255", "235", "8006"} & {ai for ai, _ in pairs(message)}),
    "a value that runs past its longest into the next AI": lambda text, message: runs_on(text, message),
}


def runs_on(text: str, message: GS1Message) -> bool:
    """Whether an element without predefined length ends without a separator before the end."""
    rest = text
    for one in message.element_strings:
        rest = rest.lstrip(GS).removeprefix(one.ai.ai + one.value)
        if rest and not rest.startswith(GS) and one.ai.separator_required:
            return True
    return False


@given(messages)
def test_what_we_write_biip_reads_alike(message: Pairs) -> None:
    text = transmitted(message, "")
    read = theirs(text)
    assert read is not None
    assert pairs(read) == ours(text) == message


@settings(max_examples=300)
@given(messages, st.data())
def test_after_one_change_we_accept_only_what_biip_reads_alike(message: Pairs, data: st.DataObject) -> None:
    text = transmitted(message, "")
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([*CSET82, GS, " ", "#", "^", "\r", "٣", ""]))
    changed = text[:place] + other + text[place + 1 :]
    mine, read = ours(changed), theirs(changed)
    if isinstance(mine, list):
        assert read is not None, changed
        assert pairs(read) == mine
    elif read is not None:
        assert [name for name, holds in STRICTER.items() if holds(changed, read)], f"{changed!r}: {mine}"


@settings(max_examples=200)
@given(st.text("0123456789" * 5 + "AB" + GS, max_size=40))
def test_random_text_is_accepted_only_where_biip_reads_it_alike(text: str) -> None:
    mine, read = ours(text), theirs(text)
    if isinstance(mine, list):
        assert read is not None, text
        assert pairs(read) == mine

"""Keys: check digits, strictness, and that two packs never share one."""

from __future__ import annotations

import string

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from packtrace.domain import identifiers
from packtrace.domain.identifiers import (
    CSET82,
    check_digit,
    extension_of,
    gln_key,
    gtin14,
    gtin_of,
    is_sscc,
    item_key,
    lot_key,
    lot_of,
    padded_gtin,
    partition_of,
    premises,
    serial_of,
    serial_text,
    sgtin_key,
    sscc_key,
    verified,
)
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

digits = st.text(string.digits, min_size=1, max_size=17)
serials = st.text(CSET82, min_size=1, max_size=20)


def plain_check_digit(text: str) -> str:
    """As the standard tells it: position by position from the right, weights 3 and 1."""
    total = 0
    for position, digit in enumerate(reversed(text)):
        total += int(digit) * (3 if position % 2 == 0 else 1)
    return str((10 - total % 10) % 10)


@given(digits)
def test_check_digit_is_that_of_the_standard(text: str) -> None:
    assert check_digit(text) == plain_check_digit(text)


@pytest.mark.parametrize(
    "number", ["09506000134352", "9506000100005", "106141412345678908", "80614141123458", "70614141123451", "4012345678901"]
)
def test_published_numbers(number: str) -> None:
    assert check_digit(number[:-1]) == number[-1]


@given(st.text(string.digits, min_size=17, max_size=17), st.integers(0, 17), st.sampled_from(string.digits))
def test_the_quick_sscc_check_agrees_with_the_plain_one(text: str, place: int, digit: str) -> None:
    number = text + check_digit(text)
    changed = number[:place] + digit + number[place + 1 :]
    if changed == number:
        assert sscc_key(changed) == "00" + number
    else:
        with pytest.raises(RejectedError) as caught:
            sscc_key(changed)
        assert caught.value.code == Reject.WRONG_CHECK_DIGIT
        assert plain_check_digit(changed[:-1]) in caught.value.expected


@given(st.text(string.digits, min_size=13, max_size=13), serials, serials)
def test_a_key_says_what_it_was_made_of(text: str, serial: str, lot: str) -> None:
    gtin = text + check_digit(text)
    key = sgtin_key(gtin, serial)
    assert (is_sscc(key), gtin_of(key), serial_of(key)) == (False, gtin, serial)
    assert item_key(key) == key
    assert (gtin_of(lot_key(gtin, lot)), lot_of(lot_key(gtin, lot))) == (gtin, lot)
    sscc = sscc_key("095060001000000012")
    assert (is_sscc(sscc), gtin_of(sscc), serial_of(sscc)) == (True, "", "095060001000000012")


@given(st.tuples(serials, serials))
def test_two_serials_never_share_a_key(pair: tuple[str, str]) -> None:
    one, other = (sgtin_key("09506000134352", serial) for serial in pair)
    assert (one == other) == (pair[0] == pair[1])


@pytest.mark.parametrize(
    "serial", ["", "A" * 21, "A B", "A#", "Ä", "A\n", "A\x1d", "٣", "A@", "A~", "A[", "A^", "A`", "A{", "A|", "A$", "A\\"]
)
def test_a_serial_outside_character_set_82_is_refused(serial: str) -> None:
    with pytest.raises(RejectedError) as caught:
        serial_text(serial)
    assert caught.value.code == Reject.BAD_IDENTIFIER


def test_leading_zeros_and_case_count() -> None:
    assert len({sgtin_key("09506000134352", serial) for serial in ("123", "0123", "00123", "abc", "ABC")}) == 5


@pytest.mark.parametrize(
    "text", ["", "0950600013435", "095060001343520", "0950600013435２", " 9506000134352", "0950600013435-", "+9506000134352"]
)
def test_a_gtin_14_has_14_ascii_digits(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        gtin14(text)
    assert caught.value.code == Reject.BAD_IDENTIFIER


def test_shorter_gtins_are_padded() -> None:
    assert padded_gtin("96385074") == "00000096385074"
    assert padded_gtin("9506000134352") == "09506000134352"
    with pytest.raises(RejectedError):
        padded_gtin("950600013435")


def test_a_gln_remembered_is_no_gtin() -> None:
    gln_key("9506000100005")
    with pytest.raises(RejectedError):
        gtin14("9506000100005")
    gtin14("09506000134352")
    with pytest.raises(RejectedError):
        gln_key("09506000134352")


def test_an_extension_belongs_to_the_place_and_not_to_the_premises() -> None:
    key = gln_key("9506000100005", "ST1")
    assert (key, premises(key), extension_of(key)) == ("9506000100005/ST1", "9506000100005", "ST1")
    assert gln_key("9506000100005", "0") == gln_key("9506000100005") == premises("9506000100005")
    assert extension_of("9506000100005") == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01",
        "https://id.gs1.org/01/09506000134352/21/A",
        "010950600013435210L7",
        "02095060001343522",
        "009506000100000001",
        "010950600013435321A",
    ],
)
def test_only_keys_are_read_as_keys(text: str) -> None:
    with pytest.raises(RejectedError):
        item_key(text)


@given(serials, st.integers(1, 1024))
def test_a_partition_is_that_of_the_published_hash(serial: str, partitions: int) -> None:
    key = sgtin_key("09506000134352", serial)
    assert partition_of(key, partitions) == xxhash.xxh3_64(key.encode("ascii")).intdigest() % partitions


def test_partitions_are_fixed_for_ever() -> None:
    assert [partition_of(key, 16) for key in ("010950600013435221A1B2C3", "00095060001000000012")] == [11, 15]


def test_what_is_remembered_stays_bounded() -> None:
    before = dict(identifiers._good)
    identifiers._good.update({str(number): None for number in range(identifiers._MEMO_ENTRIES_MAX)})
    identifiers._good.pop("09506000134352", None)
    gtin14("09506000134352")
    assert len(identifiers._good) <= identifiers._MEMO_ENTRIES_MAX
    identifiers._good.update(before)


def test_verified_names_what_it_wanted() -> None:
    with pytest.raises(RejectedError) as caught:
        verified("09506000134353", 14, "GTIN-14")
    assert caught.value.text == "expected GTIN-14 with check digit 2, found '09506000134353'"

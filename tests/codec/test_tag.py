"""Tags both ways: the examples of the standard, every identifier that a scheme can hold, and none that it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.codec.epc_urn import item
from packtrace.codec.tag import PLACES, Scheme, Tag, is_tag, read_tag, tag_uri, write_tag
from packtrace.domain.identifiers import CSET82, check_digit, gln_key, is_sscc, sgtin_key, sscc_key
from packtrace.errors import RejectedError

# fmt: off
PUBLISHED = [
    # the examples of the EPC Tag Data Standard
    ("3074257BF7194E4000001A85",                               "urn:epc:tag:sgtin-96:3.0614141.812345.6789"),
    ("3674257BF6B7A659B2C2BF1000000000000000000000000000",     "urn:epc:tag:sgtin-198:3.0614141.712345.32a%2Fb"),
    ("3174257BF4499602D2000000",                               "urn:epc:tag:sscc-96:3.0614141.1234567890"),
    ("3274257BF46072000000162E",                               "urn:epc:tag:sgln-96:3.0614141.12345.5678"),
    ("3974257BF46072CD9615F8800000000000000000000000000000",   "urn:epc:tag:sgln-195:3.0614141.12345.32a%2Fb"),
]
# fmt: on


@pytest.mark.parametrize(("text", "uri"), PUBLISHED)
def test_the_published_examples(text: str, uri: str) -> None:
    text = text.ljust(-(-{"sgtin-198": 198, "sgln-195": 195}.get(uri.split(":")[3], 96) // 16) * 4, "0")
    tag = read_tag(text)
    assert tag_uri(tag) == uri
    assert write_tag(tag.key, tag.scheme, filter=tag.filter, prefix_length=tag.prefix_length) == text
    assert is_tag(text)


def test_the_plus_schemes_hold_the_digits_as_they_are() -> None:
    """Header, no more data, filter 0, the digits, then encoding 4 (ASCII), length 5 and five times 7 bits."""
    key = sgtin_key("79521141123453", "32a/b")
    text = write_tag(key, Scheme.SGTIN_PLUS)
    assert text == "F70" + "79521141123453" + "85" + "66CB0AFC40000"[: len(text) - 19]
    assert read_tag(text) == Tag(Scheme.SGTIN_PLUS, key)
    assert write_tag(sscc_key("095060001000000012"), Scheme.SSCC_PLUS, filter=2) == "F92095060001000000012000"
    assert read_tag(write_tag(gln_key("9506000100005"), Scheme.SGLN_PLUS)).key == "9506000100005"
    dated = read_tag(write_tag(key, Scheme.DSGTIN_PLUS, expiry=20280531))
    assert (dated.key, dated.expiry) == (key, 20280531)


def numbers(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length - 1, max_size=length - 1).map(lambda digits: digits + check_digit(digits))


serials = st.one_of(
    st.text(CSET82, min_size=1, max_size=20),
    st.text("0123456789", min_size=1, max_size=20),
    st.text("0123456789ABCDEF", min_size=1, max_size=20),
    st.text("ABCXYZ-.:019", min_size=1, max_size=20),
)
items = st.one_of(st.builds(sgtin_key, numbers(14), serials), numbers(18).map(sscc_key))
places = st.builds(gln_key, numbers(13), st.one_of(st.just(""), serials))


@given(key=st.one_of(items, places), scheme=st.sampled_from(list(Scheme)), filter=st.integers(0, 7), length=st.integers(6, 12))
def test_what_is_written_is_read_back_or_refused(key: str, scheme: Scheme, filter: int, length: int) -> None:
    expiry = 20280500 if scheme is Scheme.DSGTIN_PLUS else 0
    try:
        text = write_tag(key, scheme, filter=filter, prefix_length=length, expiry=expiry)
    except RejectedError:
        return
    tag = read_tag(text)
    assert (tag.key, tag.scheme, tag.filter, tag.expiry) == (key, scheme, filter, expiry)
    assert len(text) % 4 == 0
    if scheme not in PLACES and (uri := tag_uri(tag)):
        kind = "sscc" if is_sscc(key) else "sgtin"
        assert item(f"urn:epc:id:{kind}:" + uri.split(":", 4)[4].split(".", 1)[1]) == key


@given(key=st.builds(sgtin_key, numbers(14), serials), scheme=st.sampled_from([Scheme.SGTIN_198, Scheme.SGTIN_PLUS]))
def test_every_serial_fits_the_long_schemes(key: str, scheme: Scheme) -> None:
    assert read_tag(write_tag(key, scheme, prefix_length=7)).key == key


@given(text=st.text("0123456789ABCDEF", min_size=20, max_size=52))
def test_any_digits_are_read_into_what_writes_them_again_or_refused(text: str) -> None:
    for header in ("30", "31", "32", "36", "39", "F7", "F9", "F2", "FB"):
        try:
            tag = read_tag(header + text)
        except RejectedError:
            continue
        if not tag.more and (tag.expiry or tag.scheme is not Scheme.DSGTIN_PLUS):
            again = read_tag(write_tag(tag.key, tag.scheme, filter=tag.filter, prefix_length=tag.prefix_length, expiry=tag.expiry))
            assert again == tag


# fmt: off
NOT_REPRESENTABLE = [
    (sgtin_key("80614141123458", "06789"),         Scheme.SGTIN_96,     7,  0),
    (sgtin_key("80614141123458", "274877906944"),  Scheme.SGTIN_96,     7,  0),
    (sgtin_key("80614141123458", "A1"),            Scheme.SGTIN_96,     7,  0),
    (sgtin_key("80614141123458", "1"),             Scheme.SGTIN_96,     5,  0),
    (sgtin_key("80614141123458", "1"),             Scheme.SSCC_96,      7,  0),
    (sgtin_key("80614141123458", "1"),             Scheme.SGLN_96,      7,  0),
    (sscc_key("095060001000000012"),               Scheme.SGTIN_PLUS,   7,  0),
    (gln_key("9506000100005", "ST1"),              Scheme.SGLN_96,      7,  0),
    (gln_key("9506000100005"),                     Scheme.SGTIN_PLUS,   7,  0),
    (sgtin_key("80614141123458", "1"),             Scheme.DSGTIN_PLUS,  7,  0),
    (sgtin_key("80614141123458", "1"),             Scheme.SGTIN_PLUS,   7,  20280531),
]
WRONG = [
    "",                                  # nothing
    "xyz",                               # no digits
    "0074257BF7194E4000001A85",          # no scheme
    "307C257BF7194E4000001A85",          # partition 7
    "3074257BF7194E40",                  # too short
    "3074257BF7194E4000001A850001",      # bits after the end
    "3174257BF4499602D2000001",          # bits in the reserved field
    "F70" + "7952114112345A" + "8566CB0AFC40000",
    "F70" + "79521141123454" + "8566CB0AFC40000",
    "F70" + "79521141123453" + "E566CB0AFC40000",
    "F70" + "79521141123453" + "0000",
]
# fmt: on


@pytest.mark.parametrize(("key", "scheme", "length", "expiry"), NOT_REPRESENTABLE)
def test_what_cannot_be_represented_is_refused(key: str, scheme: Scheme, length: int, expiry: int) -> None:
    with pytest.raises(RejectedError):
        write_tag(key, scheme, prefix_length=length, expiry=expiry)


@pytest.mark.parametrize("text", WRONG)
def test_what_no_writer_writes_is_refused(text: str) -> None:
    with pytest.raises(RejectedError):
        read_tag(text)

"""One key per item whatever the spelling; everything else is refused with what was expected."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from packtrace.codec import identifiers
from packtrace.codec.epc_urn import write_gln, write_lot_class
from packtrace.codec.gln import parse_gln
from packtrace.codec.identifiers import (
    Scan,
    ScanWarning,
    digital_link,
    epc_urn,
    gln_link,
    lot_link,
    parse_item,
    parse_lot_class,
    parse_scan,
    plain_item,
    read_item,
)
from packtrace.domain.identifiers import extension_of, gtin_of, is_sscc, lot_of, serial_of
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError
from tests.codec.identities import glns, items, lot_keys, sgtins, spellings

PACK = "010950600013435221A1B2C3"


def rejected(text: str) -> RejectedError:
    with pytest.raises(RejectedError) as caught:
        parse_item(text)
    assert caught.value.expected
    return caught.value


@given(items)
@example("010950600013435221A<GS>10B")
def test_all_spellings_of_one_item_give_one_key(key: str) -> None:
    for name, text in spellings(key).items():
        assert parse_item(text) == key, name
        assert parse_scan(text).key == key, name


@given(items, st.data())
def test_the_short_way_answers_as_the_long_way_does(key: str, data: st.DataObject) -> None:
    """``plain_item`` against ``read_item``, on good text, on text with one character changed, and on text cut short."""
    text = data.draw(st.sampled_from(sorted(spellings(key).values())))
    parse_item(text)  # the product is known from here on
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("0123456789Aa/%.?# \x1d\n٣"))
    for changed in (text, text[:place] + other + text[place + 1 :], text[:place], text + other):
        try:
            short = plain_item(changed)
        except RejectedError as error:
            with pytest.raises(RejectedError) as caught:
                read_item(changed)
            assert caught.value.code == error.code
            continue
        if short:
            assert read_item(changed).key == short


@given(items, st.data())
def test_another_digit_in_a_checked_number_is_always_refused(key: str, data: st.DataObject) -> None:
    """Of GTIN, SSCC (and so GLN) every single wrong digit is found, in every spelling that carries the check digit."""
    number = serial_of(key) if is_sscc(key) else gtin_of(key)
    name, text = data.draw(st.sampled_from([(n, t) for n, t in spellings(key).items() if not n.startswith("urn") and number in t]))
    place = text.index(number) + data.draw(st.integers(0, len(number) - 1))
    digit = data.draw(st.sampled_from(sorted(set(string.digits) - {text[place]})))
    with pytest.raises(RejectedError) as caught:
        parse_item(text[:place] + digit + text[place + 1 :])
    assert caught.value.code == Reject.WRONG_CHECK_DIGIT, name


@given(sgtins, st.data())
def test_any_one_character_changed_never_gives_another_product(key: str, data: st.DataObject) -> None:
    """A Digital Link with one character replaced by anything: rejected, or the same GTIN (a serial has no check digit)."""
    text = digital_link(key)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.one_of(st.sampled_from(string.printable), st.characters()))
    try:
        changed = parse_item(text[:place] + other + text[place + 1 :])
    except RejectedError:
        return
    assert changed[:16] == key[:16]
    if place < len("https://id.gs1.org/01/") + 14:
        assert changed == key, "only the serial's own characters may give another serial"


@given(st.one_of(st.text(max_size=60), st.text("01234567890()[]]d2C1\x1d%/.:urnepchts", max_size=80)))
def test_any_text_is_read_or_rejected(text: str) -> None:
    for read in (parse_item, parse_gln, parse_lot_class, parse_scan):
        try:
            read(text)
        except RejectedError as error:
            assert error.code in {Reject.BAD_IDENTIFIER, Reject.WRONG_CHECK_DIGIT, Reject.BAD_DATE}


@given(lot_keys, st.sampled_from(range(6, 13)))
def test_lot_classes_read_back(key: str, length: int) -> None:
    gtin, lot = gtin_of(key), lot_of(key)
    assert parse_lot_class(lot_link(gtin, lot)) == (gtin, lot)
    assert parse_lot_class(write_lot_class(gtin, lot, length)) == (gtin, lot)


@given(glns, st.sampled_from(range(6, 13)))
def test_places_read_back(key: str, length: int) -> None:
    for text in (key, gln_link(key), write_gln(key, length), gln_link(key).replace("https://id.gs1.org", "http://example.org/x")):
        assert parse_gln(text) == key
    if not extension_of(key):
        assert parse_gln(f"https://id.gs1.org/417/{key}") == parse_gln(f"(414){key}") == parse_gln(f"414{key}") == key
        assert parse_gln(f"urn:epc:id:pgln:{key[:length]}.{key[length:12]}") == key
        assert parse_gln(f"{key}/0") == key


@given(glns, st.integers(0, 12), st.sampled_from(string.digits))
def test_a_wrong_digit_in_a_gln_is_always_refused(key: str, place: int, digit: str) -> None:
    if key[place] != digit:
        with pytest.raises(RejectedError):
            parse_gln(key[:place] + digit + key[place + 1 :])


# fmt: off
REFUSED = [
    # what                                  text                                                    code                        expected holds
    ("wrong check digit",                   "https://id.gs1.org/01/09506000134353/21/A",            "wrong-check-digit",        "check digit 2"),
    ("wrong check digit of an SSCC",        "(00)095060001000000011",                               "wrong-check-digit",        "check digit 2"),
    ("two serials",                         "]d2010950600013435221SN1\x1d21SN2",                    "bad-identifier",           "one value of (21)"),
    ("serial without GTIN",                 "21A1",                                                 "bad-identifier",           "(01) with (21)"),
    ("two separators",                      "]d2010950600013435221A\x1d\x1d10L7",                   "bad-identifier",           "application identifier"),
    ("two after a fixed length",            "]d20109506000134352\x1d\x1d21A",                        "bad-identifier",           "application identifier"),
    ("two leading separators",              "\x1d\x1d010950600013435221A",                          "bad-identifier",           "application identifier"),
    ("full-width digit",                    "01０9506000134352" "21A",                              "bad-identifier",           "N14"),
    ("Arabic digit in a URN",               "urn:epc:id:sgtin:950600٠.013435.A",                    "bad-identifier",           "urn:epc:id:sgtin"),
    ("line end",                            PACK + "\r\n",                                          "bad-identifier",           "X..20"),
    ("serial of 21",                        "https://id.gs1.org/01/09506000134352/21/" + "A" * 21,  "bad-identifier",           "X..20"),
    ("empty serial",                        "https://id.gs1.org/01/09506000134352/21/",             "bad-identifier",           "X..20"),
    ("space",                               "(01)09506000134352(21)A 1",                            "bad-identifier",           "X..20"),
    ("hash sign",                           "(01)09506000134352(21)A#1",                            "bad-identifier",           "X..20"),
    ("umlaut",                              "(01)09506000134352(21)Ä",                              "bad-identifier",           "X..20"),
    ("unknown AI",                          "(01)09506000134352(21)A(05)1",                         "bad-identifier",           "application identifier"),
    ("month 13",                            "]d201095060001343521728130121A",                       "bad-date",                 "day of the calendar"),
    ("30 February",                         "]d201095060001343521728023021A",                       "bad-date",                 "day of the calendar"),
    ("not GS1 symbology",                   "]d1010950600013435221A",                               "bad-identifier",           "GS1 symbology"),
    ("EAN-13",                              "]E09506000134352",                                     "bad-identifier",           "GS1 symbology"),
    ("bracket inside data",                 "(01)09506000134352(21)A(1",                            "bad-identifier",           r"\("),
    ("contained GTIN beside a GTIN",        "(01)09506000134352(21)A(02)09506000134352(37)3",       "bad-identifier",           "without"),
    ("SSCC and SGTIN in one code",          "(00)095060001000000012(01)09506000134352(21)A",        "bad-identifier",           "one item"),
    ("escape of what needs none",           "https://id.gs1.org/01/09506000134352/21/%41",          "bad-identifier",           "escapes"),
    ("same in a URN",                       "urn:epc:id:sgtin:9506000.013435.%2D",                  "bad-identifier",           "escapes"),
    ("truncated escape",                    "urn:epc:id:sgtin:9506000.013435.A%2",                  "bad-identifier",           "escaped"),
    ("raw slash in a URN",                  "urn:epc:id:sgtin:9506000.013435.32a/b",                "bad-identifier",           "escaped"),
    ("12 digits in a URN",                  "urn:epc:id:sgtin:9506000.01343.A",                     "bad-identifier",           "13 digits"),
    ("16 digits in an SSCC URN",            "urn:epc:id:sscc:9506000.000000001",                    "bad-identifier",           "17 digits"),
    ("pattern",                             "urn:epc:idpat:sgtin:9506000.013435.*",                 "bad-identifier",           "urn:epc:id:sgtin"),
    ("capital URN",                         "URN:EPC:ID:SGTIN:9506000.013435.A",                    "bad-identifier",           "application identifier"),
    ("qualifiers out of order",             "https://id.gs1.org/01/09506000134352/21/A/10/L7",      "bad-identifier",           "22/10/21 or 235"),
    ("trailing slash",                      "https://id.gs1.org/01/09506000134352/21/A/",           "bad-identifier",           "/AI/value"),
    ("serial in the query",                 "https://id.gs1.org/01/09506000134352?21=A",            "bad-identifier",           "not in the query"),
    ("qualifier of an SSCC",                "https://id.gs1.org/00/095060001000000012/10/A",        "bad-identifier",           "none"),
    ("no primary key",                      "https://example.com/products/7",                       "bad-identifier",           "primary key"),
    ("words in place of AIs",               "https://id.gs1.org/gtin/09506000134352/ser/A",         "bad-identifier",           "primary key"),
    ("GTIN of 11 digits",                   "https://id.gs1.org/01/95060001343/21/A",               "bad-identifier",           "8, 12, 13 or 14"),
    ("PPN",                                 "[)>\x1e06\x1d9N110375286414\x1dSA1\x1e\x04",           "bad-identifier",           "GS1"),
    ("nothing",                             "",                                                     "bad-identifier",           "identifier"),
    ("257 characters",                      "https://example.com/" + "x" * 237,                     "identifier-too-long",      "256"),
    ("only a product",                      "https://id.gs1.org/01/09506000134352",                 "bad-identifier",           "(01) with (21)"),
]
# fmt: on


@pytest.mark.parametrize(("text", "code", "expected"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(text: str, code: str, expected: str) -> None:
    error = rejected(text)
    assert error.code == code
    assert expected in error.expected


def test_a_german_ppn_is_recognised_by_name() -> None:
    for text in ("[)>\x1e06\x1d9N110375286414", "]d1[)>\x1e06\x1d9N110375286414", "9N110375286414"):
        assert rejected(text).found.startswith("PPN, not GS1")


def test_the_limit_of_length_is_inclusive() -> None:
    link = "https://id.gs1.org/01/09506000134352/21/A1B2C3"
    filler = "https://example.com/" + "x" * (256 - len(link) - 2) + link.removeprefix("https://id.gs1.org")
    assert len(filler) == 256
    assert parse_item(filler) == PACK
    assert rejected(filler.replace("/x", "/xx", 1)).code == Reject.IDENTIFIER_TOO_LONG


def test_a_scan_says_everything_about_the_pack() -> None:
    scan = parse_scan("]d2010950600013435221A1B2C3\x1d1728053110L7\x1d71012345678")
    assert scan == Scan(
        key=PACK,
        gtin="09506000134352",
        serial="A1B2C3",
        lot="L7",
        expiry=20280531,
        elements=(("01", "09506000134352"), ("21", "A1B2C3"), ("17", "280531"), ("10", "L7"), ("710", "12345678")),
    )


# fmt: off
ODD = [
    # what                           text                                                  warning                        serial    lot
    ("caps-lock scanner",            "]D2010950600013435221a1\x1d10L7",                     ScanWarning.CAPS_LOCK,         "a1",     "L7"),
    ("line end",                     "010950600013435221A1\r\n",                            ScanWarning.LINE_END,          "A1",     ""),
    ("stand-in <GS>",                "010950600013435221A1<GS>10L7",                        ScanWarning.STAND_IN,          "A1",     "L7"),
    ("stand-in {GS}",                "]d2010950600013435221A1{GS}10L7",                     ScanWarning.STAND_IN,          "A1",     "L7"),
    ("stand-in \\x1d",               r"010950600013435221A1\x1d10L7",                       ScanWarning.STAND_IN,          "A1",     "L7"),
    ("stand-in ^]",                  "010950600013435221A1^]10L7",                          ScanWarning.STAND_IN,          "A1",     "L7"),
    ("stand-in ~029",                "010950600013435221A1~02910L7",                        ScanWarning.STAND_IN,          "A1",     "L7"),
    ("stand-in ^",                   "^010950600013435221A1^10L7",                          ScanWarning.STAND_IN,          "A1",     "L7"),
    ("day 00",                       "010950600013435221A1\x1d17280500",                    ScanWarning.DAY_00,            "A1",     ""),
    ("lost separator",               "010950600013435210LOT4221SN0001",                     ScanWarning.LOT_HOLDS_SERIAL,  "",       "LOT4221SN0001"),
    ("partial",                      "010950600013435210L7",                                ScanWarning.PARTIAL,           "",       "L7"),
    ("serial without GTIN",          "21A1",                                                ScanWarning.PARTIAL,           "A1",     ""),
]
# fmt: on


@pytest.mark.parametrize(("text", "warning", "serial", "lot"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
def test_what_is_odd_about_a_scan_is_said(text: str, warning: ScanWarning, serial: str, lot: str) -> None:
    scan = parse_scan(text)
    assert warning in scan.warnings
    assert (scan.serial, scan.lot) == (serial, lot)


def test_a_good_scan_has_no_warning() -> None:
    assert parse_scan("]d2010950600013435210LOT4221SN0001\x1d21SN0001").warnings == ()


def test_of_an_sscc_label_lot_and_expiry_of_the_content_are_not_its_own() -> None:
    scan = parse_scan("(00)095060001000000012(02)09506000134352(10)L7(17)280531(37)3")
    assert (scan.key, scan.gtin, scan.lot, scan.expiry) == ("00095060001000000012", "", "", 0)


def test_data_about_patients_is_not_handed_on() -> None:
    assert parse_scan("(8018)401234500000067657(01)09506000134352(21)A").elements == (("01", "09506000134352"), ("21", "A"))


def test_the_company_prefix_may_be_looked_up() -> None:
    asked = []

    def length(digits: str) -> int:
        asked.append(digits)
        return 7

    assert epc_urn(PACK, length) == epc_urn(PACK, 7) == "urn:epc:id:sgtin:9506000.013435.A1B2C3"
    assert epc_urn("00095060001000000012", length) == "urn:epc:id:sscc:9506000.0100000001"
    assert asked == ["9506000134352", "9506000100000"]


def test_published_vectors() -> None:
    """GS1 EPC Tag Data Standard, examples of 6.3."""
    assert parse_item("urn:epc:id:sgtin:0614141.112345.400") == "011061414112345921400"
    assert parse_item("urn:epc:id:sgtin:0614141.107346.2017") == "0110614141073464212017"
    assert parse_item("urn:epc:id:sgtin:0614141.712345.32a%2Fb") == "01706141411234512132a/b"
    assert parse_item("urn:epc:id:sscc:0614141.1234567890") == "00106141412345678908"


@pytest.mark.parametrize(
    "text", ["9506000100006", "950600010000", "9506000100005/", "9506000100005/a b", "urn:epc:id:sgln:9506000.1000.0", "Building 7"]
)
def test_a_bad_place_is_refused(text: str) -> None:
    with pytest.raises(RejectedError):
        parse_gln(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://id.gs1.org/01/09506000134352",
        "https://id.gs1.org/01/09506000134352/10/L7/21/A",
        "09506000134352",
        "urn:epc:id:sgtin:9506000.013435.A",
    ],
)
def test_what_is_no_lot_class_is_refused(text: str) -> None:
    with pytest.raises(RejectedError):
        parse_lot_class(text)


@settings(max_examples=5)
@given(st.integers(0, 3))
def test_what_is_remembered_stays_bounded(extra: int) -> None:
    heads = identifiers._heads
    before = dict(heads)
    heads.update({f"x{number}": "" for number in range(identifiers._HEADS_MAX + extra)})
    read_item("https://id.gs1.org/01/09506000134352/21/A1B2C3")
    assert len(heads) == 1
    heads.update(before)

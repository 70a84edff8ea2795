"""Random items, places and their spellings."""

from __future__ import annotations

from hypothesis import strategies as st

from packtrace.codec import element_string, epc_urn
from packtrace.codec.identifiers import digital_link
from packtrace.codec.percent import PATH
from packtrace.domain.identifiers import CSET82, check_digit, gln_key, gtin_of, is_sscc, lot_key, serial_of, sgtin_key, sscc_key


def _numbers(digits: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=digits, max_size=digits).map(lambda text: text + check_digit(text))


gtins = st.one_of(st.sampled_from(["09506000134352", "19506000134359", "00000000000000"]), _numbers(13))
serials = st.one_of(
    st.text("0123456789ABCabc", min_size=1, max_size=20),
    st.text(CSET82, min_size=1, max_size=20),
    st.sampled_from(["0", "00", "007", "7", "21", "10L7", "A<GS>10B", "(01)", "a/b?c%d", "%2F", "A.1", "'", "+", "..", "."]),
)
sgtins = st.builds(sgtin_key, gtins, serials)
ssccs = _numbers(17).map(sscc_key)
items = st.one_of(sgtins, ssccs)
lot_keys = st.builds(lot_key, gtins, serials)
glns = st.builds(gln_key, _numbers(12), st.one_of(st.just(""), serials))


def elements_of(key: str) -> list[tuple[str, str]]:
    return [("00", serial_of(key))] if is_sscc(key) else [("01", gtin_of(key)), ("21", serial_of(key))]


def other_domain(link: str) -> str:
    """The same Digital Link elsewhere, with everything raw that may be raw and lower-case escapes."""
    host, _, path = link.removeprefix("https://").partition("/")
    for character in sorted(PATH.written & PATH.plain):
        path = path.replace(f"%{ord(character):02X}", character)
    for number in range(256):
        path = path.replace(f"%{number:02X}", f"%{number:02x}")
    assert host == "id.gs1.org"
    return f"HTTP://Example.COM:8080/shop/de/{path}?linkType=gs1:pip#top"


def spellings(key: str) -> dict[str, str]:
    """Every way we know to write one item."""
    elements = elements_of(key)
    link = digital_link(key)
    out = {
        "link": link,
        "link elsewhere": other_domain(link),
        "bracketed": element_string.bracketed(elements),
        "other order": element_string.transmitted(elements[::-1]),
        "trailing GS": element_string.transmitted(elements) + "\x1d",
        "no symbology": element_string.transmitted(elements, ""),
    }
    out |= {f"transmitted {symbology}": element_string.transmitted(elements, symbology) for symbology in element_string.SYMBOLOGIES}
    out |= {f"urn {length}": epc_urn.write_item(key, length) for length in epc_urn.PREFIX_DIGITS}
    if not is_sscc(key):
        more = [("17", "280500"), *elements, ("10", "L7"), ("91", "x")]
        out["with lot and expiry"] = element_string.transmitted(more)
        out["bracketed with lot and expiry"] = element_string.bracketed(more)
        out["link with attributes"] = f"{link}?17=280531&91=a%2Fb"
        if gtin_of(key).startswith("0"):
            out["link with GTIN-13"] = link.replace(f"/01/{gtin_of(key)}", f"/01/{gtin_of(key)[1:]}", 1)
    return out

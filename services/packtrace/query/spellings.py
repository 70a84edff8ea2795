"""One identifier in every spelling that partners may have captured it in. Pure.

A Digital Link does not say how long the company prefix is, so its URNs of every length are asked for: they name the same.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from packtrace.codec.digital_link import DOMAIN
from packtrace.codec.epc_urn import PREFIX_DIGITS, write_gln, write_item, write_lot_class
from packtrace.codec.epcis.fields import PACKTRACE
from packtrace.codec.gln import parse_gln
from packtrace.codec.gs1_uri import canonical_uri
from packtrace.codec.identifiers import digital_link, gln_link, lot_link, parse_item, parse_lot_class
from packtrace.domain.identifiers import EPC_CHARACTERS_MAX, check_digit, extension_of, sgtin_key
from packtrace.errors import RejectedError

_ITEM_PATTERN: Final = re.compile(r"urn:epc:idpat:sgtin:([0-9]{6,12})\.([0-9]{1,7})\.\*")
_SSCC_PATTERN: Final = re.compile(r"urn:epc:idpat:sscc:([0-9]{6,12})\.\*")


def key_of_item(text: str) -> str:
    """The key of an item that is followed; empty where ``text`` names something else."""
    try:
        return parse_item(text) if len(text) <= EPC_CHARACTERS_MAX else ""
    except RejectedError:
        return ""


def key_of_place(text: str) -> str:
    """The key of a GLN; empty where ``text`` names something else."""
    try:
        return parse_gln(text) if len(text) <= EPC_CHARACTERS_MAX else ""
    except RejectedError:
        return ""


def openings(text: str) -> tuple[str, ...] | None:
    """Beginnings of the keys that an EPC pattern means; None where ``text`` is none.

    >>> openings("urn:epc:idpat:sgtin:9506000.013435.*")
    ('010950600013435221',)
    """
    if match := _ITEM_PATTERN.fullmatch(text):
        prefix, reference = match.groups()
        if len(prefix) + len(reference) == 13:
            digits = reference[0] + prefix + reference[1:]
            return (sgtin_key(digits + check_digit(digits), "0")[:-1],)
    if match := _SSCC_PATTERN.fullmatch(text):
        # the extension digit stands before the company prefix
        return tuple(f"00{extension}{match[1]}" for extension in range(10))
    return None


def spellings(text: str) -> set[str]:
    """``text`` and everything that means the same."""
    out = {text, canonical_uri(text)}
    if key := key_of_item(text):
        out |= {digital_link(key), *(write_item(key, length) for length in PREFIX_DIGITS)}
    elif key := key_of_place(text):
        out |= _of_place(key)
    else:
        try:
            gtin, lot = parse_lot_class(text)
            out |= {lot_link(gtin, lot), *(write_lot_class(gtin, lot, length) for length in PREFIX_DIGITS)}
        except RejectedError:
            pass
    return out


def _of_place(key: str) -> set[str]:
    out = {key, gln_link(key), *(write_gln(key, length) for length in PREFIX_DIGITS)}
    if not extension_of(key):
        out |= {f"{DOMAIN}/417/{key}", *(f"urn:epc:id:pgln:{key[:length]}.{key[length:12]}" for length in PREFIX_DIGITS)}
    return out


def own_name(kind: str, text: str) -> str:
    """What ``codec.epcis.native.as_uri`` made a URI of; other text stays."""
    opening = f"{PACKTRACE}{kind}:"
    return unquote(text[len(opening) :]) if text.startswith(opening) else text

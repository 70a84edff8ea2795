"""GS1 Digital Link URIs of any domain: primary key and qualifiers in the path, attributes in the query.

Source: GS1 Digital Link Standard, URI syntax 1.2 and later. What we write is the canonical form on ``https://id.gs1.org``.
"""

from __future__ import annotations

import re
from typing import Final

from packtrace.codec.ai_table import identifiers, named
from packtrace.codec.percent import PATH, QUERY, decoded, encoded
from packtrace.codec.scan import Elements
from packtrace.domain.identifiers import extension_of, gtin_of, is_sscc, padded_gtin, premises, serial_of
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

DOMAIN: Final = "https://id.gs1.org"

_URI = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9._~:%@\[\]-]+)/([^?#]*)(?:\?([^#]*))?(?:#.*)?")
_AI = re.compile(r"[0-9]{2,4}")


def _refused(text: str, expected: str) -> RejectedError:
    return RejectedError(Reject.BAD_IDENTIFIER, expected=expected, found=text)


def read(text: str) -> Elements:
    """The elements of a Digital Link, each verified; a GTIN of 8, 12 or 13 digits is padded to 14.

    >>> read("https://example.com/p/01/9506000134352/21/A1B2C3?17=280531")
    [('01', '09506000134352'), ('21', 'A1B2C3'), ('17', '280531')]

    Raises:
        RejectedError: no primary key, qualifiers unknown to it or out of order, an escape that is not needed, wrong data.
    """
    match = _URI.fullmatch(text)
    if match is None:
        raise _refused(text, "a Digital Link such as https://id.gs1.org/01/09506000134352/21/A1B2C3")
    pairs = _path_pairs(match[2].split("/"), text)
    elements = []
    for ai, value in pairs:
        data = decoded(value, PATH)
        elements.append((ai, named(ai).verified(padded_gtin(data) if ai == "01" else data)))
    for part in (match[3] or "").split("&"):
        ai, _, value = part.partition("=")
        if not _AI.fullmatch(ai):
            continue  # linkType, a shop's own parameter
        identifier = named(ai)
        if not identifier.attribute or identifier.qualifiers is not None:
            raise _refused(text, f"({ai}) in the path, not in the query")
        elements.append((ai, identifier.verified(decoded(value, QUERY))))
    return elements


def _path_pairs(segments: list[str], text: str) -> list[tuple[str, str]]:
    """From the rightmost primary key on: what stands before belongs to the site."""
    table = identifiers()
    for start in range(len(segments) - 2, -1, -2):
        key = table.get(segments[start])
        if key is None:
            break
        if key.qualifiers is not None:
            pairs = list(zip(segments[start::2], segments[start + 1 :: 2], strict=True))
            _refuse_wrong_order(key.ai, [ai for ai, _ in pairs[1:]], key.qualifiers, text)
            return pairs
    raise _refused(text, "a path that ends in /AI/value pairs from a primary key such as /01/ or /00/ on")


def _refuse_wrong_order(key: str, used: list[str], sequences: tuple[tuple[str, ...], ...], text: str) -> None:
    for sequence in sequences:
        allowed = iter(sequence)
        if all(ai in allowed for ai in used):
            return
    if used:
        raise _refused(text, f"qualifiers of /{key}/ in the order {' or '.join('/'.join(one) for one in sequences) or 'none'}")


def write_item(key: str) -> str:
    """The canonical Digital Link of an item."""
    if is_sscc(key):
        return f"{DOMAIN}/00/{key[2:]}"
    return f"{DOMAIN}/01/{gtin_of(key)}/21/{encoded(serial_of(key), PATH)}"


def write_lot_class(gtin: str, lot: str) -> str:
    """The canonical Digital Link of a lot class."""
    return f"{DOMAIN}/01/{gtin}/10/{encoded(lot, PATH)}"


def write_gln(key: str) -> str:
    """The canonical Digital Link of a place."""
    extension = extension_of(key)
    return f"{DOMAIN}/414/{premises(key)}" + (f"/254/{encoded(extension, PATH)}" if extension else "")

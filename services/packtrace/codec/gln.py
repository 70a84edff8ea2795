"""GLNs in any spelling: 13 digits, our key with extension, SGLN and PGLN URN, Digital Link, element string."""

from __future__ import annotations

from packtrace.codec import digital_link, element_string, epc_urn
from packtrace.codec.scan import Elements
from packtrace.domain.identifiers import EPC_CHARACTERS_MAX, gln_key
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError


def parse_gln(text: str) -> str:
    """The GLN key of a place or party.

    >>> parse_gln("https://id.gs1.org/414/9506000100005/254/ST1"), parse_gln("urn:epc:id:sgln:9506000.10000.0")
    ('9506000100005/ST1', '9506000100005')

    Raises:
        RejectedError: bad-identifier, wrong-check-digit, identifier-too-long.
    """
    if len(text) > EPC_CHARACTERS_MAX:
        raise RejectedError(Reject.IDENTIFIER_TOO_LONG, expected=f"at most {EPC_CHARACTERS_MAX} characters", found=text)
    if len(text) == 13:
        return gln_key(text)
    if text.startswith("urn:"):
        return epc_urn.gln(text)
    if text[:4].lower() == "http":
        return _of(digital_link.read(text), text)
    if text[13:14] == "/":
        if len(text) == 14:
            raise RejectedError(Reject.BAD_IDENTIFIER, expected="an extension after the /", found=text)
        return gln_key(text[:13], text[14:])
    if text.startswith(("(4", "414", "417", "]")):
        return _of(element_string.read(text)[0], text)
    raise RejectedError(Reject.BAD_IDENTIFIER, expected="a GLN of 13 digits, or its URN or Digital Link", found=text)


def _of(elements: Elements, text: str) -> str:
    stated = dict(elements)
    if len(stated) == len(elements):
        extension = stated.pop("254", "")
        place, party = stated.pop("414", ""), stated.pop("417", "")
        if not stated and bool(place) != bool(party) and not (party and extension):
            return gln_key(place or party, extension)
    raise RejectedError(Reject.BAD_IDENTIFIER, expected="one GLN (414), with or without extension (254), or one party (417)", found=text)

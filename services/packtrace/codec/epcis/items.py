"""What an identifier in a list of EPCs names: an item that packtrace follows, or something it only keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from packtrace.codec import digital_link
from packtrace.codec.identifiers import plain_item
from packtrace.domain.identifiers import EPC_CHARACTERS_MAX
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

_FOLLOWED = re.compile(r"urn:epc:id:(?:sgtin|sscc):")
_CLASS = re.compile(r"urn:epc:(?:class|idpat):")
_EPC = re.compile(r"urn:epc:id:[a-z]+:[!-~]+")
_ITEM_PATH = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#]+/(?:[^?#]*/)?(?:01|00)/[0-9]{8,18}(?:[/?#]|$)")
URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~\u00a1-\uffef]+")


def is_followed(text: str) -> bool:
    """Whether ``text`` is spelled as an SGTIN or SSCC, right or wrong; False: something else that a URI names.

    Raises:
        RejectedError: bad-identifier or identifier-too-long: a class where an object must be, or no URI at all.
    """
    if _FOLLOWED.match(text):
        return True
    if len(text) > EPC_CHARACTERS_MAX:
        raise RejectedError(Reject.IDENTIFIER_TOO_LONG, expected=f"at most {EPC_CHARACTERS_MAX} characters", found=text)
    if _CLASS.match(text):
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="an object; classes stand in quantity lists", found=text)
    if _ITEM_PATH.match(text):
        elements = dict(digital_link.read(text))
        if "01" in elements and "21" not in elements and "235" not in elements and "00" not in elements:
            raise RejectedError(
                Reject.BAD_IDENTIFIER, expected="an object, with its serial number; classes stand in quantity lists", found=text
            )
        return "21" in elements or "00" in elements
    if text.startswith("urn:epc:") and not _EPC.fullmatch(text):
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="an EPC URN such as urn:epc:id:sgtin:9506000.013435.A1", found=text)
    if not URI.fullmatch(text):
        raise RejectedError(Reject.BAD_IDENTIFIER, expected="an EPC URN or a Digital Link", found=text)
    return False


def followed(texts: Sequence[str], where: str) -> tuple[tuple[str, ...], list[int] | None]:
    """Those of ``texts`` that packtrace follows, and their places in it; None: all of them.

    Raises:
        RejectedError: as ``is_followed``, with its place; duplicate-items of what is not followed.
    """
    others = [number for number, text in enumerate(texts) if text[:1] not in "hu" or not plain_item(text)]
    if not others:
        return tuple(texts), None
    kept: dict[int, str] = {}
    for number in others:
        try:
            if not is_followed(texts[number]):
                kept[number] = texts[number]
        except RejectedError as error:
            raise error.inside(f"{where}[{number}]") from error
    if not kept:
        return tuple(texts), None
    if len(set(kept.values())) < len(kept):
        number = next(number for number, text in kept.items() if list(kept.values()).count(text) > 1)
        raise RejectedError(Reject.DUPLICATE_ITEMS, f"{where}[{number}]", "each item once", kept[number])
    places = [number for number in range(len(texts)) if number not in kept]
    return tuple(texts[number] for number in places), places

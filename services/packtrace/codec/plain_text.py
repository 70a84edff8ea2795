"""Free text of an event: short, and without characters that break a line, a column or a terminal."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from packtrace.codec.json_text import json_value
from packtrace.codec.vocabulary_words import TEXT_CHARACTERS_MAX
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

EXTENSIONS_MAX: Final = 64
EXTENSIONS_BYTES_MAX: Final = 16_384

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def checked_text(text: str, where: str) -> str:
    """``text`` when it has at most 200 characters and no control character, line break or half a surrogate pair."""
    if len(text) <= TEXT_CHARACTERS_MAX and (text.isprintable() or not _CONTROL.search(text)):
        return text
    expected = f"text of at most {TEXT_CHARACTERS_MAX} characters without control characters"
    raise RejectedError(Reject.BAD_TEXT, where, expected, text)


def canonical_extensions(text: str) -> str:
    """The extensions object as canonical JSON text: keys sorted, no blanks; an empty object is empty text.

    Raises:
        RejectedError: no JSON object, more than 64 names at the top, more than 16 KiB.
    """
    if not text:
        return ""
    value = json_value(text)
    if not isinstance(value, dict):
        raise RejectedError(Reject.WRONG_TYPE, expected="a JSON object", found=text)
    if len(value) > EXTENSIONS_MAX:
        raise RejectedError(Reject.BAD_TEXT, expected=f"at most {EXTENSIONS_MAX} extensions", found=f"{len(value)}")
    return extensions_text(value)


def extensions_text(value: dict[str, object]) -> str:
    """A decoded extensions object as canonical text."""
    if not value:
        return ""
    try:
        written = msgspec.json.encode(value, order="sorted")
    except (UnicodeEncodeError, OverflowError) as error:
        raise RejectedError(Reject.BAD_TEXT, expected="UTF-8 text and numbers of 64 bits", found=str(error)) from error
    if len(written) > EXTENSIONS_BYTES_MAX:
        raise RejectedError(Reject.BAD_TEXT, expected=f"extensions of at most {EXTENSIONS_BYTES_MAX} bytes", found=f"{len(written)} bytes")
    return written.decode()

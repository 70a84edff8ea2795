"""Bytes that can be read again, in pieces; and what their beginning says they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Final

from packtrace.codec.epcis.limits import CHUNK_BYTES
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.errors import RejectedError

Source = Callable[[], Iterable[bytes]]
"""Each call answers the pieces from the beginning: a document may say last what its first lines mean."""

_HEAD_BYTES: Final = 4_096
BOM: Final = b"\xef\xbb\xbf"


class Syntax(StrEnum):
    XML = "xml"
    JSON = "json"


def of_bytes(data: bytes) -> Source:
    """``data`` in pieces."""

    def pieces() -> Iterator[bytes]:
        view = memoryview(data)
        for at in range(0, len(data), CHUNK_BYTES):
            yield bytes(view[at : at + CHUNK_BYTES])

    return pieces


def syntax_of(source: Source) -> Syntax:
    """XML or JSON, by the first byte that is no blank.

    Raises:
        RejectedError: malformed-document: neither.
    """
    head = b""
    for piece in source():
        head += piece
        if len(head) >= _HEAD_BYTES:
            break
    # UTF-16 and UTF-32 have null bytes between those of ASCII; only XML may be written so
    first = head.removeprefix(BOM).lstrip(b" \t\r\n")[:1]
    if first == b"<" or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Syntax.XML
    if first in (b"{", b"["):
        return Syntax.JSON
    found = head[:40].decode("utf-8", "replace") or "nothing"
    raise RejectedError(DocumentReject.MALFORMED_DOCUMENT, "line 1", "an EPCIS document as XML or JSON", found)

"""The EPCIS event beside the event of packtrace: all of it, but for lists of items that the event holds anyway.

A list of items is left out where it can be written again from the keys, spelling included: as canonical Digital Links, or as
URNs with the company prefixes that are kept. 100,000 EPCs are stored once, not twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from packtrace.codec.epc_urn import write_item
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent
from packtrace.codec.epcis.fields import EPC_LISTS
from packtrace.codec.identifiers import digital_link
from packtrace.codec.raw_event import RawEvent
from packtrace.domain.event import Event
from packtrace.domain.identifiers import gtin_of, is_sscc, serial_of
from packtrace.domain.vocabulary import EventType, Reject
from packtrace.errors import RejectedError

URN: Final = "urn"
LINK: Final = "link"
_LINK_OPENING: Final = "https://id.gs1.org/"
_URN_OPENINGS: Final = ("urn:epc:id:sgtin:", "urn:epc:id:sscc:")
DOCUMENT_BYTES_MAX: Final = 8_192
ORIGINAL_BYTES_MAX: Final = 4 * 1024 * 1024
"""Sensor readings and extensions of one event, and lists that packtrace does not follow."""


class Original(msgspec.Struct, frozen=True, omit_defaults=True):
    """``event`` without the lists named in ``lists``; ``prefixes``: company prefixes of those spelled as URN.

    ``document``: what the event came in, without master data: its sender and receiver, the statements of its header.
    """

    event: EpcisEvent
    lists: dict[str, str] = {}
    prefixes: tuple[str, ...] = ()
    document: Document | None = None


_encode = msgspec.json.Encoder(order=None).encode
_decoder = msgspec.json.Decoder(Original)


def kept_document(document: Document) -> Document | None:
    """What is kept of a document beside each of its events; of one with a long header only who sent it to whom."""
    kept = msgspec.structs.replace(document, vocabularies=())
    if len(_encode(kept)) > DOCUMENT_BYTES_MAX:
        kept = msgspec.structs.replace(kept, header=(), extensions=(), sbdh=None, prefixes=())
    return None if kept == Document() or len(_encode(kept)) > DOCUMENT_BYTES_MAX else kept


def packed(epcis: EpcisEvent, raw: RawEvent, document: Document | None = None) -> str:
    """The text to keep beside ``raw``, which was made of ``epcis``; ``document`` as ``kept_document`` answers.

    Raises:
        RejectedError: record-too-large.
    """
    prefixes: set[str] = set()
    spelled: dict[str, str] = {}
    for field in EPC_LISTS.values():
        texts = getattr(epcis, field)
        if texts and getattr(raw, field) == texts and not (raw.type == EventType.TRANSACTION and raw.parent):
            spelling = spelling_of(texts, prefixes)
            if spelling:
                spelled[field] = spelling
    if ambiguous(prefixes):
        spelled = {field: spelling for field, spelling in spelled.items() if spelling == LINK}
        prefixes = set()
    event = msgspec.structs.replace(epcis, **dict.fromkeys(spelled, ()))
    return text_of(_encode(Original(event, spelled, tuple(sorted(prefixes)), document)))


def text_of(encoded: bytes) -> str:
    """The text to keep.

    Raises:
        RejectedError: record-too-large.
    """
    _refuse_long(len(encoded))
    return encoded.decode()


def spelling_of(texts: Sequence[str], prefixes: set[str]) -> str:
    """How all of ``texts`` are spelled, where they can be spelled so again; else empty. Their prefixes go into ``prefixes``.

    They need not be right: the event has still to be checked.
    """
    if texts[0].startswith(_LINK_OPENING):
        return LINK if all(map(_is_canonical_link, texts)) else ""
    found = set()
    for text in texts:
        if not text.startswith(_URN_OPENINGS) or "%" in text:
            return ""
        found.add(text[text.index(":", 11) + 1 :].partition(".")[0])
    prefixes |= found
    return URN


def _is_canonical_link(text: str) -> bool:
    """Of an item that has been read; a serial with other characters than letters and digits has several spellings."""
    if not text.startswith(_LINK_OPENING):
        return False
    if text[18:22] == "/01/":
        return text[36:40] == "/21/" and text[40:].isalnum()
    return text[18:22] == "/00/" and len(text) == 40


def ambiguous(prefixes: set[str]) -> bool:
    """Whether one begins another: then the digits of an item do not say which was meant."""
    ordered = sorted(prefixes)
    return any(longer.startswith(shorter) for shorter, longer in pairwise(ordered))


def checked_original(text: str) -> str:
    """``text`` when it is empty or what ``packed`` answers.

    Raises:
        RejectedError: malformed-json or record-too-large.
    """
    if text:
        _refuse_long(len(text))
        _read(text)
    return text


def _refuse_long(size: int) -> None:
    if size > ORIGINAL_BYTES_MAX:
        expected = f"at most {ORIGINAL_BYTES_MAX} bytes beside the items of an event"
        raise RejectedError(Reject.RECORD_TOO_LARGE, "", expected, f"{size} bytes")


def _read(text: str) -> Original:
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise RejectedError(Reject.MALFORMED_JSON, "", "the original of an EPCIS event", str(error)) from error


def unpacked(text: str, event: Event) -> EpcisEvent:
    """The EPCIS event that ``packed`` kept beside ``event``.

    Raises:
        RejectedError: malformed-json: the text is not ours.
    """
    original = _read(text)
    lengths = sorted({len(prefix) for prefix in original.prefixes}, reverse=True)
    known = set(original.prefixes)

    def urn(key: str) -> str:
        digits = (serial_of(key) if is_sscc(key) else gtin_of(key))[1:13]
        length = next((length for length in lengths if digits[:length] in known), 0)
        if not length:
            raise RejectedError(Reject.MALFORMED_JSON, "epcis.prefixes", "the company prefix of every item", key)
        return write_item(key, length)

    lists = {
        field: tuple(map(urn if spelling == URN else digital_link, getattr(event, field))) for field, spelling in original.lists.items()
    }
    return msgspec.structs.replace(original.event, **lists)


def document_of(text: str) -> Document:
    """The document that the event came in, as far as it was kept."""
    return _read(text).document or Document()

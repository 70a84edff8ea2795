"""CBV words in their spellings: read into the bare word, written as URN, Web URI or bare word.

Source: CBV 2.0, 7; the ways EPCIS 2.0 spells sensor words: GS1 Web Vocabulary.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from packtrace.codec.epcis.fields import CBV_WEB, GS1_VOC
from packtrace.codec.vocabulary_words import Words, web_uri
from packtrace.errors import RejectedError


class Spelling(StrEnum):
    """Of CBV words."""

    BARE = "bare"
    URN = "urn"
    WEB = "web"


def bare(words: Words, text: str) -> str:
    """The bare word; what is neither a word nor a URI stays as it is, and is refused when the event is judged."""
    if text in words.words:
        return text
    try:
        return words.stored(text)
    except RejectedError:
        return text


def spelled(words: Words, word: str, spelling: Spelling) -> str:
    """``word``, if it is one of CBV, in that spelling."""
    if spelling is Spelling.BARE or word not in words.words:
        return word
    return words.urn + word if spelling is Spelling.URN else web_uri(words, word)


_VOC = ("gs1:", GS1_VOC, "http://gs1.org/voc/", "https://ref.gs1.org/voc/", "https://www.gs1.org/voc/")
_COMPONENT = (f"{CBV_WEB}Comp-", "cbv:Comp-", "https://ns.gs1.org/cbv/Comp-", "urn:epcglobal:cbv:comp:")
SENSOR_WORDS: Final = {"type": (_VOC, GS1_VOC), "exception": (_VOC, GS1_VOC), "component": (_COMPONENT, _COMPONENT[0])}
"""Field of a sensor report -> (how its words may begin, how they begin when written out)."""


def bare_sensor_word(field: str, text: str) -> str:
    """``gs1:Temperature`` or ``https://gs1.org/voc/Temperature`` as ``Temperature``."""
    for opening in SENSOR_WORDS[field][0]:
        if text.startswith(opening):
            return text[len(opening) :]
    return text


def spelled_sensor_word(field: str, word: str, short: bool = False) -> str:
    """A bare word written out; a URI stays."""
    if not word or ":" in word:
        return word
    return f"gs1:{word}" if short and field != "component" else SENSOR_WORDS[field][1] + word

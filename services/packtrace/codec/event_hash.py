"""The CBV event hash: an event id that everybody computes alike from what the event says.

An event is a neutral ordered tree here, shaped as in EPCIS XML, so that JSON events, EPCIS JSON-LD and EPCIS XML hash by one
function; ``epcis.hashing`` makes the tree. Standard fields go in the order of CBV, everything else after them, sorted. The record time, the event id and an
error declaration do not count: a correction has the hash of the event it corrects.

Numbers are brought into one form where the standard has numbers, and nowhere else: serial ``007`` stays ``007``.

Source: CBV 2.0, 8.9.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Final

from packtrace.codec.epcis.node import Node
from packtrace.codec.gs1_uri import canonical_uri
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, SOURCE_DESTINATION_TYPE, TRANSACTION_TYPE, Words, web_uri
from packtrace.domain.dates import read_time, time_text
from packtrace.errors import RejectedError

__all__ = ["Node", "Version", "hashed", "hashed_time", "prehash"]


class Version(StrEnum):
    """Which text of CBV is meant; it stands in the hash. CBV 2.1 words the rules anew and says that times are rounded to the
    millisecond, as the samples of 2.0 have them already: the text that is hashed is the same."""

    CBV_2_0 = "CBV2.0"
    CBV_2_1 = "CBV2.1"


_QUANTITY = ("epcClass", "quantity", "uom")
# fmt: off
_ORDER: Final[dict[str, tuple[str, ...]]] = {
    # field -> its standard children in order; "event" is the event itself. The five after bizLocation stand as the published
    # samples have them (sensors first, then by name), which every implementation follows, not as the standard lists them.
    "event": (
        "eventTime", "eventTimeZoneOffset", "certificationInfo", "epcList", "parentID", "inputEPCList", "childEPCs", "quantityList",
        "childQuantityList", "inputQuantityList", "outputEPCList", "outputQuantityList", "action", "transformationID", "bizStep",
        "disposition", "persistentDisposition", "readPoint", "bizLocation", "sensorElementList", "bizTransactionList",
        "destinationList", "ilmd", "sourceList",
    ),
    "": ("type", "bizTransaction", "source", "destination"),
    "quantityElement": _QUANTITY,
    "persistentDisposition": ("set", "unset"),
    "readPoint": ("id",),
    "bizLocation": ("id",),
    "sensorElement": ("sensorMetadata", "sensorReport"),
    "sensorMetadata": (
        "time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules",
    ),
    "sensorReport": (
        "type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "time", "microorganism",
        "chemicalSubstance", "value", "component", "stringValue", "booleanValue", "hexBinaryValue", "uriValue", "minValue",
        "maxValue", "meanValue", "sDev", "percRank", "percValue", "uom", "coordinateReferenceSystem",
    ),
}
# fmt: on
_IGNORED = frozenset({"recordTime", "eventID", "errorDeclaration"})
_TIMES = frozenset({"eventTime", "time", "startTime", "endTime"})
_NUMBERS = frozenset({"quantity", "value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"})
_WORDS: Final = {
    "bizStep": (BIZ_STEP,),
    "disposition": (DISPOSITION,),
    "set": (DISPOSITION,),
    "unset": (DISPOSITION,),
    "type": (TRANSACTION_TYPE, SOURCE_DESTINATION_TYPE),
}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")


def prehash(event_type: str, fields: Iterable[Node]) -> str:
    """The text the hash is taken of; ``event_type`` is e.g. ``ObjectEvent``."""
    return f"eventType={event_type}" + _joined("event", [field for field in fields if field.name not in _IGNORED])


def hashed(text: str, version: Version = Version.CBV_2_0) -> str:
    """The event id of a pre-hash string: a named-information URI (RFC 6920) with the version of CBV."""
    return f"ni:///sha-256;{hashlib.sha256(text.encode()).hexdigest()}?ver={version}"


def _joined(parent: str, children: Iterable[Node]) -> str:
    order = _ORDER.get(parent, ())
    by_name: dict[str, list[str]] = {name: [] for name in order}
    others: list[str] = []
    for child in children:
        written = _written(child)
        if child.name in by_name:
            by_name[child.name].append(written)
        elif written:
            others.append(written)
    return "".join(text for texts in (*by_name.values(), others) for text in sorted(texts))


def _written(node: Node) -> str:
    children = _joined(node.name, node.children)
    value = _canonical(node.name, node.value.strip()) if node.value else ""
    if not value and not children and not node.name.startswith("{"):
        return ""
    return f"{node.name}={value}{children}" if value else f"{node.name}{children}"


def _canonical(name: str, value: str) -> str:
    if name in _TIMES:
        return _milliseconds(value)
    if name in _NUMBERS:
        return _number(value)
    if name in _WORDS:
        return _word(_WORDS[name], value)
    return canonical_uri(value)


def _milliseconds(value: str) -> str:
    """UTC with three fraction digits, half a millisecond rounded up."""
    try:
        return hashed_time(read_time(value))
    except RejectedError:
        return value


def hashed_time(micros: int) -> str:
    """A time as it stands in the text that is hashed."""
    text = time_text((micros + 500) // 1000 * 1000)
    return text if "." in text else text.replace("Z", ".000Z")


def _number(value: str) -> str:
    if not _NUMBER.fullmatch(value):
        return value
    text = format(Decimal(value), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _word(vocabularies: tuple[Words, ...], value: str) -> str:
    for words in vocabularies:
        try:
            stored = words.stored(value)
        except RejectedError:
            continue
        if stored in words.words:
            return web_uri(words, stored)
    return value

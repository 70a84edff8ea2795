"""What a client wants its answer written in: format, version, spelling of identifiers and of CBV words. Pure.

Source: EPCIS 2.0, 12.2 and 12.6; ``GS1-EPC-Format`` and ``GS1-CBV-XML-Format`` of its OpenAPI file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from packtrace.codec.epcis.spelling import EpcFormat
from packtrace.codec.epcis.vocabulary import Spelling
from packtrace.query.problem import ProblemError

JSON_LD: Final = "application/ld+json"
JSON: Final = "application/json"
XML: Final = "application/xml"
EVENT_STREAM: Final = "text/event-stream"
_MEDIA: Final = {
    JSON_LD: JSON_LD,
    JSON: JSON,
    "application/epcis+json": JSON_LD,
    XML: XML,
    "text/xml": "text/xml",
    "application/epcis+xml": XML,
}

# fmt: off
EPC_FORMATS: Final = {
    "no_preference":            EpcFormat.AS_CAPTURED,
    "never_translates":         EpcFormat.AS_CAPTURED,
    "always_gs1_digital_link":  EpcFormat.LINK,
    "always_epc_urn":           EpcFormat.URN,
}
CBV_FORMATS: Final = {
    "no_preference":            None,
    "never_translates":         None,
    "always_web_uri":           Spelling.WEB,
    "always_urn":               Spelling.URN,
}
# fmt: on
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){0,2}")
_EXTENSION = re.compile(r"\s*([A-Za-z_][A-Za-z0-9._-]*)=([!-~]+?)\s*")


class Version(StrEnum):
    V1_2 = "1.2"
    V2_0 = "2.0"


class Spoken(NamedTuple):
    """How an answer is written; ``words`` None: as the format has them by itself."""

    media_type: str = JSON_LD
    version: Version = Version.V2_0
    epcs: EpcFormat = EpcFormat.AS_CAPTURED
    words: Spelling | None = None
    prefixes: tuple[tuple[str, str], ...] = ()

    @property
    def is_xml(self) -> bool:
        return self.media_type.endswith("xml")

    @property
    def headers(self) -> dict[str, str]:
        """Of every answer."""
        return {
            "GS1-EPCIS-Version": str(self.version),
            "GS1-CBV-Version": str(self.version),
            "Vary": "Accept, GS1-EPCIS-Version, GS1-EPC-Format",
        }


def spoken(headers: Mapping[str, str]) -> Spoken:
    """What the headers of a request ask for.

    Raises:
        ProblemError: not-acceptable, query-parameter.
    """
    version = _version(headers)
    accepted = _accepted(headers.get("accept", ""))
    if version is Version.V1_2:
        xml = next((one for one in accepted if one.endswith("xml")), XML if not accepted else "")
        if not xml:
            raise ProblemError("not-acceptable", "EPCIS 1.2 is XML: expected Accept: application/xml, or GS1-EPCIS-Version: 2.0")
        media_type = xml
    else:
        media_type = accepted[0] if accepted else JSON_LD
    epcs = EPC_FORMATS[_named(headers, ("gs1-epc-format",), EPC_FORMATS)]
    words = CBV_FORMATS[_named(headers, ("gs1-cbv-xml-format", "gs1-cbv-format"), CBV_FORMATS)]
    return Spoken(media_type, version, epcs, words, extensions_of(headers))


def _version(headers: Mapping[str, str]) -> Version:
    for name in ("GS1-CBV-Version", "GS1-EPCIS-Version"):
        stated = headers.get(name, "").strip()
        parts = ".".join([*stated.split("."), "0"][:2])
        if stated and (not _VERSION.fullmatch(stated) or parts not in ("1.2", "2.0", "2.1")):
            raise ProblemError("not-acceptable", f"{name}: expected 1.2 or 2.0, found {stated[:40]!r}")
    return Version.V1_2 if parts == "1.2" else Version.V2_0


def _accepted(stated: str) -> list[str]:
    """Media types that are spoken here, the preferred first; empty: any."""
    found: list[tuple[float, str]] = []
    anything = not stated.strip()
    for one in stated.split(","):
        name, *parameters = [part.strip().lower() for part in one.split(";")]
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        weight = float(quality) if re.fullmatch(r"[01](\.[0-9]{0,3})?", quality) else 0.0
        if weight and name in ("*/*", "application/*"):
            anything = True
        elif weight and name in _MEDIA:
            found.append((-weight, _MEDIA[name]))
    if not found and not anything:
        raise ProblemError("not-acceptable", f"Accept: expected {', '.join(_MEDIA)}, found {stated[:80]!r}")
    return [name for _, name in sorted(found, key=lambda pair: pair[0])]


def _named(headers: Mapping[str, str], names: tuple[str, ...], known: Iterable[str]) -> str:
    for name in names:
        stated = headers.get(name, "").strip()
        if stated and stated.lower() not in known:
            raise ProblemError("query-parameter", f"{name}: expected No_Preference, Never_Translates, Always_..., found {stated[:40]!r}")
        if stated:
            return stated.lower()
    return "no_preference"


def extensions_of(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Short names of the header ``GS1-Extensions``: ``prefix=namespace``, divided by commas.

    Raises:
        ProblemError: query-parameter.
    """
    out = []
    for one in filter(None, headers.get("gs1-extensions", "").split(",")):
        match = _EXTENSION.fullmatch(one)
        if match is None:
            raise ProblemError("query-parameter", f"GS1-Extensions: expected prefix=namespace, found {one[:80]!r}")
        out.append((match[1], match[2]))
    return tuple(out)

"""What a body is: EPCIS or events of packtrace; and what the headers of EPCIS 2.0 say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packtrace.gateway.problem import ProblemError
from packtrace.gateway.receipts import Behaviour

XML_TYPES = frozenset({"application/xml", "text/xml", "application/epcis+xml"})
EPCIS_JSON_TYPES = frozenset({"application/ld+json", "application/epcis+json"})
OWN_TYPES = frozenset({"application/vnd.packtrace+json", "application/x-ndjson", "application/jsonl"})
EITHER_TYPES = frozenset({"application/json"})
ACCEPTED = XML_TYPES | EPCIS_JSON_TYPES | OWN_TYPES | EITHER_TYPES

HEAD_BYTES = 64 * 1024
_NAMES = re.compile(
    rb'"(?:(event_time|biz_step|epcs)|(@context|schemaVersion|epcisBody|epcisHeader|eventList|eventTime|eventTimeZoneOffset'
    rb'|epcList|childEPCs|parentID|bizStep|inputEPCList|outputEPCList)|type"\s*:\s*"(?:EPCIS[A-Za-z]+|[A-Z][A-Za-z]+Event))"'
)
"""Names that only one of the two has."""

VERSIONS = ("1.2", "2.0")
BEHAVIOUR = "GS1-Capture-Error-Behaviour"
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){0,2}")


def is_epcis(media_type: str, head: bytes) -> bool:
    """Whether a body is EPCIS; ``application/json`` may be either, and its first names say which."""
    if media_type in XML_TYPES or media_type in EPCIS_JSON_TYPES:
        return True
    if media_type in OWN_TYPES:
        return False
    found = _NAMES.search(head)
    return found is not None and found[1] is None


def behaviour_of(headers: Mapping[str, str]) -> Behaviour:
    """What one bad event does to the others. Not stated: it costs only itself.

    Raises:
        ProblemError: 400.
    """
    stated = headers.get(BEHAVIOUR, "proceed").strip().lower()
    if stated == "proceed":
        return "proceed"
    if stated == "rollback":
        return "rollback"
    raise ProblemError(400, "bad-parameter", f"{BEHAVIOUR}: expected rollback or proceed, found {stated[:40]!r}")


def refuse_other_versions(headers: Mapping[str, str]) -> None:
    """A client may ask for the version it speaks.

    Raises:
        ProblemError: 406.
    """
    for name in ("GS1-EPCIS-Version", "GS1-CBV-Version"):
        stated = headers.get(name, "").strip()
        parts = stated.split(".")
        if stated and (not _VERSION.fullmatch(stated) or ".".join([*parts, "0"][:2]) not in (*VERSIONS, "2.1")):
            raise ProblemError(406, "not-acceptable", f"{name}: expected {' or '.join(VERSIONS)}, found {stated[:40]!r}")


def version_headers() -> dict[str, str]:
    """Of every answer to EPCIS."""
    return {"GS1-EPCIS-Version": "2.0", "GS1-CBV-Version": "2.0"}


def discovery(methods: str, events_max: int | None = None, bytes_max: int | None = None) -> dict[str, str]:
    """The headers that OPTIONS answers."""
    out = {
        "Allow": methods,
        "GS1-EPCIS-Version": ", ".join(VERSIONS),
        "GS1-EPCIS-Min": VERSIONS[0],
        "GS1-EPCIS-Max": VERSIONS[-1],
        "GS1-CBV-Version": "1.2, 2.0",
        "GS1-CBV-Min": "1.2",
        "GS1-CBV-Max": "2.0",
        "GS1-EPC-Format": "Always_GS1_Digital_Link, Always_EPC_URN, No_Preference",
        "GS1-Extensions": "packtrace=urn:packtrace:",
    }
    if events_max is not None and bytes_max is not None:
        out |= {
            "Accept-Post": ", ".join(sorted(ACCEPTED)),
            "GS1-EPCIS-Capture-Limit": str(events_max),
            "GS1-EPCIS-Capture-File-Size-Limit": str(bytes_max),
            BEHAVIOUR: "proceed",
        }
    return out

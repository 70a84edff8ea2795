"""Why a document is refused as a whole; what is wrong with one event is a ``packtrace.domain.vocabulary.Reject``."""

from __future__ import annotations

from enum import StrEnum


class DocumentReject(StrEnum):
    """Codes of a ``RejectedError``: never renamed, never reused, none of them a ``Reject``."""

    MALFORMED_XML = "malformed-xml"
    MALFORMED_DOCUMENT = "malformed-document"
    FORBIDDEN_XML = "forbidden-xml"
    TOO_MANY_EVENTS = "too-many-events"

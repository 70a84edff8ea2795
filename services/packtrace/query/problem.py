"""Answers that say no (RFC 9457): a stable code, one sentence, never a stack."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from packtrace.errors import RejectedError

MEDIA_TYPE = "application/problem+json"

# fmt: off
CODES = {
    #  code                  status  title
    "bad-identifier":       (400,   "The identifier cannot be read"),
    "bad-parameter":        (400,   "A parameter cannot be read or is out of range"),
    "unknown-item":         (404,   "No event has named this item"),
    "unknown-lot":          (404,   "No unit of this lot is known"),
    "unknown-alert":        (404,   "There is no alert with this id"),
    "unknown-reference":    (404,   "No such reference data has been loaded"),
    "unknown-rejected":     (404,   "Nothing from there was rejected"),
    "unknown-event":        (404,   "There is no event with this id"),
    "unknown-query":        (404,   "There is no query or subscription of this name"),
    "query-parameter":      (400,   "A parameter of the query cannot be read"),
    "query-invalid":        (400,   "The query or subscription cannot be read"),
    "query-too-large":      (413,   "The query finds more events than it allows"),
    "query-too-complex":    (413,   "The query asks for more at once than can be asked"),
    "duplicate-name":       (409,   "There is a query of this name already"),
    "not-acceptable":       (406,   "The format asked for is not spoken here"),
    "too-many-names":       (409,   "More queries or subscriptions than this service keeps"),
    "not-found":            (404,   "There is nothing at this path"),
    "method-not-allowed":   (405,   "The query service only reads: GET"),
    "unsupported-media-type": (415, "The service does not read this kind of body"),
    "too-many-streams":     (503,   "As many streams are open as this service keeps"),
    "dependency-away":      (503,   "Redis or ClickHouse does not answer in time"),
    "set-up-wrong":         (500,   "The query service and its stores do not fit together"),
}
# fmt: on

STANDARD = {
    "unknown-event": "epcisException:NoSuchResourceException",
    "unknown-query": "epcisException:NoSuchNameException",
    "query-parameter": "epcisException:QueryParameterException",
    "query-invalid": "epcisException:QueryValidationException",
    "query-too-large": "epcisException:QueryTooLargeException",
    "query-too-complex": "epcisException:QueryTooComplexException",
    "duplicate-name": "epcisException:DuplicateNameException",
    "too-many-names": "epcisException:SubscriptionControlsException",
    "not-acceptable": "epcisException:NotAcceptableException",
}
"""Code -> what EPCIS 2.0 calls it, as ``type`` of the document."""


class ProblemError(Exception):
    """A question that gets a problem document instead of an answer.

    Args:
        code: of ``CODES``; the ``type`` of the document is ``urn:packtrace:problem:<code>``, or what EPCIS calls it.
        detail: one sentence for a person.
        more: extension members of the document.
        headers: of the answer.
    """

    def __init__(self, code: str, detail: str, more: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.title = CODES[code]
        self.code = code
        self.detail = detail
        self.more = dict(more or {})
        self.headers = dict(headers or {})
        super().__init__(detail)

    def response(self) -> Response:
        kind = STANDARD.get(self.code, f"urn:packtrace:problem:{self.code}")
        document = {"type": kind, "title": self.title, "status": self.status, "detail": self.detail}
        headers = {"Retry-After": "1"} if self.status == 503 else {}
        return Response(msgspec.json.encode(document | self.more), self.status, headers | self.headers, MEDIA_TYPE)


def of_rejected(error: RejectedError, code: str = "bad-identifier") -> ProblemError:
    """The problem of an input that could not be read."""
    more = {name: value for name, value in (("where", error.where), ("expected", error.expected), ("found", error.found)) if value}
    return ProblemError(code, error.text, {"reason": error.code} | more)

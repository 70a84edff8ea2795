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
    "not-found":            (404,   "There is nothing at this path"),
    "method-not-allowed":   (405,   "The query service only reads: GET"),
    "dependency-away":      (503,   "Redis or ClickHouse does not answer in time"),
    "set-up-wrong":         (500,   "The query service and its stores do not fit together"),
}
# fmt: on


class ProblemError(Exception):
    """A question that gets a problem document instead of an answer.

    Args:
        code: of ``CODES``; the ``type`` of the document is ``urn:packtrace:problem:<code>``.
        detail: one sentence for a person.
        more: extension members of the document.
    """

    def __init__(self, code: str, detail: str, more: Mapping[str, object] | None = None) -> None:
        self.status, self.title = CODES[code]
        self.code = code
        self.detail = detail
        self.more = dict(more or {})
        super().__init__(detail)

    def response(self) -> Response:
        document = {"type": f"urn:packtrace:problem:{self.code}", "title": self.title, "status": self.status, "detail": self.detail}
        headers = {"Retry-After": "1"} if self.status == 503 else None
        return Response(msgspec.json.encode(document | self.more), self.status, headers, MEDIA_TYPE)


def of_rejected(error: RejectedError, code: str = "bad-identifier") -> ProblemError:
    """The problem of an input that could not be read."""
    more = {name: value for name, value in (("where", error.where), ("expected", error.expected), ("found", error.found)) if value}
    return ProblemError(code, error.text, {"reason": error.code} | more)

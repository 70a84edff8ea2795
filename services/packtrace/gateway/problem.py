"""Answers that say no (RFC 9457): a stable code, one sentence, never a stack."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A request that gets a problem document instead of an answer.

    Args:
        status: of HTTP.
        code: closed list, see ``CODES``; the ``type`` of the document is ``urn:packtrace:problem:<code>``.
        detail: one sentence for a person.
        headers: e.g. ``Retry-After``.
        more: extension members of the document.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, more: Mapping[str, object] | None = None
    ) -> None:
        assert code in CODES, code
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        super().__init__(detail)

    def response(self) -> Response:
        document = {
            "type": f"urn:packtrace:problem:{self.code}",
            "title": CODES[self.code],
            "status": self.status,
            "detail": self.detail,
        }
        return Response(msgspec.json.encode(document | self.more), self.status, self.headers, MEDIA_TYPE)


# fmt: off
CODES = {
    #  code                    title
    "body-too-large":         "The body is larger than this gateway takes",
    "body-too-slow":          "The body did not arrive in time",
    "body-cut-off":           "The client went away before the body was complete",
    "unsupported-media-type": "The gateway does not read this kind of body",
    "no-events":              "The body holds no event",
    "too-many-events":        "The body holds more events than this gateway takes at once",
    "unreadable":             "The body is no JSON",
    "all-rejected":           "No event of the body was accepted",
    "broker-away":            "The log did not acknowledge; nothing is claimed",
    "overloaded":             "More is waiting for the log than this gateway holds",
    "not-acceptable":         "The version asked for is not spoken here",
    "bad-parameter":          "A header or parameter has no value that can be used",
    "unknown-capture":        "No capture with this id is remembered",
    "not-found":              "There is nothing at this path",
    "method-not-allowed":     "The path does not take this method",
}
# fmt: on


def of_http_status(status: int) -> ProblemError:
    """The problem of a status the framework itself answered with."""
    code = {404: "not-found", 405: "method-not-allowed"}.get(status, "not-found")
    return ProblemError(
        status, code, HTTPStatus(status).phrase.lower() + "; see /healthz, POST /events, POST /capture, GET /capture, GET /capture/{id}"
    )

"""What a subscription says, read and checked, and as it is shown. Pure but for the id it is given.

Source: EPCIS 2.0, 8.2.5; ``QueryStreamSubscription`` and ``QueryScheduleSubscription`` of its OpenAPI file.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from packtrace.domain.dates import read_time, time_text
from packtrace.errors import RejectedError
from packtrace.query.named import Progress, Subscription
from packtrace.query.problem import ProblemError, of_rejected
from packtrace.query.reach import Reach
from packtrace.query.schedule import Schedule

_SCHEDULED: Final = "schedule"
_FIELDS: Final = frozenset({"dest", "signatureToken", "secret", "stream", "schedule", "reportIfEmpty", "initialRecordTime"})


def subscription_of(stated: Mapping[str, object], query: str, now: int, reach: Reach) -> Subscription:
    """The subscription that ``stated`` asks for; its destination is one that ``reach`` may call, as far as can be told.

    Raises:
        ProblemError: query-invalid.
    """
    if unknown := sorted(set(stated) - _FIELDS):
        raise ProblemError("query-invalid", f"expected {', '.join(sorted(_FIELDS))}, found {', '.join(unknown)[:80]}")
    return Subscription(
        uuid.uuid4().hex,
        query,
        _destination(stated.get("dest"), reach),
        now,
        _since(stated, now),
        _secret(stated),
        _schedule(stated),
        stated.get("reportIfEmpty") is True,
    )


def shown_subscription(one: Subscription, progress: Progress) -> dict[str, object]:
    """A subscription without its secret."""
    out: dict[str, object] = {
        "subscriptionID": one.id,
        "dest": one.dest,
        "createdAt": time_text(one.created),
        "initialRecordTime": time_text(one.since),
        "reportIfEmpty": one.report_if_empty,
        "delivered": progress.told,
        "failures": progress.failures,
    }
    out |= {_SCHEDULED: one.schedule} if one.schedule else {"stream": True}
    return out | ({"lastFailure": progress.trouble, "nextAttempt": time_text(progress.not_before)} if progress.failures else {})


def _destination(stated: object, reach: Reach) -> str:
    if isinstance(stated, str) and len(stated) <= 2_000 and stated.isascii() and stated.isprintable() and " " not in stated:
        try:
            parts = urlsplit(stated)
            readable = parts.port is None or parts.port > 0  # raises where the port is no number
            if readable and parts.scheme in ("http", "https") and parts.hostname and not parts.username:
                if trouble := reach.trouble(stated):
                    raise ProblemError("query-invalid", f"dest: {trouble}")
                return stated
        except ValueError:
            pass
    raise ProblemError("query-invalid", f"dest: expected an http or https address to POST to, found {str(stated)[:80]!r}")


def _since(stated: Mapping[str, object], now: int) -> int:
    text = stated.get("initialRecordTime")
    if text is None:
        return now
    try:
        return read_time(str(text))
    except RejectedError as error:
        raise of_rejected(error.inside("initialRecordTime"), "query-invalid") from error


def _secret(stated: Mapping[str, object]) -> str:
    text = stated.get("signatureToken", stated.get("secret", ""))
    if not isinstance(text, str) or len(text) > 1_000:
        raise ProblemError("query-invalid", "signatureToken: expected a text of at most 1000 characters")
    return text


def _schedule(stated: Mapping[str, object]) -> dict[str, str]:
    schedule = stated.get(_SCHEDULED)
    if (schedule is None) == (stated.get("stream") is not True):
        raise ProblemError("query-invalid", 'expected either "stream": true or a schedule')
    if schedule is None:
        return {}
    if not isinstance(schedule, dict) or not all(isinstance(one, (str, int)) for one in schedule.values()):
        raise ProblemError("query-invalid", "schedule: expected an object of texts")
    texts = {str(name): str(text) for name, text in schedule.items()}
    try:
        Schedule(texts)
    except ValueError as error:
        raise ProblemError("query-invalid", str(error)) from None
    return texts

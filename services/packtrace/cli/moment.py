"""A moment as a person writes it, for ``--at`` and ``--since``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from packtrace.errors import RefusedError

_AGE = re.compile(r"([0-9]{1,5})\s*(s|m|h|d)(?:\s+ago)?")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_moment(text: str, now: datetime) -> str:
    """ISO 8601 with Z of ``2026-11-22T10:00:00+01:00``, ``2026-11-22 10:00``, ``2026-11-22`` (UTC where no zone is stated), ``15m``.

    Raises:
        RefusedError: none of these.
    """
    age = _AGE.fullmatch(text.strip())
    if age:
        moment = now - timedelta(**{_UNIT[age[2]]: int(age[1])})
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise RefusedError(f"expected a time such as 2026-11-22T10:00:00Z, 2026-11-22, 15m or 2h, found {text!r}") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

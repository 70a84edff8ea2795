"""What the log takes, checked before a record is queued: the broker's refusal would come too late and be fatal to the writer."""

from __future__ import annotations

from collections.abc import Sequence

from packtrace.contracts import topics
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

FRAME_BYTES = 512
"""What Kafka adds to a record and its batch, rounded up."""

RECORD_BYTES_MAX = 1_048_576
"""Of a topic that is not in topics.yaml: what Kafka takes by default."""


def check_size(topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> None:
    """Refuse what the topic's ``record_bytes_max`` would refuse.

    Raises:
        RejectedError: the record is too large.
    """
    row = topics().get(topic)
    bytes_max = row.record_bytes_max if row is not None else RECORD_BYTES_MAX
    size = len(value or b"") + len(key or b"") + sum(len(name) + len(text) for name, text in headers) + FRAME_BYTES
    if size > bytes_max:
        raise RejectedError(Reject.RECORD_TOO_LARGE, "", f"at most {bytes_max} bytes in {topic}", f"{size} bytes")


def producer_bytes_max() -> int:
    """The largest record any of our topics takes."""
    return max(row.record_bytes_max for row in topics().values())

"""Which reference data there is already: a partner's master data may add to it, and never change it.

A thread of its own reads topic ``reference`` and keeps the keys, some 50 bytes each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from packtrace.codec.reference_record import record_key
from packtrace.domain.reference import ReferenceChange
from packtrace.errors import UnavailableError
from packtrace.ports import LogReader, TopicPartition
from packtrace.telemetry import log

REFERENCE = "reference"
_PARTITION = TopicPartition(REFERENCE, 0)
_POLL_SECONDS = 0.2
_RETRY_SECONDS = 1.0
CATCH_UP_SECONDS_MAX = 10.0


class KnownReference:
    """See the module. The thread starts with the first question, for most gateways never see master data."""

    def __init__(self, open_reader: Callable[[], LogReader]) -> None:
        self._open_reader = open_reader
        self._keys: set[bytes] = set()
        self._next = 0
        self._asked: int | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def unknown(self, changes: list[ReferenceChange]) -> list[ReferenceChange]:
        """Those of ``changes`` whose entity has no reference data yet. Blocks until all that was written before is seen.

        Raises:
            UnavailableError: the log does not answer.
        """
        if not changes:
            return []
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="known-reference", daemon=True)
                self._thread.start()
            self._asked = -1  # ask where the log ends
            if not self._changed.wait_for(lambda: self._asked is None, CATCH_UP_SECONDS_MAX):
                raise UnavailableError("the reference data could not be read in time")
            return [change for change in changes if record_key(change) not in self._keys]

    def close(self) -> None:
        with self._changed:
            self._stopping = True
        if self._thread is not None:
            self._thread.join(_POLL_SECONDS + 5)

    def _run(self) -> None:
        while not self._stopping:
            try:
                reader = self._open_reader()
                try:
                    self._read(reader)
                finally:
                    reader.close()
            except UnavailableError as error:
                log.warning("gateway.reference_away", reason=str(error))
                time.sleep(_RETRY_SECONDS)

    def _read(self, reader: LogReader) -> None:
        reader.subscribe([REFERENCE], lambda partitions: dict.fromkeys(partitions, self._next), lambda partitions: None)
        while not self._stopping:
            records = reader.poll(10_000, _POLL_SECONDS)
            if self._asked == -1:
                end = reader.watermarks(_PARTITION)[1]
                with self._changed:
                    self._asked = end
            with self._changed:
                for record in records:
                    self._next = record.offset + 1
                    if record.key is not None:
                        (self._keys.discard if record.value is None else self._keys.add)(record.key)
                if self._asked is not None and self._next >= self._asked >= 0:
                    self._asked = None
                    self._changed.notify_all()

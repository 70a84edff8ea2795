"""Keeps the horizon: asks the live state, the log and the sink's group how far they are, twice a second, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import TopicPartition
from packtrace.query.horizon import Horizon
from packtrace.telemetry import DEPENDENCY_WAITS, log

INTERVAL_SECONDS = 0.5

STORED_TOPICS = ("history", "alerts", "rejected", "events")
"""What the sink stores of what follows from an event."""


class Watcher:
    """See the module.

    Args:
        reached: log time the live state has reached in every partition; 0 while not known.
        ends: end offsets of the partitions of ``STORED_TOPICS``.
        stored: offsets the sink has confirmed.
    """

    def __init__(
        self,
        reached: Callable[[], int],
        ends: Callable[[], Mapping[TopicPartition, int]],
        stored: Callable[[], Mapping[TopicPartition, int]],
    ) -> None:
        self._reached = reached
        self._ends = ends
        self._stored = stored
        self._horizon = Horizon()
        self._stop = threading.Event()
        self.trouble: str | None = "how far the history is, is not known yet"
        self._thread = threading.Thread(target=self._run, name="horizon", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)

    @property
    def history_reached(self) -> int | None:
        """Log time up to which the history holds everything; None while not known."""
        return self._horizon.reached

    def look(self) -> None:
        """Once: the state first, then the ends, then what is stored of them."""
        reached = self._reached()
        if reached:
            self._horizon.note(reached, self._ends())
        self._horizon.confirm(self._stored())

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
                self.trouble = None
            except UnavailableError as error:
                self.trouble = str(error)
                DEPENDENCY_WAITS.labels("horizon").inc()
            except RefusedError as error:
                self.trouble = str(error)
                log.error("query.horizon_stopped", error=str(error))
                return
            self._stop.wait(INTERVAL_SECONDS)

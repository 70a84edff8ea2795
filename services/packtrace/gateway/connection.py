"""A connection whose request line and headers take too long is closed, so that idle clients cannot use up the gateway.

uvicorn limits the pause between requests but not the time a request's headers may take.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class DeadlineProtocol(H11Protocol):
    """HTTP/1.1 with a deadline from the first byte (of a new connection: from its opening) to the end of the headers."""

    header_timeout_seconds: ClassVar[float] = 10.0
    _header_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self.conn.trailing_data[0] and self._header_deadline is None:
            self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        self._header_deadline = self.loop.call_later(self.header_timeout_seconds, self._close)

    def _stop(self) -> None:
        if self._header_deadline is not None:
            self._header_deadline.cancel()
            self._header_deadline = None

    def _close(self) -> None:
        self._header_deadline = None
        if not self.transport.is_closing():
            self.transport.close()


def with_header_timeout(seconds: float) -> type[DeadlineProtocol]:
    """The protocol class for ``uvicorn.Config(http=...)``."""
    return type("Deadline", (DeadlineProtocol,), {"header_timeout_seconds": seconds})

"""The body of a request: counted while it streams in, within its time, never more of all bodies held than is allowed."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from starlette.requests import ClientDisconnect, Request

from packtrace.gateway.problem import ProblemError

DRAIN_SECONDS = 2.0
"""A client that is refused in mid-body gets this long to finish sending, else it may see a reset instead of the answer."""
CLOSE = {"Connection": "close"}


class BodyLimits(msgspec.Struct, frozen=True):
    """Of one body, but for ``held_bytes_max``, which is of all bodies being received at one time."""

    bytes_max: int = 10 * 1024 * 1024
    timeout_seconds: float = 60.0
    pause_seconds_max: float = 10.0
    """Longest time without a byte."""
    held_bytes_max: int = 256 * 1024 * 1024


class BodyReader:
    """Reads bodies within their limits."""

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._held_bytes = 0

    async def read(self, request: Request) -> bytes:
        """The whole body.

        Raises:
            ProblemError: 413 beyond its limit (at once where Content-Length says so), 408 when it takes too long,
                400 when the client went away, 503 when too many bodies are being received.
        """
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self._limits.bytes_max:
            raise self._too_large(declared)
        chunks: list[bytes] = []
        try:
            await self._collect(request, chunks)
        finally:
            self._held_bytes -= sum(map(len, chunks))
        return b"".join(chunks)

    async def _collect(self, request: Request, chunks: list[bytes]) -> None:
        size = 0
        now = asyncio.get_running_loop().time
        end = now() + self._limits.timeout_seconds
        try:
            async with asyncio.timeout(0) as deadline:
                deadline.reschedule(min(end, now() + self._limits.pause_seconds_max))
                async for chunk in request.stream():
                    deadline.reschedule(min(end, now() + self._limits.pause_seconds_max))
                    size += len(chunk)
                    self._held_bytes += len(chunk)
                    chunks.append(chunk)
                    if size > self._limits.bytes_max:
                        raise self._too_large(f"at least {size}")
                    if self._held_bytes > self._limits.held_bytes_max:
                        raise ProblemError(503, "overloaded", "too many bodies are being received, try again", CLOSE | {"Retry-After": "1"})
        except TimeoutError:
            limits = self._limits
            detail = (
                f"expected the whole body within {limits.timeout_seconds:g} s and a byte at least every "
                f"{limits.pause_seconds_max:g} s, found {size} bytes"
            )
            raise ProblemError(408, "body-too-slow", detail, CLOSE) from None
        except ClientDisconnect:
            raise ProblemError(400, "body-cut-off", f"the connection ended after {size} bytes", CLOSE) from None

    def _too_large(self, found: str) -> ProblemError:
        detail = f"expected at most {self._limits.bytes_max} bytes, found {found}; send the events in several bodies"
        return ProblemError(413, "body-too-large", detail, CLOSE)


async def drain(request: Request) -> None:
    """Throw away what still comes of a refused body, for a short while; nothing where the client waits for our word first."""
    if request.headers.get("expect"):
        return
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while (await request.receive()).get("more_body", False):
                pass

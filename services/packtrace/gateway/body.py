"""The body of a request: counted while it streams in, within its time, never more of all bodies held than is allowed.

A body beyond ``memory_bytes_max`` (only taken where the limit is set so high) is held in a file that has no name.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from starlette.requests import ClientDisconnect, Request

from packtrace.gateway.problem import ProblemError

DRAIN_SECONDS = 2.0
"""A client that is refused in mid-body gets this long to finish sending, else it may see a reset instead of the answer."""
CLOSE = {"Connection": "close"}
GZIP = frozenset({"gzip", "x-gzip"})
PIECE_BYTES = 64 * 1024


class BodyLimits(msgspec.Struct, frozen=True):
    """Of one body, but for ``held_bytes_max``, which is of all bodies being received at one time."""

    bytes_max: int = 10 * 1024 * 1024
    timeout_seconds: float = 60.0
    pause_seconds_max: float = 10.0
    """Longest time without a byte."""
    ratio_max: int = 20
    """Unpacked to packed, of a gzip body; EPCIS of a thousand serials has about 12."""
    held_bytes_max: int = 256 * 1024 * 1024
    memory_bytes_max: int = 10 * 1024 * 1024


class _Unpacking:
    """A gzip body on its way: unpacked piece by piece, given up as soon as it grows more than it may."""

    def __init__(self, ratio_max: int) -> None:
        self._ratio_max = ratio_max
        self._stream = zlib.decompressobj(wbits=31)
        self._taken = self._given = 0

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """What ``packed`` becomes, at most ``PIECE_BYTES`` at a time."""
        self._taken += len(packed)
        while packed:
            if self._stream.eof:
                raise ProblemError(400, "unreadable", "gzip: expected one stream, found more after its end", CLOSE)
            try:
                piece = self._stream.decompress(packed, PIECE_BYTES)
            except zlib.error as error:
                raise ProblemError(400, "unreadable", f"gzip: {error}", CLOSE) from None
            packed = self._stream.unconsumed_tail or self._stream.unused_data
            self._given += len(piece)
            if self._given > self._ratio_max * self._taken + PIECE_BYTES:
                detail = f"gzip: expected a body that unpacks to at most {self._ratio_max} times its size, found more; send it unpacked"
                raise ProblemError(413, "body-too-large", detail, CLOSE)
            if piece:
                yield piece

    def rest(self) -> bytes:
        """The last bytes, few: all that came in has been unpacked.

        Raises:
            ProblemError: the stream has not come to its end.
        """
        last = self._stream.flush()
        if not self._stream.eof:
            raise ProblemError(400, "unreadable", "gzip: the body ends before its stream does", CLOSE)
        return last


class Body:
    """A whole body, in memory or in a file; ``pieces`` may be asked for again and again."""

    def __init__(self, folder: Path | None, memory_bytes_max: int) -> None:
        self._folder = folder
        self._memory_bytes_max = memory_bytes_max
        self._chunks: list[bytes] = []
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def held_bytes(self) -> int:
        """In memory."""
        return 0 if self._file is not None else self.size

    @property
    def in_memory(self) -> bool:
        return self._file is None

    @property
    def capture(self) -> str:
        """Id of the capture: the same document has the same."""
        return self._hash.hexdigest()[:32]

    def take(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self.size += len(chunk)
        if self._file is None and self.size > self._memory_bytes_max:
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 closed by ``close``
            for one in self._chunks:
                self._file.write(one)
            self._chunks.clear()
        if self._file is None:
            self._chunks.append(chunk)
        else:
            self._file.write(chunk)

    def pieces(self) -> Iterator[bytes]:
        """From the beginning; one reader at a time."""
        if self._file is None:
            yield from self._chunks
            return
        self._file.seek(0)
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def whole(self) -> bytes:
        """All of it at once."""
        return b"".join(self.pieces())

    def head(self, size: int) -> bytes:
        """Its first bytes, at least ``size`` where there are as many."""
        out = b""
        for piece in self.pieces():
            out += piece
            if len(out) >= size:
                break
        return out

    def close(self) -> None:
        self._chunks.clear()
        if self._file is not None:
            self._file.close()


class BodyReader:
    """Reads bodies within their limits.

    Args:
        folder: where the files of long bodies are; None: where the system has such files.
    """

    def __init__(self, limits: BodyLimits, folder: Path | None = None) -> None:
        self._limits = limits
        self._folder = folder
        self._held_bytes = 0

    @property
    def bytes_max(self) -> int:
        return self._limits.bytes_max

    async def read(self, request: Request) -> Body:
        """The whole body; the caller closes it.

        Raises:
            ProblemError: 413 beyond its limit (at once where Content-Length says so), 408 when it takes too long,
                400 when the client went away, 503 when too many bodies are being received.
        """
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self._limits.bytes_max:
            raise self._too_large(declared)
        body = Body(self._folder, self._limits.memory_bytes_max)
        encoding = request.headers.get("content-encoding", "").strip().lower()
        try:
            await self._collect(request, body, _Unpacking(self._limits.ratio_max) if encoding in GZIP else None)
        except BaseException:
            self._held_bytes -= body.held_bytes
            body.close()
            raise
        self._held_bytes -= body.held_bytes
        return body

    async def _collect(self, request: Request, body: Body, packed: _Unpacking | None) -> None:
        now = asyncio.get_running_loop().time
        end = now() + self._limits.timeout_seconds
        try:
            async with asyncio.timeout(0) as deadline:
                deadline.reschedule(min(end, now() + self._limits.pause_seconds_max))
                async for piece in request.stream():
                    deadline.reschedule(min(end, now() + self._limits.pause_seconds_max))
                    for chunk in (piece,) if packed is None else packed.pieces(piece):
                        self._take(body, chunk)
            if packed is not None:
                self._take(body, packed.rest())
        except TimeoutError:
            limits = self._limits
            detail = (
                f"expected the whole body within {limits.timeout_seconds:g} s and a byte at least every "
                f"{limits.pause_seconds_max:g} s, found {body.size} bytes"
            )
            raise ProblemError(408, "body-too-slow", detail, CLOSE) from None
        except ClientDisconnect:
            raise ProblemError(400, "body-cut-off", f"the connection ended after {body.size} bytes", CLOSE) from None

    def _take(self, body: Body, chunk: bytes) -> None:
        if body.size + len(chunk) > self._limits.bytes_max:
            raise self._too_large(f"at least {body.size + len(chunk)}")
        before = body.held_bytes
        body.take(chunk)
        self._held_bytes += body.held_bytes - before
        if self._held_bytes > self._limits.held_bytes_max:
            raise ProblemError(503, "overloaded", "too many bodies are being received, try again", CLOSE | {"Retry-After": "1"})

    def _too_large(self, found: str) -> ProblemError:
        detail = (
            f"expected at most {self._limits.bytes_max} bytes, found {found}; send the events in several bodies, "
            "or raise PACKTRACE_GATEWAY_BODY_BYTES (to 300 MiB at most)"
        )
        return ProblemError(413, "body-too-large", detail, CLOSE)


async def drain(request: Request) -> None:
    """Throw away what still comes of a refused body, for a short while; nothing where the client waits for our word first."""
    if request.headers.get("expect"):
        return
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while (await request.receive()).get("more_body", False):
                pass

"""Bodies of the HTTP interface: read within a limit, in whatever coding the client chose, and written in one it takes."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from io import BufferedIOBase
from typing import Any

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BODY_BYTES_MAX = 512 * 1024 * 1024
"""Of a request, compressed and not: a million rows of the widest table are about 200 MB."""
CHUNK_LINE_BYTES_MAX = 64
COMPRESS_BYTES_MIN = 16 * 1024
"""Smaller answers are not worth compressing on loopback."""
_STEP_BYTES = 16 * 1024 * 1024


class BadRequestError(Exception):
    """The request is not one of this interface; one sentence."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def read_body(headers: Message, stream: BufferedIOBase, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The body of a request, decompressed.

    Raises:
        BadRequestError: larger than ``bytes_max``, cut off, or in a coding that is not spoken here.
    """
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        body = b"".join(_within(_chunks(stream), bytes_max))
    else:
        length = headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdigit()):
            raise BadRequestError(400, f"Content-Length: expected digits, found {length[:20]!r}")
        if int(length) > bytes_max:
            raise BadRequestError(413, f"a body of at most {bytes_max} bytes, found {length}")
        body = stream.read(int(length))
        if len(body) < int(length):
            raise BadRequestError(400, f"a body of {length} bytes, found {len(body)}")
    coding = headers.get("Content-Encoding", "")
    if not coding:
        return body
    if coding not in _DECOMPRESS:
        raise BadRequestError(415, f"Content-Encoding {', '.join(_DECOMPRESS)}, found {coding[:20]!r}")
    try:
        return b"".join(_within(_DECOMPRESS[coding](body), bytes_max))
    except (zlib.error, RuntimeError, zstd.ZstdError) as error:
        raise BadRequestError(400, f"a body in {coding}: {error}") from error


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    while True:
        line = stream.readline(CHUNK_LINE_BYTES_MAX).split(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError:
            size = -1
        if not 0 <= size <= BODY_BYTES_MAX:
            raise BadRequestError(400, f"the size of a chunk, found {line[:20]!r}")
        chunk = stream.read(size)
        if len(chunk) < size or stream.readline(CHUNK_LINE_BYTES_MAX).strip():
            raise BadRequestError(400, "a body that ends as it announced")
        if not size:
            return
        yield chunk


def _within(parts: Iterator[bytes], bytes_max: int) -> Iterator[bytes]:
    total = 0
    for part in parts:
        total += len(part)
        if total > bytes_max:
            raise BadRequestError(413, f"a body of at most {bytes_max} bytes")
        yield part


def _members(new: Callable[[], Any], body: bytes) -> Iterator[bytes]:
    """Every frame of ``body``, in steps: a small body may stand for a huge one."""
    while body:
        decompressor = new()
        rest = body
        while not decompressor.eof:
            part = decompressor.decompress(rest, _STEP_BYTES)
            rest = getattr(decompressor, "unconsumed_tail", b"")
            if not part and not decompressor.eof:
                raise BadRequestError(400, "a compressed body that is whole")
            yield part
        body = decompressor.unused_data or b""


# fmt: off
_DECOMPRESS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip":    lambda body: _members(lambda: zlib.decompressobj(31), body),
    "deflate": lambda body: _members(zlib.decompressobj, body),
    "lz4":     lambda body: _members(lz4.frame.LZ4FrameDecompressor, body),
    "zstd":    lambda body: _members(zstd.ZstdDecompressor, body),
}
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstd.compress(body, 1),
    "lz4":  lz4.frame.compress,
    "gzip": lambda body: gzip.compress(body, 1),
}
# fmt: on


def compressed(body: bytes, accepted: str) -> tuple[bytes, str]:
    """``body`` in the first coding of ours that ``Accept-Encoding`` names, and that coding; as it is where none fits or it is small."""
    if len(body) >= COMPRESS_BYTES_MIN:
        words = {word.partition(";")[0].strip() for word in accepted.split(",")}
        for coding, compress in _COMPRESS.items():
            if coding in words:
                return compress(body), coding
    return body, ""


def form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form: how the client sends a statement whose parameters are too long for an address."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            try:
                fields[name] = payload.decode()
            except UnicodeDecodeError as error:
                raise BadRequestError(400, f"field {name[:40]!r} of the form in UTF-8: {error}") from error
    return fields

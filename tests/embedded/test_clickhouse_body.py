"""Bodies of the local ClickHouse: every coding comes back as it went, a limit is a limit however small the body looks."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable
from email.message import Message

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.embedded.clickhouse_body import BadRequestError, compressed, form, read_body

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# fmt: off
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip":    gzip.compress,
    "deflate": zlib.compress,
    "lz4":     lz4.frame.compress,
    "zstd":    zstd.compress,
}
# fmt: on


def headers(**words: str) -> Message:
    message = Message()
    for name, value in words.items():
        message[name.replace("_", "-")] = value
    return message


def read(body: bytes, bytes_max: int = 1_000_000, **words: str) -> bytes:
    return read_body(headers(Content_Length=str(len(body)), **words), io.BytesIO(body), bytes_max)


def chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*filter(None, parts), b""])


@given(st.sampled_from(sorted(CODINGS)), st.lists(st.binary(max_size=300), max_size=5))
def test_what_was_compressed_in_pieces_comes_back_whole(coding: str, parts: list[bytes]) -> None:
    body = b"".join(CODINGS[coding](part) for part in parts)
    assert read(body, Content_Encoding=coding) == b"".join(parts)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_chunks_come_back_whole(parts: list[bytes]) -> None:
    assert read_body(headers(Transfer_Encoding="chunked"), io.BytesIO(chunked(parts))) == b"".join(parts)


@given(st.sampled_from(sorted(CODINGS)), st.binary(min_size=1, max_size=300), st.data())
def test_a_compressed_body_that_is_cut_off_is_refused(coding: str, body: bytes, data: st.DataObject) -> None:
    whole = CODINGS[coding](body)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(BadRequestError):
        read(whole[:cut], Content_Encoding=coding)


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not(coding: str) -> None:
    size = 40 * 1024 * 1024
    body = CODINGS[coding](bytes(size))
    assert len(body) < size // 100
    assert len(read(body, size, Content_Encoding=coding)) == size
    with pytest.raises(BadRequestError, match="at most") as refused:
        read(body, size - 1, Content_Encoding=coding)
    assert refused.value.status == 413


def test_the_limit_holds_for_plain_and_chunked_bodies() -> None:
    assert read(b"12345", 5) == b"12345"
    with pytest.raises(BadRequestError, match="at most 4 bytes, found 5"):
        read(b"12345", 4)
    with pytest.raises(BadRequestError, match="at most 4 bytes"):
        read_body(headers(Transfer_Encoding="chunked"), io.BytesIO(chunked([b"123", b"45"])), 4)


@pytest.mark.parametrize("body", [b"", b"5\r\n123", b"5\r\n12345", b"5\r\n1234567\r\n", b"-1\r\n", b"fffffffffffff\r\n", b"3\r\n123\r\n"])
def test_chunks_that_are_none_are_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_body(headers(Transfer_Encoding="chunked"), io.BytesIO(body))


def test_a_body_shorter_than_announced_is_refused() -> None:
    with pytest.raises(BadRequestError, match="a body of 6 bytes, found 5"):
        read_body(headers(Content_Length="6"), io.BytesIO(b"12345"))


def test_small_answers_stay_as_they_are_and_large_ones_take_the_first_coding_both_speak() -> None:
    large = b"x" * 100_000
    assert compressed(b"small", "gzip") == (b"small", "")
    assert compressed(large, "br, identity") == (large, "")
    body, coding = compressed(large, "gzip;q=0.8, lz4")
    assert (lz4.frame.decompress(body), coding) == (large, "lz4")


def test_a_form_is_read_field_by_field() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n--b\r\nContent-Disposition: form-data; name="param_x"\r\n\r\n\xc3\xa4\r\n--b--\r\n'
    assert form("multipart/form-data; boundary=b", body) == {"query": "SELECT 1", "param_x": "ä"}
    with pytest.raises(BadRequestError, match="UTF-8"):
        form("multipart/form-data; boundary=b", body.replace(b"\xc3\xa4", b"\xff"))

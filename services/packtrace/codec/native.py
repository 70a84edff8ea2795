"""ClickHouse Native blocks: bodies of columns, and a block of them.

A block is: number of columns and of rows (LEB128), then per column its name and type (length-prefixed text) and its body.
A body of numbers is a little-endian array, of text each value with its length before it (LEB128), of arrays the running
total of lengths (UInt64) and then the values in one body. So blocks are joined from bodies without touching a row.

Source: ClickHouse documentation, "Native" format.
"""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

# fmt: off
NUMBERS: Final[dict[str, str]] = {
    #type       struct code
    "UInt8":    "B",
    "UInt16":   "H",
    "UInt32":   "I",
    "UInt64":   "Q",
    "Int8":     "b",
    "Int16":    "h",
    "Int32":    "i",
    "Int64":    "q",
}
# fmt: on
"""Types stored as fixed-width numbers, with DateTime64 an Int64 in its own unit."""

_SHORT: Final = tuple(bytes((length,)) for length in range(128))
_SAMPLE: Final = 64
"""The first values of a column tell whether they repeat; of the short ones it does not matter."""
_DATETIME64 = re.compile(r"DateTime64\([0-9](, *'[A-Za-z/_]+')?\)")
_LOW_CARDINALITY = re.compile(r"LowCardinality\((.+)\)")
_ARRAY = re.compile(r"Array\((.+)\)")


def varint(number: int) -> bytes:
    """``number`` from 0 as LEB128."""
    if number < 128:
        return _SHORT[number]
    out = bytearray()
    while number >= 128:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_LENGTHS_KNOWN: Final = 2048
_LENGTHS: Final = tuple(varint(length) for length in range(_LENGTHS_KNOWN))
_PREFIXES: Final = tuple(length.decode("latin-1") for length in _LENGTHS)


def number_code(type_: str) -> str | None:
    """The struct code of a fixed-width type; None of any other."""
    return "q" if _DATETIME64.fullmatch(type_) else NUMBERS.get(type_)


def sent_type(type_: str) -> str:
    """The type a column travels as: the server interns LowCardinality itself."""
    return _LOW_CARDINALITY.sub(r"\1", type_)


def text(value: str | bytes) -> bytes:
    """The body of a text column of one row."""
    data = value.encode() if isinstance(value, str) else value
    return (_LENGTHS[len(data)] if len(data) < _LENGTHS_KNOWN else varint(len(data))) + data


def number_encoder(code: str) -> Callable[[int], bytes]:
    """Of the body of one row, for a struct code."""
    return struct.Struct(f"<{code}").pack


def texts(values: Iterable[str | bytes]) -> bytes:
    """The body of a text column. Words that come again and again are encoded once."""
    rows = list(values)
    if len(set(rows[:_SAMPLE])) < _SAMPLE // 4:
        encoded = {value: text(value) for value in set(rows)}
        return b"".join(map(encoded.__getitem__, rows))
    data = [value.encode() if isinstance(value, str) else value for value in rows]
    return b"".join([_LENGTHS[len(one)] + one if len(one) < _LENGTHS_KNOWN else text(one) for one in data])


def strings(values: Sequence[str]) -> bytes:
    """``texts`` of ``str`` alone, whole columns at a time: a fifth of the cost where they are ASCII."""
    if not "".join(values).isascii():
        return texts(values)
    lengths = set(map(len, values))
    longest = max(lengths, default=0)
    if longest >= _LENGTHS_KNOWN:
        return texts(values)
    if len(lengths) == 1 and longest < 128:
        length = chr(longest)
        return (length + length.join(values)).encode("ascii")
    parts = [""] * (2 * len(values))
    parts[::2] = map(_PREFIXES.__getitem__, map(len, values))
    parts[1::2] = values
    return "".join(parts).encode("latin-1")


def blobs(values: Sequence[bytes]) -> bytes:
    """``texts`` of ``bytes`` alone, whole columns at a time."""
    lengths = set(map(len, values))
    if len(lengths) == 1:
        length = varint(*lengths)
        return length + length.join(values)
    if max(lengths, default=0) >= _LENGTHS_KNOWN:
        return texts(values)
    parts = [b""] * (2 * len(values))
    parts[::2] = map(_LENGTHS.__getitem__, map(len, values))
    parts[1::2] = values
    return b"".join(parts)


def numbers(type_: str, values: Sequence[int]) -> bytes:
    """The body of a column of numbers."""
    return struct.pack(f"<{len(values)}{number_code(type_)}", *values)


def body(type_: str, values: Sequence[object]) -> bytes:
    """The body of a column of any type we use; the plain way, one value at a time."""
    inner = _ARRAY.fullmatch(type_)
    if inner is not None:
        lists = [list(value) for value in values if isinstance(value, (list, tuple))]
        ends: list[int] = []
        for one in lists:
            ends.append((ends[-1] if ends else 0) + len(one))
        return numbers("UInt64", ends) + body(inner[1], [value for one in lists for value in one])
    if number_code(type_) is not None:
        return numbers(type_, [int(value) for value in values if isinstance(value, int)])
    return texts(value for value in values if isinstance(value, (str, bytes)))


def block(columns: Sequence[tuple[str, str]], rows: int, bodies: Iterable[bytes]) -> bytes:
    """A whole block; ``columns`` are (name, type)."""
    parts = [varint(len(columns)), varint(rows)]
    for (name, type_), data in zip(columns, bodies, strict=True):
        parts += (texts((name, sent_type(type_))), data)
    return b"".join(parts)


def joined(type_: str, bodies: Sequence[bytes], rows: Sequence[int]) -> bytes:
    """One body of several; ``rows`` are theirs. Only arrays need a look inside: they begin with running totals."""
    if _ARRAY.fullmatch(type_) is None:
        return b"".join(bodies)
    ends: list[int] = []
    values: list[bytes] = []
    for data, count in zip(bodies, rows, strict=True):
        before = ends[-1] if ends else 0
        ends += [before + end for end in struct.unpack_from(f"<{count}Q", data)]
        values.append(data[8 * count :])
    return numbers("UInt64", ends) + b"".join(values)


def text_end(data: bytes, rows: int, start: int = 0) -> int:
    """Where the first ``rows`` values of a text body end."""
    for _ in range(rows):
        length, start = _varint(data, start)
        start += length
    return start


def read(native: bytes) -> tuple[list[tuple[str, str]], list[tuple[object, ...]]]:
    """(columns, rows) of a block; text as bytes. The plain reader, for tests and the in-memory store.

    Raises:
        ValueError: bytes are missing or left over.
    """
    count, at = _varint(native, 0)
    rows, at = _varint(native, at)
    names: list[tuple[str, str]] = []
    cells: list[Sequence[object]] = []
    for _ in range(count):
        name, at = _text(native, at)
        type_, at = _text(native, at)
        values, at = _values(native, at, type_.decode(), rows)
        names.append((name.decode(), type_.decode()))
        cells.append(values)
    if at != len(native):
        raise ValueError(f"native block: expected {at} bytes, found {len(native)}")
    return names, list(zip(*cells, strict=True))


def _values(data: bytes, at: int, type_: str, rows: int) -> tuple[Sequence[object], int]:
    inner = _ARRAY.fullmatch(type_)
    if inner is not None:
        ends, at = _numbers(data, at, "UInt64", rows)
        flat, at = _values(data, at, inner[1], ends[-1] if ends else 0)
        return [tuple(flat[start:end]) for start, end in zip([0, *ends], ends, strict=False)], at
    if number_code(type_) is not None:
        return _numbers(data, at, type_, rows)
    out = []
    for _ in range(rows):
        value, at = _text(data, at)
        out.append(value)
    return out, at


def _numbers(data: bytes, at: int, type_: str, rows: int) -> tuple[list[int], int]:
    code = number_code(type_)
    end = at + struct.calcsize(f"<{rows}{code}")
    if end > len(data):
        raise ValueError(f"native block: expected {end} bytes, found {len(data)}")
    return list(struct.unpack(f"<{rows}{code}", data[at:end])), end


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = _varint(data, at)
    if at + length > len(data):
        raise ValueError(f"native block: expected {at + length} bytes, found {len(data)}")
    return data[at : at + length], at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data):
            raise ValueError(f"native block: expected more than {len(data)} bytes")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 128:
            return number, at
        shift += 7


def split_texts(data: bytes) -> Iterator[bytes]:
    """The values of a text body."""
    at = 0
    while at < len(data):
        value, at = _text(data, at)
        yield value


def little_endian(code: str, data: bytes) -> array[int]:
    """A body of numbers as an array of ``code`` (struct letter)."""
    out: array[int] = array(code)
    out.frombytes(data)
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        out.byteswap()
    return out

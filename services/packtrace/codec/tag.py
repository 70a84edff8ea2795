"""The EPC memory of RFID tags: hexadecimal digits <-> items and places. What a scheme cannot represent is refused, never changed.

Two families. The older schemes (SGTIN-96/198, SSCC-96, SGLN-96/195) cut the number at the company prefix, whose length the
writer must know. The "plus" schemes of TDS 2.0 hold the digits as they are, and the serial in the shortest of six encodings.

Source: GS1 EPC Tag Data Standard 2.0, 14.5 and 14.6 (tables by scheme), 14.5.6 (encoding indicators).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from packtrace.codec.epc_urn import PREFIX_DIGITS
from packtrace.codec.percent import URN, encoded
from packtrace.domain.identifiers import check_digit, extension_of, gln_key, gtin_of, is_sscc, premises, serial_of, sgtin_key, sscc_key
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError


class Scheme(StrEnum):
    SGTIN_96 = "sgtin-96"
    SGTIN_198 = "sgtin-198"
    SSCC_96 = "sscc-96"
    SGLN_96 = "sgln-96"
    SGLN_195 = "sgln-195"
    SGTIN_PLUS = "sgtin+"
    DSGTIN_PLUS = "dsgtin+"
    SSCC_PLUS = "sscc+"
    SGLN_PLUS = "sgln+"


class Tag(msgspec.Struct, frozen=True):
    """What a tag says.

    Args:
        key: of an item, or of a place in the SGLN schemes.
        filter: what is tagged (point of sale, case, ...); 0 to 7.
        prefix_length: digits of the company prefix; 0 in the plus schemes.
        expiry: YYYYMMDD, of DSGTIN+; 0 where there is none.
        more: the tag says that other data follow, which are not read here.
    """

    scheme: Scheme
    key: str
    filter: int = 0
    prefix_length: int = 0
    expiry: int = 0
    more: bool = False

    @property
    def is_place(self) -> bool:
        return self.scheme in PLACES


PLACES: Final = frozenset({Scheme.SGLN_96, Scheme.SGLN_195, Scheme.SGLN_PLUS})
WORD_BITS: Final = 16
"""Tag memory is written in words of this."""


class _Cut(NamedTuple):
    """A scheme with company prefix: digits and bits of what follows the prefix, for prefixes of 12 to 6 digits."""

    header: int
    rest_digits: tuple[int, ...]
    rest_bits: tuple[int, ...]
    serial_bits: int
    text: bool = False
    """The serial is text of 7 bits a character; else a number."""


# fmt: off
_PREFIX_BITS: Final = (40, 37, 34, 30, 27, 24, 20)
_SGTIN = ((1, 2, 3, 4, 5, 6, 7),      (4, 7, 10, 14, 17, 20, 24))
_SSCC  = ((5, 6, 7, 8, 9, 10, 11),    (18, 21, 24, 28, 31, 34, 38))
_SGLN  = ((0, 1, 2, 3, 4, 5, 6),      (1, 4, 7, 11, 14, 17, 21))
_CUT: Final = {
    #                       header  digits and bits of the rest  bits of the serial
    Scheme.SGTIN_96:  _Cut(0x30,   *_SGTIN,                     38),
    Scheme.SGTIN_198: _Cut(0x36,   *_SGTIN,                     140,  text=True),
    Scheme.SSCC_96:   _Cut(0x31,   *_SSCC,                      24),
    Scheme.SGLN_96:   _Cut(0x32,   *_SGLN,                      41),
    Scheme.SGLN_195:  _Cut(0x39,   *_SGLN,                      140,  text=True),
}
_PLUS: Final = {Scheme.SGTIN_PLUS: 0xF7, Scheme.DSGTIN_PLUS: 0xFB, Scheme.SSCC_PLUS: 0xF9, Scheme.SGLN_PLUS: 0xF2}
# fmt: on
_HEADERS: Final = {cut.header: scheme for scheme, cut in _CUT.items()} | {header: scheme for scheme, header in _PLUS.items()}
_HEX = re.compile(r"[0-9A-Fa-f]{4,128}")
_EXPIRY: Final = 4
"""Kind of date in DSGTIN+: AI (17)."""
_FILE_SAFE: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_CODE_40: Final = "\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
_LENGTH_MAX: Final = 20


def _refused(expected: str, found: str) -> RejectedError:
    return RejectedError(Reject.BAD_IDENTIFIER, expected=expected, found=found)


class _Bits:
    """Reads from the first bit on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._value = int(text, 16)
        self.left = 4 * len(text)

    def take(self, count: int) -> int:
        if count > self.left:
            raise _refused("a longer tag", self._text)
        self.left -= count
        return self._value >> self.left & (1 << count) - 1

    def digits(self, count: int) -> str:
        """``count`` digits of 4 bits."""
        out = f"{self.take(4 * count):0{count}X}"
        if not out.isdigit():
            raise _refused("digits", self._text)
        return out

    def end(self) -> None:
        if self.take(self.left) != 0:
            raise _refused("zeros after the end of the identifier", self._text)


def is_tag(text: str) -> bool:
    """Whether ``text`` looks like the EPC memory of a tag: hexadecimal digits that begin with a header we know."""
    return len(text) >= 20 and len(text) % 4 == 0 and bool(_HEX.fullmatch(text)) and int(text[:2], 16) in _HEADERS


def read_tag(text: str) -> Tag:
    """What the EPC memory of a tag says.

    >>> read_tag("3074257BF7194E4000001A85").key
    '0180614141123458216789'

    Raises:
        RejectedError: bad-identifier: an unknown scheme, a number that its field cannot have, bits after the end.
    """
    if not _HEX.fullmatch(text):
        raise _refused("the EPC memory of a tag in hexadecimal digits", text)
    scheme = _HEADERS.get(int(text[:2], 16))
    if scheme is None:
        raise _refused(f"a tag of {', '.join(Scheme)}", text)
    bits = _Bits(text)
    bits.take(8)
    return _read_cut(bits, scheme, text) if scheme in _CUT else _read_plus(bits, scheme, text)


def _read_cut(bits: _Bits, scheme: Scheme, text: str) -> Tag:
    cut = _CUT[scheme]
    filter, partition = bits.take(3), bits.take(3)
    if partition > 6:
        raise _refused("a partition from 0 to 6", text)
    prefix_length, rest_length = 12 - partition, cut.rest_digits[partition]
    prefix, rest = bits.take(_PREFIX_BITS[partition]), bits.take(cut.rest_bits[partition])
    if prefix >= 10**prefix_length or rest >= 10**rest_length:
        raise _refused(f"a company prefix of {prefix_length} digits and {rest_length} digits after it", text)
    digits, other = f"{prefix:0{prefix_length}d}", f"{rest:0{rest_length}d}" if rest_length else ""
    if scheme is Scheme.SSCC_96:
        if bits.take(cut.serial_bits):
            raise _refused("zeros after the end of the identifier", text)
        serial = ""
    else:
        serial = _read_text(bits, cut.serial_bits, text) if cut.text else str(bits.take(cut.serial_bits))
    bits.end()
    if scheme in PLACES:
        return Tag(scheme, gln_key(digits + other + check_digit(digits + other), serial), filter, prefix_length)
    number = other[0] + digits + other[1:]
    number += check_digit(number)
    return Tag(scheme, sscc_key(number) if scheme is Scheme.SSCC_96 else sgtin_key(number, serial), filter, prefix_length)


def _read_text(bits: _Bits, count: int, text: str) -> str:
    codes = [bits.take(7) for _ in range(count // 7)]
    while codes and codes[-1] == 0:
        codes.pop()
    if not codes or 0 in codes:
        raise _refused("a serial of 1 to 20 characters, then zeros", text)
    return "".join(map(chr, codes))


def _read_plus(bits: _Bits, scheme: Scheme, text: str) -> Tag:
    more, filter = bool(bits.take(1)), bits.take(3)
    expiry = 0
    if scheme is Scheme.DSGTIN_PLUS:
        kind, year, month, day = bits.take(4), bits.take(7), bits.take(4), bits.take(5)
        if year > 99 or not 1 <= month <= 12 or day > 31:
            raise _refused("a date", text)
        expiry = (2000 + year) * 10_000 + month * 100 + day if kind == _EXPIRY else 0
    if scheme is Scheme.SSCC_PLUS:
        key = sscc_key(bits.digits(18))
    elif scheme is Scheme.SGLN_PLUS:
        digits = bits.digits(13)
        key = gln_key(digits, _read_serial(bits, text))
    else:
        digits = bits.digits(14)
        key = sgtin_key(digits, _read_serial(bits, text))
    if not more:
        bits.end()
    return Tag(scheme, key, filter, 0, expiry, more)


def _read_serial(bits: _Bits, text: str) -> str:
    kind, length = bits.take(3), bits.take(5)
    if not 1 <= length <= _LENGTH_MAX:
        raise _refused("a serial of 1 to 20 characters", text)
    if kind == 0:
        number = bits.take(_integer_bits(length))
        if number >= 10**length:
            raise _refused(f"a number of {length} digits", text)
        return f"{number:0{length}d}"
    if kind in (1, 2):
        out = f"{bits.take(4 * length):0{length}X}"
        return out if kind == 1 else out.lower()
    if kind == 3:
        return "".join(_FILE_SAFE[bits.take(6)] for _ in range(length))
    if kind == 4:
        return "".join(chr(bits.take(7)) for _ in range(length))
    if kind == 5:
        return _read_code_40(bits, length, text)
    raise _refused("an encoding indicator from 0 to 5", text)


def _read_code_40(bits: _Bits, length: int, text: str) -> str:
    out = ""
    for _ in range(-(-length // 3)):
        value = bits.take(16) - 1
        if not 0 <= value < 64_000:
            raise _refused("three characters of URN Code 40", text)
        out += _CODE_40[value // 1600] + _CODE_40[value // 40 % 40] + _CODE_40[value % 40]
    if out[length:].strip("\0") or "\0" in out[:length]:
        raise _refused(f"{length} characters of URN Code 40", text)
    return out[:length]


def _integer_bits(length: int) -> int:
    return int(10**length - 1).bit_length()


def write_tag(key: str, scheme: Scheme, *, filter: int = 0, prefix_length: int = 0, expiry: int = 0) -> str:
    """The EPC memory of a tag, in hexadecimal digits, filled up to a whole word.

    Args:
        key: of an item; of a place in the SGLN schemes.
        prefix_length: digits of the company prefix, 6 to 12; only the plus schemes need none.
        expiry: YYYYMMDD, of DSGTIN+.

    Raises:
        RejectedError: bad-identifier: the scheme cannot represent it.
    """
    if not 0 <= filter <= 7:
        raise _refused("a filter from 0 to 7", str(filter))
    if (scheme in PLACES) is not (len(key) == 13 or key[13:14] == "/"):
        raise _refused(f"a {'place' if scheme in PLACES else 'item'} for {scheme}", key)
    if scheme not in PLACES and is_sscc(key) is not (scheme in (Scheme.SSCC_96, Scheme.SSCC_PLUS)):
        raise _refused(f"another identifier for {scheme}", key)
    parts = _cut_parts(key, scheme, filter, prefix_length) if scheme in _CUT else _plus_parts(key, scheme, filter, expiry)
    value = size = 0
    for number, count in parts:
        value, size = value << count | number, size + count
    filled = -size % WORD_BITS
    return f"{value << filled:0{(size + filled) // 4}X}"


def _cut_parts(key: str, scheme: Scheme, filter: int, prefix_length: int) -> list[tuple[int, int]]:
    if prefix_length not in PREFIX_DIGITS:
        raise _refused("the length of the company prefix, 6 to 12", str(prefix_length))
    cut, partition = _CUT[scheme], 12 - prefix_length
    if scheme in PLACES:
        digits, serial = premises(key)[:12], extension_of(key) or "0"
    elif scheme is Scheme.SSCC_96:
        number = serial_of(key)
        digits, serial = number[1 : 1 + prefix_length] + number[0] + number[1 + prefix_length : -1], ""
    else:
        number = gtin_of(key)
        digits, serial = number[1 : 1 + prefix_length] + number[0] + number[1 + prefix_length : -1], serial_of(key)
    prefix, rest = digits[:prefix_length], digits[prefix_length:]
    parts = [(cut.header, 8), (filter, 3), (partition, 3)]
    parts += [(int(prefix), _PREFIX_BITS[partition]), (int(rest or "0"), cut.rest_bits[partition])]
    if scheme is Scheme.SSCC_96:
        return [*parts, (0, cut.serial_bits)]
    if cut.text:
        codes = [ord(character) for character in serial]
        return [*parts, *((code, 7) for code in codes + [0] * (cut.serial_bits // 7 - len(codes)))]
    if not (serial.isascii() and serial.isdigit()) or (serial[0] == "0" and serial != "0") or int(serial) >= 1 << cut.serial_bits:
        raise _refused(f"for {scheme} a number below {1 << cut.serial_bits} without leading zeros", serial)
    return [*parts, (int(serial), cut.serial_bits)]


def _plus_parts(key: str, scheme: Scheme, filter: int, expiry: int) -> list[tuple[int, int]]:
    parts = [(_PLUS[scheme], 8), (0, 1), (filter, 3)]
    if scheme is Scheme.DSGTIN_PLUS:
        year, month, day = expiry // 10_000, expiry // 100 % 100, expiry % 100
        if not 2000 <= year <= 2099:
            raise _refused("an expiry date between 2000 and 2099", str(expiry))
        parts += [(_EXPIRY, 4), (year - 2000, 7), (month, 4), (day, 5)]
    elif expiry:
        raise _refused(f"no expiry date in {scheme}", str(expiry))
    if scheme is Scheme.SSCC_PLUS:
        return parts + [(int(digit), 4) for digit in serial_of(key)]
    place = scheme in PLACES
    digits, serial = (premises(key), extension_of(key) or "0") if place else (gtin_of(key), serial_of(key))
    return parts + [(int(digit), 4) for digit in digits] + _serial_parts(serial)


def _serial_parts(serial: str) -> list[tuple[int, int]]:
    """The shortest of the encodings that can represent it; of two equally short the first."""
    options: list[list[tuple[int, int]]] = []
    if serial.isascii() and serial.isdigit():
        options.append([(0, 3), (len(serial), 5), (int(serial), _integer_bits(len(serial)))])
    for kind, alphabet in ((1, "0123456789ABCDEF"), (2, "0123456789abcdef")):
        if set(serial) <= set(alphabet):
            options.append([(kind, 3), (len(serial), 5), *((alphabet.index(one), 4) for one in serial)])
    if set(serial) <= set(_FILE_SAFE):
        options.append([(3, 3), (len(serial), 5), *((_FILE_SAFE.index(one), 6) for one in serial)])
    options.append([(4, 3), (len(serial), 5), *((ord(one), 7) for one in serial)])
    if set(serial) <= set(_CODE_40[1:]):
        filled = serial + "\0" * (-len(serial) % 3)
        values = [[_CODE_40.index(one) for one in filled[at : at + 3]] for at in range(0, len(filled), 3)]
        options.append([(5, 3), (len(serial), 5), *((1600 * a + 40 * b + c + 1, 16) for a, b, c in values)])
    return min(options, key=lambda parts: sum(count for _, count in parts))


def tag_uri(tag: Tag) -> str:
    """``urn:epc:tag:...`` of a tag with a company prefix; empty for the plus schemes, which have none."""
    if tag.scheme not in _CUT:
        return ""
    length = tag.prefix_length
    if tag.is_place:
        digits = premises(tag.key)
        rest = f"{digits[:length]}.{digits[length:12]}.{encoded(extension_of(tag.key) or '0', URN)}"
    else:
        number = serial_of(tag.key) if is_sscc(tag.key) else gtin_of(tag.key)
        rest = f"{number[1 : 1 + length]}.{number[0]}{number[1 + length : -1]}"
        rest += "" if is_sscc(tag.key) else f".{encoded(serial_of(tag.key), URN)}"
    return f"urn:epc:tag:{tag.scheme}:{tag.filter}.{rest}"

"""An item key in few bytes, for the names of entries and for packed state: GTIN in 6 bytes, SSCC in 8."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=65_536)
def pack_key(key: str) -> bytes:
    """``01`` GTIN ``21`` serial, or ``00`` SSCC; the empty key is empty.

    >>> unpack_key(pack_key("010950600013435221A1B2C3"))
    '010950600013435221A1B2C3'
    """
    if not key:
        return b""
    if key[:2] == "00":
        return b"\x00" + int(key[2:]).to_bytes(8, "big")
    return b"\x01" + pack_gtin(key[2:16]) + key[18:].encode()


def pack_short(key: str) -> bytes:
    """``pack_key`` with its length before it, of keys that come once: nothing is remembered but the GTIN."""
    if key[:2] != "01":
        return b"\x09" + pack_key(key)
    serial = key[18:].encode()
    return bytes((7 + len(serial), 1)) + pack_gtin(key[2:16]) + serial


@lru_cache(maxsize=4_096)
def pack_gtin(gtin: str) -> bytes:
    """14 digits in 6 bytes."""
    return int(gtin).to_bytes(6, "big")


def unpack_key(packed: bytes) -> str:
    """The inverse of ``pack_key``."""
    if not packed:
        return ""
    if packed[0] == 0:
        return f"00{int.from_bytes(packed[1:], 'big'):018d}"
    return f"01{int.from_bytes(packed[1:7], 'big'):014d}21{packed[7:].decode()}"

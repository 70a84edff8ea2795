"""What an item remembers of the alerts it told of: an entry of its content record named ``content.MEMORY``.

It follows from the order of arrival (an alert that was raised and withdrawn leaves a version), so it is no part of the packed
state and does not count for the digest.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from packtrace.domain.alert import AlertState

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[AlertState])


def pack_memory(alerts: Iterable[AlertState]) -> bytes | None:
    """The entry; None where nothing was ever told."""
    known = sorted(alerts, key=lambda one: one.id)
    return _encoder.encode(known) if known else None


def unpack_memory(entry: bytes | None) -> dict[str, AlertState]:
    """The inverse of ``pack_memory``."""
    return {one.id: one for one in _decoder.decode(entry)} if entry else {}

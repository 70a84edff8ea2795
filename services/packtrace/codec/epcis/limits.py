"""How much of anything is read. Each bound has its reason; the first two have a setting."""

from __future__ import annotations

from typing import Final

import msgspec

from packtrace.codec.event_shape import EPCS_MAX

XML_DEPTH_MAX: Final = 64
TOKEN_BYTES_MAX: Final = 1024 * 1024
"""One tag with its attributes, one comment, one text between quotes: a parser must hold all of it at once."""
HEADER_BYTES_MAX: Final = 16 * 1024 * 1024
"""Everything around the events, master data included."""
VALUES_MAX: Final = 500_000
"""Commas in the JSON of one event, or of everything around the events: a number of one digit is 60 bytes of memory."""
NAME_CHARACTERS_MAX: Final = 1_024
EXTENSION_NODES_MAX: Final = 10_000
"""Fields of one event outside its lists of EPCs."""
CHUNK_BYTES: Final = 64 * 1024


class Limits(msgspec.Struct, frozen=True):
    """Of one document."""

    events_max: int = 10_000
    epcs_max: int = EPCS_MAX
    event_bytes_max: int = 32 * 1024 * 1024
    """100,000 EPCs of 256 characters, and their marks."""

"""One row of a table: its values, each encoded as a column body of one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from packtrace.codec import native

Columns = tuple[tuple[str, str], ...]
"""(name, ClickHouse type)."""


def encoder(columns: Columns) -> Callable[[Sequence[object]], list[bytes]]:
    """Values of a row, in the order of ``columns`` -> bodies."""
    cells: list[Callable[[Any], bytes]] = [_cell(type_) for _, type_ in columns]

    def encode(values: Sequence[object]) -> list[bytes]:
        return [cell(value) for cell, value in zip(cells, values, strict=True)]

    return encode


def _cell(type_: str) -> Callable[[Any], bytes]:
    code = native.number_code(type_)
    if code is not None:
        return native.number_encoder(code)
    return native.text if native.sent_type(type_) == "String" else (lambda value: native.body(type_, [value]))

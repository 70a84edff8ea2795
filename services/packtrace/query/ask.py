"""How the history is asked: one function, and lists in pieces that one question can carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

Query = Callable[[str, Mapping[str, object]], list[tuple[Any, ...]]]
"""``HistoryStore.query``."""

KEYS_PER_QUERY = 500
"""Bound values travel in the address of the request; 500 keys are about 20 kB of it."""

_T = TypeVar("_T")


def chunks(keys: Sequence[_T], size: int = KEYS_PER_QUERY) -> Iterator[list[_T]]:
    """``keys`` in pieces that one query can carry."""
    for start in range(0, len(keys), size):
        yield list(keys[start : start + size])

"""The documents say what the tables say."""

from __future__ import annotations

import pytest

from tests.house.documents import DOCUMENTS, ROOT, drawn


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_is_as_drawn(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == drawn(path), "the tables changed: make docs"

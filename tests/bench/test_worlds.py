"""A small labelled world in three orders; ``make worlds`` runs the large ones."""

from __future__ import annotations

import pytest

from tests.bench import worlds

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


def test_three_orders_end_in_the_same_state_and_the_same_alerts() -> None:
    assert worlds.run([1], 1_000, "high") == []

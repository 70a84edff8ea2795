"""The stages do what they are measured for, and batches of other sizes end in the same state; the figures are printed."""

from __future__ import annotations

import sys

import msgspec
import pytest

from packtrace.bench.load import stream_named
from tests.bench.stages import measured

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", ["S1", "S2", "S3"])
def test_every_op_has_its_row_and_the_digest_does_not_depend_on_the_batches(name: str) -> None:
    large, small = (measured(stream_named(name, 20_000), router, tracker, None) for router, tracker in ((4_000, 64), (300, 3)))
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(large), indent=1).decode() + "\n")
    assert large["wrong"] == small["wrong"] == []
    assert large["digest"] == small["digest"]

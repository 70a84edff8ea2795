"""One stack for the session's pipeline tests; a test that stops or kills parts starts its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pipeline.system import ROOT, System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A stack with the example reference data loaded."""
    started = System(tmp_path_factory.mktemp("home"))
    try:
        started.up()
        started.run("reference", "load", str(ROOT / "schemas/examples/reference.json"))
        yield started
    finally:
        started.down()

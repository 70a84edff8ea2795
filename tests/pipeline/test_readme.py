"""The questions of the README's tour, typed as they stand there, on a running system."""

from __future__ import annotations

from typing import Final

import pytest

from tests.pipeline.system import ROOT, System
from tests.readme import typed

pytestmark = pytest.mark.pipeline

ASKING: Final = ("show", "history", "explain", "alerts", "tree", "verify", "recall")
"""The commands of the tour that only ask."""
EXIT: Final = {"verify": 1}
"""The pack it verifies is the one that was printed twice: the answer is no."""


@pytest.fixture(scope="module")
def told(system: System) -> System:
    system.run("publish", str(ROOT / "schemas/examples/story.jsonl"))
    system.wait()
    return system


def questions() -> list[list[str]]:
    """Of the story; what is asked of another file comes after it has been captured."""
    return [
        words for words in typed() if words[0] in ASKING and "--follow" not in words and "urn:epc:id:sscc:9506000.0000000777" not in words
    ]


def test_every_question_of_the_tour_has_an_answer(told: System) -> None:
    said = {" ".join(words): told.run(*words, code=EXIT.get(words[0], 0)).stdout for words in questions()}
    (shown,) = [text for words, text in said.items() if words.startswith("alerts show")]
    for words in ("duplicate-commissioning", "confirmed", "line-2/3/1", "line-1/7/2", "would explain"):
        assert words in shown
    (explained,) = [text for words, text in said.items() if words.startswith("explain")]
    assert "duplicate-commissioning" in explained and "in (01)19506000134359(21)C1" in explained
    assert all(said.values())

"""What the README tells a newcomer to type exists, with the options it uses and the files it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_commands import COMMANDS
from tests.readme import README, typed


@pytest.mark.parametrize("words", typed(), ids=" ".join)
def test_it_can_be_typed(words: list[str]) -> None:
    name = max((name for name in COMMANDS if words[: len(name.split())] == name.split()), key=len, default="")
    assert name, f"no such command: {' '.join(words)}"
    rest = words[len(name.split()) :]
    context = COMMANDS[name].make_context(name, list(rest), resilient_parsing=True)
    assert not context.args, f"{' '.join(words)}: {context.args} are too many words"
    for word in rest:
        if word.startswith("schemas/"):
            assert (Path(README).parent / word).exists()


def test_the_tour_asks_why() -> None:
    asked = [" ".join(words[:2]) for words in typed()]
    assert {"alerts show"} <= set(asked) and "explain" in {words[0] for words in typed()}


def test_a_word_that_does_not_exist_is_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        COMMANDS["show"].make_context("show", ["x", "--colour"])

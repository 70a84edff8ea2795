"""Settings: all in deploy/env.example with their defaults; an unknown or impossible one stops the start with one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packtrace.errors import RefusedError
from packtrace.settings import QuerySettings, RouterSettings, known, read

EXAMPLE = Path(__file__).parents[1] / "deploy" / "env.example"


def test_env_example_lists_every_setting_with_its_default_and_meaning() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    found = {
        name: (default, meaning) for meaning, name, default in re.findall(r"^# (.+) \([a-z, ]+\)\n([A-Z_]+)=(.*)$", text, re.MULTILINE)
    }
    assert found == {name: (default, meaning) for name, (default, meaning) in known().items()}


def test_what_is_set_is_read_once_into_a_frozen_value() -> None:
    settings = read(QuerySettings, {"PACKTRACE_QUERY_PORT": "12345", "HOME": "/"})
    assert settings.query_port == 12345
    with pytest.raises(ValueError, match="frozen"):
        settings.query_port = 1


@pytest.mark.parametrize(("environment", "sentence"), [
    ({"PACKTRACE_KAFKAA": "x"},                "PACKTRACE_KAFKAA is not a setting of packtrace"),
    ({"PACKTRACE_HTTP_PORT": "99999"},         "PACKTRACE_HTTP_PORT: input should be less than or equal to 65535, found '99999'"),
    ({"PACKTRACE_TICK_SECONDS": "soon"},       "PACKTRACE_TICK_SECONDS: input should be a valid number"),
])  # fmt: skip
def test_a_wrong_setting_stops_the_start(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(sentence)):
        read(RouterSettings, environment)

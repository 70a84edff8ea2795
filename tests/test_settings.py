"""Settings: all in deploy/env.example with their defaults; an unknown or impossible one stops the start with one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packtrace.errors import RefusedError
from packtrace.settings import ClientSettings, QuerySettings, RouterSettings, known, read

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


@pytest.mark.parametrize(("environment", "sentence"), [
    ({"PACKTRACE_KAFKA": "broker"},            "PACKTRACE_KAFKA: expected host:port or several with commas between, found 'broker'"),
    ({"PACKTRACE_KAFKA": "::::"},              "PACKTRACE_KAFKA: expected host:port"),
    ({"PACKTRACE_REGISTRY": "registry:8081"},  "PACKTRACE_REGISTRY: expected http://host:port, found 'registry:8081'"),
    ({"PACKTRACE_CLICKHOUSE": "localhost:1"},  "PACKTRACE_CLICKHOUSE: expected http://host:port, found 'localhost:1'"),
    ({"PACKTRACE_REDIS": "http://x"},          "PACKTRACE_REDIS: expected redis://host:port or unix:///path, found 'http://x'"),
    ({"PACKTRACE_QUERY": ""},                  "PACKTRACE_QUERY: expected http://host:port, found ''"),
])  # fmt: skip
def test_what_cannot_be_an_address_stops_the_start(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(sentence)):
        read(ClientSettings, environment)


@pytest.mark.parametrize(("name", "address"), [
    ("KAFKA",      "a.example:9092,[::1]:9093"),
    ("REGISTRY",   "https://user:word@registry.example/apis/ccompat/v7"),
    ("REDIS",      "rediss://:word@redis.example:6380/0"),
    ("REDIS",      "unix:///run/valkey.sock"),
    ("CLICKHOUSE", "https://user:word@clickhouse.example:8443"),
])  # fmt: skip
def test_what_can_be_an_address_is_taken(name: str, address: str) -> None:
    assert getattr(read(ClientSettings, {f"PACKTRACE_{name}": address}), name.lower()) == address

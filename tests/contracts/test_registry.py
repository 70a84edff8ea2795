"""The registry's suite: the fake and a real one answer alike; what only the real one does comes after."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from packtrace.adapters.registry import Registry, register_all, subject_of
from packtrace.adapters.registry_memory import MemoryRegistry
from packtrace.contracts import schema_text, topics
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RefusedError, RejectedError, UnavailableError
from packtrace.ports import Schemas

pytestmark = pytest.mark.contract

NOWHERE = "http://127.0.0.1:1/apis/ccompat/v7"


@pytest.fixture(params=["memory", "real"])
def schemas(request: pytest.FixtureRequest) -> Iterator[Schemas]:
    if request.param == "memory":
        yield MemoryRegistry()
        return
    url = request.getfixturevalue("registry_server")
    register_all(url)
    registry = Registry(url)
    yield registry
    registry.close()


def test_every_topic_has_a_schema_and_its_id_leads_back_to_it(schemas: Schemas) -> None:
    for topic, row in topics().items():
        text = schemas.schema(schemas.schema_id(topic))
        assert json.loads(text) == json.loads(schema_text(row.value))


def test_an_unknown_id_is_a_rejection(schemas: Schemas) -> None:
    with pytest.raises(RejectedError, match="the id of a registered schema") as rejected:
        schemas.schema(2_000_000_000)
    assert rejected.value.code == Reject.UNKNOWN_SCHEMA


def test_registering_again_gives_the_same_ids(registry_server: str) -> None:
    assert register_all(registry_server) == register_all(registry_server)
    assert set(register_all(registry_server)) == {subject_of(topic) for topic in topics()}


def test_an_incompatible_schema_is_refused(registry_server: str) -> None:
    registry = Registry(registry_server)
    registry.require_backward()
    subject = f"test-{uuid.uuid4().hex}"
    first = registry.register(subject, _record([("a", "string")]))
    assert registry.register(subject, _record([("a", "string")])) == first
    registry.register(subject, _record([("a", "string"), ("b", {"type": "string", "default": ""})]))
    with pytest.raises(RefusedError, match="409"):
        registry.register(subject, _record([("a", "string"), ("c", "string")]))
    registry.close()


def _record(fields: list[tuple[str, object]]) -> str:
    listed = [{"name": name, **(type_ if isinstance(type_, dict) else {"type": type_})} for name, type_ in fields]
    return json.dumps({"type": "record", "name": "R", "fields": listed})


def test_what_was_read_once_is_there_when_the_registry_is_away(registry_server: str, tmp_path: Path) -> None:
    ids = register_all(registry_server)
    first = Registry(registry_server, tmp_path)
    own = first.schema_id("events")
    text = first.schema(own)
    first.close()
    later = Registry(registry_server, tmp_path)
    later._client.close()
    later._client = Registry(NOWHERE)._client
    assert own == ids["events-value"] == later.schema_id("events")
    assert later.schema(own) == text
    with pytest.raises(UnavailableError):
        later.schema(ids["ops-value"])
    later.close()


def test_a_registry_that_is_away_is_an_outage_and_never_a_rejection(tmp_path: Path) -> None:
    registry = Registry(NOWHERE, tmp_path)
    with pytest.raises(UnavailableError):
        registry.schema(1)
    with pytest.raises(UnavailableError):
        registry.schema_id("events")
    registry.close()


def test_schemas_of_one_registry_are_not_taken_for_those_of_another(registry_server: str, tmp_path: Path) -> None:
    register_all(registry_server)
    first = Registry(registry_server, tmp_path)
    own = first.schema_id("events")
    first.schema(own)
    other = Registry(NOWHERE, tmp_path)
    with pytest.raises(UnavailableError):
        other.schema(own)
    for registry in (first, other):
        registry.close()

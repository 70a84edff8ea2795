"""The gateway answers as schemas/openapi.yaml says: the same paths, statuses and members."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from packtrace.contracts import schema_text
from packtrace.gateway.problem import CODES
from packtrace.gateway.receipts import Receipt, Verdict
from tests.gateway.asgi import Gateway, Response, event

CONTRACT: dict[str, Any] = yaml.safe_load(schema_text("openapi.yaml"))
SCHEMAS = CONTRACT["components"]["schemas"]
OURS = ("/events", "/capture", "/capture/{id}")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path, events_max=20) as opened:
        yield opened


def operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = CONTRACT["paths"]["/capture/{id}" if path.startswith("/capture/") else path][method.lower()]
    return found


def conforms(schema: dict[str, Any], value: Any) -> None:
    """As far as our own file goes: $ref, allOf, objects, arrays, scalars, enums."""
    if "$ref" in schema:
        return conforms(SCHEMAS[schema["$ref"].rpartition("/")[2]], value)
    for part in schema.get("allOf", ()):
        conforms(part, value)
    kind = schema.get("type")
    if kind == "object":
        assert set(schema.get("required", ())) <= set(value)
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is False:
            assert set(value) <= set(properties)
        for name in set(value) & set(properties):
            conforms(properties[name], value[name])
    elif kind == "array":
        for one in value:
            conforms(schema["items"], one)
    elif kind == "integer":
        assert isinstance(value, int)
    elif kind == "string":
        assert isinstance(value, str)
        assert value in schema.get("enum", [value])


def check(method: str, path: str, answer: Response) -> None:
    stated = operation(method, path)["responses"]
    assert str(answer.status) in stated, f"{method} {path} answers {answer.status}, the contract has {sorted(stated)}"
    response = stated[str(answer.status)]
    if "$ref" in response:
        response = CONTRACT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    media_type = answer.headers["content-type"]
    conforms(response["content"][media_type]["schema"], answer.json)
    for name in response.get("headers", {}):
        assert name.lower() in answer.headers


@pytest.mark.parametrize("path", ["/events", "/capture"])
def test_every_answer_is_in_the_contract(gateway: Gateway, path: str) -> None:
    answers = {
        202: gateway.post(path, [event(1), event(2, action="REMOVE"), event(3, id=None)]),
        400: gateway.post(path, event(1, colour="blue")),
        413: gateway.post(path, [event(n) for n in range(21)]),
        415: gateway.post(path, b"<x/>", "application/xml"),
        422: gateway.post(path, event(1, action="REMOVE")),
    }
    gateway.log.away = True
    answers[503] = gateway.post(path, event(9))
    for status, answer in answers.items():
        assert answer.status == status
        check("POST", path, answer)
    gateway.log.away = False
    for capture in (answers[202].json["capture"], "0" * 32):
        check("GET", f"/capture/{capture}", gateway.request("GET", f"/capture/{capture}"))


def test_the_check_can_refuse() -> None:
    with pytest.raises(AssertionError):
        conforms(SCHEMAS["Verdict"], {"index": 0, "status": "perhaps"})
    with pytest.raises(AssertionError):
        conforms(SCHEMAS["Capture"], {"capture": "x"})
    with pytest.raises(AssertionError):
        conforms(SCHEMAS["Verdict"], {"index": 0, "status": "accepted", "colour": "blue"})


def test_members_are_those_of_the_contract() -> None:
    for name, kind in (("Verdict", Verdict), ("Capture", Receipt)):
        assert {field.encode_name for field in msgspec.structs.fields(kind)} == set(SCHEMAS[name]["properties"])


def test_the_paths_are_those_of_the_contract(gateway: Gateway) -> None:
    for path in OURS:
        for method in CONTRACT["paths"][path]:
            assert gateway.request(method.upper(), path.replace("{id}", "0" * 32), content_type="text/plain").status not in (405,)
    assert all(code.replace("-", "").isalpha() for code in CODES)

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
from packtrace.gateway.receipts import Receipt, Verdict, Warned
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
    elif kind == "boolean":
        assert isinstance(value, bool)
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
    for name in response.get("headers", {}):
        assert name.lower() in answer.headers
    if not answer.body:
        assert "content" not in response
        return
    media_type = answer.headers["content-type"]
    conforms(response["content"][media_type]["schema"], answer.json)


@pytest.mark.parametrize("path", ["/events", "/capture"])
def test_every_answer_is_in_the_contract(gateway: Gateway, path: str) -> None:
    answers = {
        202: gateway.post(path, [event(1), event(2, action="REMOVE"), event(3, id=None)]),
        400: gateway.post(path, event(1, colour="blue")),
        413: gateway.post(path, [event(n) for n in range(21)]),
        415: gateway.post(path, b"<x/>", "text/html"),
        406: gateway.post(path, event(1), gs1_epcis_version="3.0"),
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
    for query, status in (("", 200), ("?perPage=1", 200), ("?perPage=none", 400)):
        answer = gateway.request("GET", f"/capture{query}")
        assert answer.status == status
        check("GET", "/capture", answer)


def test_every_answer_to_epcis_is_in_the_contract(gateway: Gateway) -> None:
    good = {
        "type": "ObjectEvent", "eventTime": "2026-11-22T09:59:00Z", "eventTimeZoneOffset": "+01:00", "action": "OBSERVE",
        "epcList": ["urn:epc:id:sgtin:9506000.013435.A1"],
    }  # fmt: skip
    bad = good | {"epcList": ["urn:epc:id:sgtin:9506000.13435.A1"]}
    documents = {
        201: ("/events", [good]),
        202: ("/capture", [good, good | {"bizStep": "shipping"}, bad]),
        413: ("/capture", [good] * 21),
        422: ("/capture", [bad]),
    }
    for status, (path, events) in documents.items():
        body: Any = (
            {"type": "EPCISDocument", "schemaVersion": "2.0", "epcisBody": {"eventList": events}} if path == "/capture" else events[0]
        )
        answer = gateway.post(path, body, "application/ld+json")
        assert answer.status == status, answer.body
        check("POST", path, answer)
    for path, status in (("/capture", 400), ("/events", 400)):
        answer = gateway.post(path, b"<x", "application/xml")
        assert answer.status == status
        check("POST", path, answer)


def test_the_check_can_refuse() -> None:
    with pytest.raises(AssertionError):
        conforms(SCHEMAS["Verdict"], {"index": 0, "status": "perhaps"})
    with pytest.raises(AssertionError):
        conforms(SCHEMAS["Capture"], {"capture": "x"})
    with pytest.raises(AssertionError):
        conforms(SCHEMAS["Verdict"], {"index": 0, "status": "accepted", "colour": "blue"})


def test_members_are_those_of_the_contract() -> None:
    job = {"captureID", "createdAt", "finishedAt", "running", "success", "captureErrorBehaviour", "errors"}
    for name, kind, more in (("Verdict", Verdict, set[str]()), ("Capture", Receipt, job), ("Warning", Warned, set[str]())):
        assert {field.encode_name for field in msgspec.structs.fields(kind)} | more == set(SCHEMAS[name]["properties"])


def test_the_paths_are_those_of_the_contract(gateway: Gateway) -> None:
    for path in OURS:
        for method in CONTRACT["paths"][path]:
            if (path, method) == ("/events", "get"):
                continue  # of the query service
            if method == "options":
                check(method.upper(), path, gateway.request("OPTIONS", path.replace("{id}", "0" * 32)))
            assert gateway.request(method.upper(), path.replace("{id}", "0" * 32), content_type="text/plain").status not in (405,)
    assert all(code.replace("-", "").isalpha() for code in CODES)

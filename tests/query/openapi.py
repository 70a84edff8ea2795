"""Checks answers against schemas/openapi.yaml: the part of JSON Schema that the file uses, and refuses what it does not know."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from packtrace.contracts import schema_text

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3}|\.[0-9]{6})?Z")
_SAYS_NOTHING = {"description", "maxLength", "minimum", "maximum", "default"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(schema_text("openapi.yaml"))
    return found


def check_answer(path: str, status: int, answer: Any) -> None:
    """``answer`` is what the file promises for GET ``path``, e.g. ``/items/{epc}``."""
    response = resolved(document()["paths"][path]["get"]["responses"][str(status)])
    [content] = response["content"].values()
    check(content["schema"], answer, "answer")


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        at: Any = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        schema = at
    return schema


def check(schema: dict[str, Any], value: Any, where: str) -> None:
    """Raises AssertionError with the place of what differs."""
    schema = resolved(schema)
    for word, rule in schema.items():
        if word == "allOf":
            for one in rule:
                check(one, value, where)
        elif word == "oneOf":
            fits = [one for one in rule if _fits(one, value)]
            assert len(fits) == 1, f"{where}: fits {len(fits)} of the alternatives: {value!r}"
        elif word == "type":
            types = rule if isinstance(rule, list) else [rule]
            right = any(isinstance(value, _TYPES[one]) and not (one == "integer" and isinstance(value, bool)) for one in types)
            assert right, f"{where}: expected {types}, found {value!r}"
        elif word == "const":
            assert value == rule, f"{where}: expected {rule!r}, found {value!r}"
        elif word == "enum":
            assert value in rule, f"{where}: expected one of {rule}, found {value!r}"
        elif word == "required":
            missing = [name for name in rule if isinstance(value, dict) and name not in value]
            assert not missing, f"{where}: lacks {missing}"
        elif word == "properties" and isinstance(value, dict):
            for name, one in rule.items():
                if name in value:
                    check(one, value[name], f"{where}.{name}")
        elif word == "additionalProperties":
            more = set(value) - set(schema.get("properties", {})) if isinstance(value, dict) and rule is False else set()
            assert not more, f"{where}: has {more} besides"
        elif word == "items" and isinstance(value, list):
            for number, one in enumerate(value):
                check(rule, one, f"{where}[{number}]")
        elif word == "format":
            assert rule == "date-time"
            assert value is None or _TIME.fullmatch(value), f"{where}: expected a time with Z, found {value!r}"
        elif word == "pattern":
            assert re.search(rule, value), f"{where}: expected {rule}, found {value!r}"
        else:
            assert word in _SAYS_NOTHING or word in ("properties", "items"), f"the checker does not know {word!r}"


def _fits(schema: dict[str, Any], value: Any) -> bool:
    try:
        check(schema, value, "")
    except AssertionError:
        return False
    return True

"""Examples of the Avro schemas: JSON for people, and beside each the container file that its first version wrote.

``schemas/examples/<schema>/valid/<name>.json`` is one record (bytes as Latin-1 text); ``<name>.avro`` holds the same record
with the schema it was written with, and is never written again: today's schema must still read it.
``python -m tests.contracts.schema_examples`` writes the containers that are missing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastavro

from packtrace.contracts import folder, schema_text

SCHEMAS = sorted(path.name for path in folder().glob("*.avsc"))


def examples(schema: str, kind: str, suffix: str) -> list[Path]:
    """Files of a schema's examples; ``kind`` is valid or invalid."""
    return sorted((folder() / "examples" / schema / kind).glob(f"*.{suffix}"))


def record_of(path: Path, schema: str) -> Any:
    """The record of a JSON example."""
    return _bytes_in(json.loads(path.read_text(encoding="utf-8")), json.loads(schema_text(schema)))


def _bytes_in(value: Any, schema: Any) -> Any:
    """Latin-1 text -> bytes where the schema has bytes."""
    if isinstance(schema, list):
        options = [one for one in schema if one != "null"]
        return value if value is None or len(options) != 1 else _bytes_in(value, options[0])
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, dict | list):
        return _bytes_in(value, kind)
    if kind == "bytes" and isinstance(value, str):
        return value.encode("latin-1")
    if kind == "record" and isinstance(value, dict):
        types = {field["name"]: field["type"] for field in schema["fields"]}
        return {name: _bytes_in(one, types[name]) if name in types else one for name, one in value.items()}
    if kind == "array" and isinstance(value, list):
        return [_bytes_in(one, schema["items"]) for one in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _bytes_in(one, schema["values"]) for name, one in value.items()}
    return value


def main() -> None:
    for schema in SCHEMAS:
        for path in examples(schema, "valid", "json"):
            container = path.with_suffix(".avro")
            if not container.exists():
                with container.open("wb") as file:
                    fastavro.writer(file, fastavro.parse_schema(json.loads(schema_text(schema))), [record_of(path, schema)])


if __name__ == "__main__":
    main()

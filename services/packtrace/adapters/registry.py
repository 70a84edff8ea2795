"""Avro schemas by id, from any Confluent-compatible registry (REST API of Confluent Schema Registry 7; Apicurio at /apis/ccompat/v7).

What was read once is kept in memory and, with a folder, on disk: a process starts and reads on while the registry is away.
An answer "not found" is a rejection of the record that named the id; no answer is an outage.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from xxhash import xxh3_64_hexdigest

from packtrace.contracts import schema_text, topics
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RefusedError, RejectedError, UnavailableError

TIMEOUT_SECONDS = 5.0
COMPATIBILITY = "BACKWARD"
"""A reader with the new schema reads what was written with the one before: consumers are upgraded first."""

SCHEMA_BYTES_MAX = 1_048_576
"""Of a foreign schema; ours have some thousands."""

_HEADERS = {"Accept": "application/vnd.schemaregistry.v1+json", "Content-Type": "application/vnd.schemaregistry.v1+json"}


def subject_of(topic: str) -> str:
    """TopicNameStrategy."""
    return f"{topic}-value"


class Registry:
    """See the module (port ``Schemas``).

    Args:
        url: e.g. ``http://127.0.0.1:19081/apis/ccompat/v7``.
        folder: where schemas are kept between starts; one folder may serve several registries.
    """

    def __init__(self, url: str, folder: Path | None = None) -> None:
        self._url = url.rstrip("/")
        self._folder = None if folder is None else folder / xxh3_64_hexdigest(self._url.encode())
        self._schemas: dict[int, str] = {}
        self._ids: dict[str, int] = {}
        self._client = httpx.Client(base_url=self._url, headers=_HEADERS, timeout=TIMEOUT_SECONDS, trust_env=False)

    def schema(self, schema_id: int) -> str:
        """The text of a schema.

        Raises:
            RejectedError: unknown-schema, the registry has none of that id.
            UnavailableError: it does not answer, and this id was never read before.
        """
        known = self._schemas.get(schema_id)
        if known is not None:
            return known
        kept = f"{schema_id}.avsc"
        try:
            answer = self._ask("GET", f"/schemas/ids/{schema_id}")
        except UnavailableError:
            stored = self._read(kept)
            if stored is None:
                raise
            answer = {"schema": stored}
        if answer is None:
            raise RejectedError(Reject.UNKNOWN_SCHEMA, "", "the id of a registered schema", str(schema_id))
        text = answer.get("schema")
        if not isinstance(text, str) or answer.get("schemaType", "AVRO") != "AVRO" or len(text) > SCHEMA_BYTES_MAX:
            raise RejectedError(
                Reject.UNKNOWN_SCHEMA, "", "the id of an Avro schema", f"{schema_id}: {answer.get('schemaType', 'no schema')}"
            )
        self._keep(kept, text)
        self._schemas[schema_id] = text
        return text

    def schema_id(self, topic: str) -> int:
        """The id of our own schema of a topic's values.

        Raises:
            UnavailableError: it is not registered (yet), or the registry does not answer and never did.
        """
        known = self._ids.get(topic)
        if known is not None:
            return known
        text = schema_text(topics()[topic].value)
        kept = f"{subject_of(topic)}.{xxh3_64_hexdigest(text.encode())}.id"
        try:
            answer = self._ask("POST", f"/subjects/{subject_of(topic)}", {"schema": text})
        except UnavailableError:
            stored = self._read(kept)
            if stored is None:
                raise
            answer = {"id": int(stored)}
        if answer is None:
            raise UnavailableError(
                f"registry: {topics()[topic].value} is not registered as {subject_of(topic)}; packtrace topics registers it"
            )
        self._keep(kept, str(answer["id"]))
        self._ids[topic] = int(answer["id"])
        return self._ids[topic]

    def register(self, subject: str, text: str) -> int:
        """Register a schema; the same one again gives the same id.

        Raises:
            RefusedError: not a schema, or not compatible with the last version.
        """
        answer = self._ask("POST", f"/subjects/{subject}/versions", {"schema": text})
        if answer is None:
            raise RefusedError(f"registry {self._url}: no such interface; expected the API of Confluent Schema Registry")
        return int(answer["id"])

    def require_backward(self) -> None:
        """Set the global compatibility."""
        self._ask("PUT", "/config", {"compatibility": COMPATIBILITY})
        answer = self._ask("GET", "/config") or {}
        if answer.get("compatibilityLevel") != COMPATIBILITY:
            raise RefusedError(f"registry {self._url}: expected compatibility {COMPATIBILITY}, found {answer.get('compatibilityLevel')}")

    def close(self) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any] | None:
        """The answer; None for "not found"."""
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.TransportError as e:
            raise UnavailableError(f"registry {self._url}: {type(e).__name__}: {e}") from e
        if answer.status_code >= 500 or answer.status_code in (408, 429):
            raise UnavailableError(f"registry {self._url}{path}: {answer.status_code} {answer.text[:200]}")
        try:
            decoded = answer.json()
        except json.JSONDecodeError as e:
            # A proxy's page, or a registry that still starts: no answer of the interface is anything but JSON.
            raise UnavailableError(f"registry {self._url}{path}: {answer.status_code}, expected JSON, found {answer.text[:100]!r}") from e
        if answer.status_code == 404 and isinstance(decoded, dict) and "error_code" in decoded:
            return None
        if answer.status_code >= 400 or not isinstance(decoded, dict):
            raise RefusedError(f"registry {self._url}{path}: {answer.status_code} {answer.text[:300]}")
        return decoded

    def _keep(self, name: str, text: str) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f".{name}.{id(self)}"
        partial.write_text(text, encoding="utf-8")
        partial.replace(self._folder / name)

    def _read(self, name: str) -> str | None:
        path = None if self._folder is None else self._folder / name
        return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None


def register_all(url: str, folder: Path | None = None) -> dict[str, int]:
    """Set compatibility BACKWARD, register the schema of every topic; subject -> id.

    Raises:
        RefusedError: a schema is not compatible with the one registered before.
    """
    registry = Registry(url, folder)
    try:
        registry.require_backward()
        return {subject_of(topic): registry.register(subject_of(topic), schema_text(row.value)) for topic, row in topics().items()}
    finally:
        registry.close()

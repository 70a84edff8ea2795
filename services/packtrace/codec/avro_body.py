"""Avro bodies of foreign origin: read with the writer's schema into ours, or rejected; never a crash, never a flood of memory.

A writer's schema comes from the registry, so anybody who may register can send any. Two shapes are refused before a byte is
read with them: arrays of items without bytes (6 bytes of body became 67 million items) and recursive types (5,000 bytes of
body overflowed the C stack of fastavro and ended the process).
"""

from __future__ import annotations

import io
import json
from typing import Any

import avro.schema
import fastavro
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException
from fastavro._read_common import SchemaResolutionError
from fastavro.schema import SchemaParseException

from packtrace.contracts import schema_text
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

DEPTH_MAX = 32
"""Of a writer's schema: types within types."""

WRITERS_MAX = 256
"""Writer's schemas kept parsed."""

MALFORMED = (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError)
"""What fastavro raises on bytes that are not of the schema."""

_PRIMITIVE_BYTES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1, "enum": 1}
"""Least bytes of a value."""


class AvroBody:
    """Bodies of one of our schemas.

    Args:
        file: in ``schemas/``, e.g. ``"event.avsc"``.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = schema_text(file)
        self.fields: list[dict[str, Any]] = json.loads(self.text)["fields"]
        self.schema: Any = fastavro.parse_schema(json.loads(self.text))
        self._own = json.loads(self.text)
        self._writers: dict[str, Any] = {self.text: None}

    def write(self, record: dict[str, Any]) -> bytes:
        """The body of ``record``; fields left out take their defaults."""
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, self.schema, record)
        return buffer.getvalue()

    def is_ours(self, writer: str) -> bool:
        """Whether a schema's text is this very schema."""
        try:
            return self._writer(writer) is None
        except RejectedError:
            return False

    def read(self, body: bytes, writer: str | None = None) -> dict[str, Any]:
        """The record in ``body``.

        Args:
            writer: text of the schema it was written with; None: ours.

        Raises:
            RejectedError: unknown-schema (unusable, or not compatible with ours) or malformed-avro.
        """
        parsed = None if writer is None else self._writer(writer)
        stream = io.BytesIO(body)
        try:
            if parsed is None:
                record: Any = fastavro.schemaless_reader(stream, self.schema, None)
            else:
                record = fastavro.schemaless_reader(stream, parsed, self.schema)
        except SchemaResolutionError as e:
            raise RejectedError(Reject.UNKNOWN_SCHEMA, "", f"a schema compatible with {self.file}", str(e)) from e
        except MALFORMED as e:
            raise malformed(stream.tell(), e) from e
        if stream.tell() != len(body):
            raise trailing(len(body) - stream.tell())
        return record  # type: ignore[no-any-return]

    def _writer(self, text: str) -> Any:
        """The parsed writer's schema; None where it is ours."""
        if text in self._writers:
            known = self._writers[text]
            if isinstance(known, RejectedError):
                raise known
            return known
        try:
            parsed = self._parsed(text)
        except RejectedError as error:
            parsed = error
        if len(self._writers) >= WRITERS_MAX:
            self._writers = {self.text: None}
        self._writers[text] = parsed
        return self._writer(text)

    def _parsed(self, text: str) -> Any:
        try:
            decoded = json.loads(text)
            if decoded == self._own:
                return None
            _refuse_bombs(decoded, {}, (), 0)
            parsed = fastavro.parse_schema(decoded)
            differences = incompatibilities(reader=self.text, writer=text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SchemaParseException, AvroException) as e:
            raise RejectedError(Reject.UNKNOWN_SCHEMA, "", "a usable Avro schema", f"{type(e).__name__}: {e}") from e
        if differences:
            raise RejectedError(Reject.UNKNOWN_SCHEMA, "", f"a schema compatible with {self.file}", differences[0])
        return parsed


def incompatibilities(reader: str, writer: str) -> list[str]:
    """Why a reader with the one schema cannot read what was written with the other; empty where it can.

    Source: Avro 1.12 specification, "Schema Resolution".
    """
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    answer = checker.get_compatibility(avro.schema.parse(reader), avro.schema.parse(writer))
    if answer.compatibility is SchemaCompatibilityType.compatible:
        return []
    return sorted(answer.messages) or [f"they differ at {', '.join(sorted(answer.locations))}"]


def malformed(at: int, error: BaseException) -> RejectedError:
    """Bytes that are not of the schema they name."""
    return RejectedError(Reject.MALFORMED_AVRO, f"byte {at}", "the bytes of the schema they name", f"{type(error).__name__}: {error}")


def trailing(count: int) -> RejectedError:
    """Bytes after the last field."""
    return RejectedError(Reject.MALFORMED_AVRO, "", "nothing after the last field", f"{count} bytes")


def _refuse_bombs(schema: Any, named: dict[str, int], open_names: tuple[str, ...], depth: int) -> int:
    """Least bytes a value of ``schema`` takes; raises ValueError on a shape that must not be read (see the module).

    Args:
        named: least bytes of the named types defined so far.
        open_names: named types this schema stands inside of.
    """
    if depth > DEPTH_MAX:
        raise ValueError(f"deeper than {DEPTH_MAX} types")
    if isinstance(schema, list):
        return 1 + min((_refuse_bombs(one, named, open_names, depth + 1) for one in schema), default=0)
    if isinstance(schema, str):
        if schema in _PRIMITIVE_BYTES:
            return _PRIMITIVE_BYTES[schema]
        short = schema.rpartition(".")[2]
        if short in open_names:
            raise ValueError(f"recursive type {schema}")
        return named[short]
    kind = schema["type"]
    if isinstance(kind, dict | list) or kind not in ("record", "error", "array", "map", "fixed", "enum"):
        return _refuse_bombs(kind, named, open_names, depth + 1)
    if kind == "array":
        if _refuse_bombs(schema["items"], named, open_names, depth + 1) == 0:
            raise ValueError("an array of items without bytes")
        return 1
    if kind == "map":
        _refuse_bombs(schema["values"], named, open_names, depth + 1)
        return 1
    name = str(schema["name"]).rpartition(".")[2]
    if kind == "fixed":
        least = int(schema["size"])
    elif kind == "enum":
        least = 1
    else:
        inside = (*open_names, name)
        least = sum(_refuse_bombs(field["type"], named, inside, depth + 1) for field in schema["fields"])
    named[name] = least
    return least

"""The registry in memory: the fake beside ``registry``. It knows our own schemas, ids in the order of topics.yaml from 1."""

from __future__ import annotations

from packtrace.contracts import schema_text, topics
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError, UnavailableError


class MemoryRegistry:
    """Schemas by id (port ``Schemas``). ``away`` makes it answer only what it was asked before."""

    def __init__(self) -> None:
        self.away = False
        self.schemas: dict[int, str] = {number: schema_text(row.value) for number, row in enumerate(topics().values(), 1)}
        self._asked: set[int | str] = set()

    def add(self, text: str) -> int:
        """Register one more; its id."""
        self.schemas[len(self.schemas) + 1] = text
        return len(self.schemas)

    def schema(self, schema_id: int) -> str:
        self._answer(schema_id)
        if schema_id not in self.schemas:
            raise RejectedError(Reject.UNKNOWN_SCHEMA, "", "the id of a registered schema", str(schema_id))
        self._asked.add(schema_id)
        return self.schemas[schema_id]

    def schema_id(self, topic: str) -> int:
        self._answer(topic)
        self._asked.add(topic)
        return list(topics()).index(topic) + 1

    def _answer(self, question: int | str) -> None:
        if self.away and question not in self._asked:
            raise UnavailableError("memory registry: away")

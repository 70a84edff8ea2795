"""The HTTP client without a socket: its requests go straight to an application, or to a table of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packtrace.cli.client import Answer, Client
from packtrace.errors import UnavailableError
from tests.gateway.asgi import Gateway


class ToGateway(Client):
    """Asks a gateway of the test."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__("gateway", "http://127.0.0.1:1")
        self._gateway = gateway

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        named = {name.lower().replace("-", "_"): value for name, value in headers.items()}
        answer = self._gateway.request(method, path, [body or b""], **named)
        if answer.status >= 500:
            raise UnavailableError(answer.json["detail"])
        return Answer(answer.status, answer.json)


class ToAnswers(Client):
    """Answers from a table: path -> (status, body); what is not in it is not found."""

    def __init__(self, answers: Mapping[str, tuple[int, Any]]) -> None:
        super().__init__("query service", "http://127.0.0.1:1")
        self._answers = answers
        self.asked: list[str] = []

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        self.asked.append(path)
        return Answer(*self._answers.get(path, (404, {"detail": f"nothing at {path}"})))

"""The gateway and the query service over HTTP: small on purpose, because every command pays for its imports."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from packtrace.errors import UnavailableError


class Answer:
    """Status and decoded JSON body of one answer."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body

    @property
    def detail(self) -> str:
        """The sentence of a problem document, else the body as it came."""
        if isinstance(self.body, dict):
            return str(self.body.get("detail") or self.body.get("title") or self.body)
        return str(self.body)


class Client:
    """One service.

    Args:
        name: for sentences, e.g. ``"query service"``.
        address: ``http://host:port``.
    """

    def __init__(self, name: str, address: str, timeout_seconds: float = 30.0) -> None:
        self.name = name
        self.address = address.rstrip("/")
        self._timeout_seconds = timeout_seconds

    def get(self, path: str, parameters: Mapping[str, object] | None = None) -> Answer:
        """GET ``path``; parameters that are None are left out."""
        stated = {name: str(value) for name, value in (parameters or {}).items() if value is not None}
        return self._ask("GET", path + ("?" + urlencode(stated) if stated else ""), None, {})

    def document(self, path: str, media_type: str) -> Answer:
        """GET ``path`` as ``media_type``; the body of a good answer is its text."""
        return self._ask("GET", path, None, {"Accept": media_type})

    def post(self, path: str, body: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._ask("POST", path, body, {"Content-Type": media_type} | dict(headers or {}))

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        parts = urlsplit(self.address)
        if not parts.hostname:
            raise UnavailableError(f"the address of the {self.name} is no http://host:port: {self.address!r}")
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=self._timeout_seconds)
        try:
            connection.request(method, path, body, {"Accept": "application/json"} | headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(
                f"the {self.name} at {self.address} does not answer ({_reason(error)}); is the system up? See `packtrace status`"
            ) from error
        finally:
            connection.close()
        plain = response.status < 300 and "Accept" in headers
        answer = Answer(response.status, text.decode("utf-8", "replace") if plain else _decoded(text))
        if response.status >= 500:
            raise UnavailableError(f"the {self.name} at {self.address} cannot answer now ({response.status}): {answer.detail}")
        return answer


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text.decode("utf-8", "replace")[:200]


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__).lower()

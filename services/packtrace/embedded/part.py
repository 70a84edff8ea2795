"""What a supervised process is: how it starts, how one knows that it is ready."""

from __future__ import annotations

import http.client
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import NamedTuple

PROBE_SECONDS_MAX = 2.0

Probe = Callable[[], str | None]
"""Answers None when the part is ready, else one sentence why not."""


class Part(NamedTuple):
    """One process of the stack. ``prepare`` runs before each start (formatting, configuration)."""

    name: str
    command: tuple[str, ...]
    address: str
    probe: Probe
    environment: Mapping[str, str] = {}
    prepare: Callable[[], None] = lambda: None
    ready_seconds_max: float = 180.0
    stop_seconds_max: float = 12.0


def http_probe(address: str) -> Probe:
    """Ready when a GET of ``address`` answers 200; a 503's text is the reason."""

    def probe() -> str | None:
        try:
            with urllib.request.urlopen(address, timeout=PROBE_SECONDS_MAX):
                return None
        except urllib.error.HTTPError as error:
            return error.read(500).decode(errors="replace").strip() or f"HTTP {error.code}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            return f"no answer: {error}"

    return probe


def line_probe(port: int, send: bytes, expected: bytes) -> Probe:
    """Ready when the port answers ``expected`` to ``send``."""

    def probe() -> str | None:
        try:
            with socket.create_connection(("127.0.0.1", port), PROBE_SECONDS_MAX) as connection:
                connection.settimeout(PROBE_SECONDS_MAX)
                connection.sendall(send)
                found = connection.recv(len(expected), socket.MSG_WAITALL)
        except OSError as error:
            return f"no answer: {error}"
        return None if found == expected else f"expected {expected!r}, found {found!r}"

    return probe


_METADATA_OF_NO_TOPIC = struct.pack(">hhi h i", 3, 1, 7, -1, 0)
"""Kafka's Metadata request, version 1: API key, version, correlation, no client id, no topics."""
_METADATA_ANSWER_START = struct.Struct(">i i i")


def kafka_probe(port: int) -> Probe:
    """Ready when the broker answers, and knows itself: it listens for a while before it does."""

    def probe() -> str | None:
        try:
            with socket.create_connection(("127.0.0.1", port), PROBE_SECONDS_MAX) as connection:
                connection.settimeout(PROBE_SECONDS_MAX)
                connection.sendall(struct.pack(">i", len(_METADATA_OF_NO_TOPIC)) + _METADATA_OF_NO_TOPIC)
                answer = connection.recv(_METADATA_ANSWER_START.size, socket.MSG_WAITALL)
                if len(answer) < _METADATA_ANSWER_START.size:
                    return "closed the connection"
                _, _, brokers = _METADATA_ANSWER_START.unpack(answer)
        except OSError as error:
            return f"no answer: {error}"
        return None if brokers > 0 else "no broker has joined yet"

    return probe

"""The gateway as a process of its own, on a real broker and registry."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import free_port

READY_SECONDS_MAX = 60.0


class Answer(NamedTuple):
    status: int
    body: Any


class Process:
    """``python -m packtrace.gateway``; the same home and port over restarts."""

    def __init__(self, home: Path, kafka: str, registry: str) -> None:
        self.home = home
        self.port = free_port()
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("PACKTRACE_")} | {
            "PACKTRACE_HOME": str(home),
            "PACKTRACE_KAFKA": kafka,
            "PACKTRACE_REGISTRY": registry,
            "PACKTRACE_GATEWAY_PORT": str(self.port),
        }
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._running is not None
        return self._running.pid

    def start(self, **settings: str) -> None:
        """Start it and wait until it is ready."""
        environment = self._environment | {f"PACKTRACE_{name.upper()}": value for name, value in settings.items()}
        self._running = subprocess.Popen([sys.executable, "-m", "packtrace.gateway"], env=environment, stderr=subprocess.PIPE)
        end = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < end and self._running.poll() is None:
            try:
                if self.ask("GET", "/readyz").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the gateway was not ready: {self.stop()}")

    def ended(self, seconds: float = 20) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._running is not None
        return self._running.wait(seconds)

    def terminate(self) -> int:
        assert self._running is not None
        self._running.send_signal(signal.SIGTERM)
        return self.ended()

    def stop(self) -> str:
        """End it however it is, and answer what it wrote."""
        if self._running is None:
            return ""
        if self._running.poll() is None:
            self._running.kill()
        _, errors = self._running.communicate(timeout=20)
        return errors.decode(errors="replace")

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        return Answer(response.status, json.loads(text) if text[:1] in (b"{", b"[") else text.decode())

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

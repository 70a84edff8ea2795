"""A running packtrace for the pipeline tests, driven as a person drives it: by its command line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKTRACE = str(Path(sys.executable).parent / "packtrace")
PORTS_WANTED = 120


def free_base_port() -> int:
    """A base such that the ports above it are free now."""
    for base in range(23000, 60000, 500):
        taken = False
        for port in range(base, base + PORTS_WANTED):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    taken = True
                    break
        if not taken:
            return base
    raise AssertionError("no free range of ports on loopback")


class System:
    """One home folder with its stack."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.base_port = free_base_port()

    def run(
        self, *words: str, timeout: float = 180, code: int | None = 0, stdin: bytes | None = None, needs_system: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """``packtrace <words> --home <home>``, without the home where no system is needed; fails the test when the exit code is another than ``code`` (None: any)."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PACKTRACE_")}
        result = subprocess.run(
            [PACKTRACE, *words, *(("--home", str(self.home)) if needs_system else ())],
            capture_output=True,
            timeout=timeout,
            check=False,
            cwd=ROOT,
            env=environment | {"COLUMNS": "100", "NO_COLOR": "1"},
            input=stdin,
        )
        text = subprocess.CompletedProcess(result.args, result.returncode, result.stdout.decode(), result.stderr.decode())
        if code is not None:
            assert text.returncode == code, f"packtrace {' '.join(words)}: exit {text.returncode}\n{text.stdout}\n{text.stderr}"
        return text

    def json(self, *words: str, timeout: float = 180, code: int | None = 0) -> list[dict[str, Any]]:
        """The JSON lines of ``packtrace <words> --json``."""
        return [json.loads(line) for line in self.run(*words, "--json", timeout=timeout, code=code).stdout.splitlines()]

    def up(self) -> None:
        self.run("up", "--detach", "--base-port", str(self.base_port), timeout=300)

    def down(self) -> None:
        self.run("down", timeout=60)

    def wait(self, seconds: int = 60) -> None:
        self.run("wait", "--timeout", str(seconds), timeout=seconds + 30)

    def logs(self, names: Sequence[str]) -> str:
        """The tails of the named processes' logs, for a failure's message."""
        texts = []
        for name in names:
            path = self.home / "logs" / f"{name}.log"
            if path.exists():
                texts.append(f"== {name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-30:]))
        return "\n".join(texts)

"""Keeps a whole stack alive: ``python -m packtrace.embedded.supervisor --home DIR --base-port N``.

1. write ``stack.json`` (starting), so that others see who owns the folder;
2. start the servers and wait until each is ready;
3. topics, schemas, tables;
4. start our processes and wait until each is ready; write ``stack.json`` (ready);
5. until SIGTERM or SIGINT: whatever ends is started again, whatever changes is written;
6. stop our processes, then the servers; write ``stack.json`` (stopped).

Killed with -9 at any point, the kernel ends every child, and the next ``up`` starts from the data on disk.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from packtrace.embedded import plan, state
from packtrace.embedded.downloads import Progress
from packtrace.embedded.keeper import Keeper
from packtrace.errors import PacktraceError, RefusedError

BOOTSTRAP_SECONDS_MAX = 120


class Supervisor:
    """One stack. ``run`` returns when it has been stopped."""

    def __init__(self, home: Path, base_port: int, progress: Progress) -> None:
        self._home = home
        self._base_port = base_port
        self._progress = progress
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._keepers: list[Keeper] = []
        self._stack = state.Stack(
            home=str(home),
            base_port=base_port,
            pid=os.getpid(),
            born=state.born(os.getpid()),
            state="starting",
            **plan.addresses(base_port)._asdict(),
        )

    def stop(self) -> None:
        """Ask for the end; safe in a signal handler."""
        self._stopping.set()
        self._changed.set()

    def run(self) -> None:
        """Steps 1 to 6 of the module.

        Raises:
            RefusedError: the stack could not be brought up; everything started is stopped again.
        """
        logs = self._home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._write()
        try:
            servers = [Keeper(part, logs, self._changed.set) for part in plan.servers(self._home, self._base_port, self._say)]
            self._bring_up(servers)
            if not self._stopping.is_set():
                self._bootstrap(logs)
                self._bring_up([Keeper(part, logs, self._changed.set) for part in plan.services(self._home, self._base_port)])
            if not self._stopping.is_set():
                self._stack.state, self._stack.message = "ready", ""
                self._write()
                self._say("ready")
            while not self._stopping.is_set():
                self._changed.wait(5)
                self._changed.clear()
                self._write()
        except PacktraceError as error:
            self._stack.message = str(error)
            raise
        finally:
            self._bring_down()

    def _say(self, text: str) -> None:
        if self._stack.state == "starting":
            self._stack.message = text
            self._write()
        self._progress(text)

    def _write(self) -> None:
        self._stack.parts = [keeper.state for keeper in self._keepers]
        state.write(self._home, self._stack)

    def _bring_up(self, keepers: list[Keeper]) -> None:
        self._keepers += keepers
        for keeper in keepers:
            keeper.start()
        waiting = {keeper.part.name: keeper for keeper in keepers}
        begun = time.monotonic()
        while waiting and not self._stopping.is_set():
            self._changed.wait(0.1)
            self._changed.clear()
            for name, keeper in list(waiting.items()):
                if keeper.state.state == "ready":
                    del waiting[name]
                    self._say(f"{name:<11} {time.monotonic() - begun:5.1f} s   {keeper.part.address}")
                elif time.monotonic() - begun > keeper.part.ready_seconds_max:
                    raise RefusedError(
                        f"{name} was not ready after {keeper.part.ready_seconds_max:.0f} s: {keeper.state.reason}; "
                        f"its log {self._home / 'logs' / (name + '.log')} ends: {keeper.log_tail(5)}"
                    )
            self._write()

    def _bootstrap(self, logs: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PACKTRACE_")}
        begun = time.monotonic()
        with (logs / "bootstrap.log").open("ab") as log:
            result = subprocess.run(
                [sys.executable, "-m", "packtrace.embedded.bootstrap"],
                env=environment | plan.environment(self._home, self._base_port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.PIPE,
                timeout=BOOTSTRAP_SECONDS_MAX,
                check=False,
            )
        if result.returncode:
            raise RefusedError(f"topics, schemas and tables could not be prepared: {result.stderr.decode(errors='replace').strip()[-800:]}")
        self._say(f"{'contracts':<11} {time.monotonic() - begun:5.1f} s   topics, schemas, tables")

    def _bring_down(self) -> None:
        self._stack.state = "stopping"
        self._write()
        for names in (plan.SERVICES, plan.SERVERS):
            group = [keeper for keeper in self._keepers if keeper.part.name in names]
            for keeper in group:
                keeper.stop()
            for keeper in group:
                keeper.join()
            self._write()
        self._stack.state = "stopped"
        self._write()


def main() -> int:
    """The detached form; progress goes to stderr, which ``up --detach`` has pointed at ``logs/supervisor.log``."""
    parser = argparse.ArgumentParser(prog="packtrace.embedded.supervisor")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--base-port", type=int, required=True)
    words = parser.parse_args()
    supervisor = Supervisor(words.home, words.base_port, lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    try:
        supervisor.run()
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

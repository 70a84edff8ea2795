"""Keeps a whole stack alive: ``python -m packtrace.embedded.supervisor --home DIR --base-port N``.

1. own the folder, end what a dead supervisor left behind, write ``stack.json`` (starting);
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
import sys
import threading
import time
from pathlib import Path

from packtrace.embedded import plan, state
from packtrace.embedded.child import LogFile, start_child
from packtrace.embedded.downloads import Progress
from packtrace.embedded.keeper import Keeper
from packtrace.embedded.part import Part
from packtrace.errors import PacktraceError, RefusedError

BOOTSTRAP_SECONDS_MAX = 120
RESTARTS_WHILE_STARTING_MAX = 5
"""A part that ends more often before it was ever ready will not get ready."""


class Supervisor:
    """One stack. ``run`` returns when it has been stopped."""

    def __init__(self, home: Path, base_port: int, progress: Progress) -> None:
        self._home = home
        self._logs = home / "logs"
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
        self._home.mkdir(parents=True, exist_ok=True)
        with state.owned(self._home):
            before = state.read(self._home)
            left = state.stop_leftovers(before) if before is not None else []
            self._write()
            try:
                if left:
                    self._say(f"ended what was left of the last run: {', '.join(left)}")
                self._keep_up()
            except PacktraceError as error:
                self._stack.message = str(error)
                raise
            finally:
                self._bring_down()

    def _keep_up(self) -> None:
        """Steps 2 to 5."""
        self._bring_up(plan.servers(self._home, self._base_port, self._say))
        if not self._stopping.is_set():
            self._bootstrap()
        if not self._stopping.is_set():
            self._bring_up(plan.services(self._home, self._base_port, os.environ))
        if not self._stopping.is_set():
            self._stack.state = "ready"
            self._write()
            self._progress(f"ready        gateway {self._stack.gateway}   query {self._stack.query}")
        while not self._stopping.is_set():
            self._changed.wait(5)
            self._changed.clear()
            self._write()

    def _say(self, text: str) -> None:
        if self._stack.state == "starting":
            self._stack.steps.append(text)
            self._write()
        self._progress(text)

    def _write(self) -> None:
        self._stack.parts = [keeper.state for keeper in self._keepers]
        state.write(self._home, self._stack)

    def _bring_up(self, parts: list[Part]) -> None:
        keepers = [Keeper(part, self._logs, self._changed.set) for part in parts]
        self._keepers += keepers
        for keeper in keepers:
            keeper.start()
        waiting = {keeper.part.name: keeper for keeper in keepers}
        begun = time.monotonic()
        while waiting and not self._stopping.is_set():
            self._changed.wait(0.1)
            self._changed.clear()
            for name, keeper in list(waiting.items()):
                seconds = time.monotonic() - begun
                if keeper.state.state == "ready":
                    del waiting[name]
                    self._say(f"{name:<11} {seconds:5.1f} s   {keeper.part.address}")
                elif seconds > keeper.part.ready_seconds_max or keeper.state.restarts > RESTARTS_WHILE_STARTING_MAX:
                    raise RefusedError(
                        f"{name} was not ready after {seconds:.0f} s: {keeper.state.reason}; "
                        f"its log {keeper.log.path} ends: {keeper.log.tail(5)}"
                    )
            self._write()

    def _bootstrap(self) -> None:
        """Step 3, in a process of its own: its libraries stay out of this one."""
        begun = time.monotonic()
        log = LogFile(self._logs, "bootstrap")
        environment = plan.environment(self._home, self._base_port, os.environ)
        with log.open() as output:
            process = start_child([sys.executable, "-m", "packtrace.embedded.bootstrap"], environment, output)
        try:
            while process.poll() is None and not self._stopping.is_set():
                if time.monotonic() - begun > BOOTSTRAP_SECONDS_MAX:
                    raise RefusedError(f"topics, schemas and tables were not prepared after {BOOTSTRAP_SECONDS_MAX} s: {log.tail(5)}")
                time.sleep(0.02)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(5)
        if self._stopping.is_set():
            return
        if process.returncode:
            raise RefusedError(f"topics, schemas and tables could not be prepared: {log.tail(5)}")
        self._say(f"{'contracts':<11} {time.monotonic() - begun:5.1f} s   topics, schemas, tables")

    def _bring_down(self) -> None:
        self._stack.state = "stopping"
        self._write()
        for names in (plan.SERVICES, plan.SERVERS):
            group = [keeper for keeper in self._keepers if plan.service_of(keeper.part.name) in names]
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

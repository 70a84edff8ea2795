"""A system that one command starts for itself and takes away again, also after a failure, Ctrl-C or SIGTERM."""

from __future__ import annotations

import gc
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from packtrace.errors import PacktraceError, RefusedError, UnavailableError

if TYPE_CHECKING:
    from packtrace.embedded.state import Stack

BASE_PORT_FIRST = 21_000
BASE_PORT_LAST = 60_000
BASE_PORT_STEP = 200
STACK_APPEARS_SECONDS = 5.0
"""How long a supervisor that was just started may take to write its state file."""

Tell = Callable[[str], None]


def start(home: Path, base_port: int | None, tell: Tell) -> Stack:
    """The stack under ``home``, in the background, on the first free range of ports unless one is named."""
    from packtrace.embedded.stack import up

    return up(home, detach=True, base_port=base_port or free_base_port(), progress=tell)


def settle(home: Path, seconds_max: float, tell: Tell) -> None:
    """As ``packtrace wait``.

    Raises:
        UnavailableError: time was up before.
    """
    from packtrace.cli.settled import Lag, LateError, Waiter
    from packtrace.cli.stack import positions_of

    def lagging(lags: list[Lag]) -> None:
        if lags:
            tell("; ".join(lag.text for lag in lags))

    end = time.monotonic() + seconds_max
    positions = positions_of(home)
    try:
        Waiter(positions, lambda: end - time.monotonic(), time.sleep, lagging).wait()
    except LateError as error:
        raise UnavailableError(f"not settled after {seconds_max:.0f} s: {error}; see {home}/logs") from None
    finally:
        positions.close()
    tell("")


def stop(home: Path, tell: Tell) -> None:
    """Take it down, as far as it came. A second Ctrl-C does not stop it half-way."""
    from packtrace.embedded.stack import down, read_stack

    gc.collect()  # clients of Kafka that are still referenced would complain aloud that the broker is gone
    with _signals_ignored():
        end = time.monotonic() + STACK_APPEARS_SECONDS
        while read_stack(home) is None and (home / "logs").exists() and not (home / "stack.json").exists() and time.monotonic() < end:
            time.sleep(0.1)
        try:
            down(home, progress=tell)
        except PacktraceError as error:
            tell(str(error))
        else:
            tell("")


def free_base_port() -> int:
    """The first range whose ports can all be bound.

    Raises:
        RefusedError: there is none.
    """
    from packtrace.embedded.plan import ports

    for base in range(BASE_PORT_FIRST, BASE_PORT_LAST, BASE_PORT_STEP):
        if all(_is_free(port) for port in ports(base).values()):
            return base
    raise RefusedError(f"no free range of ports between {BASE_PORT_FIRST} and {BASE_PORT_LAST}; choose one with --base-port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM and SIGHUP end the command as Ctrl-C does: with everything stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP do nothing within the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""A driver's call that may never return, waited for as long as is said and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def within(seconds: float | None, call: Callable[[], _T]) -> _T:
    """What ``call`` returns or raises; None: however long it takes, in this thread.

    It runs in a thread of its own, about 0.1 ms more than by itself. One that is given up goes on there, and its effect may still
    come; it does not keep the process from ending.

    Raises:
        TimeoutError: it had not returned after ``seconds``.
    """
    if seconds is None:
        return call()
    returned: list[_T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError
    if raised:
        raise raised[0]
    return returned[0]

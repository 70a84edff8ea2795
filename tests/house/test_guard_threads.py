"""The guard of unmarked tests leaves alone the threads that keep the servers of other tests alive, and nobody else."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

from tests import servers
from tests.conftest import UnmarkedTestReachesOutError


def _outcome_of_connecting() -> list[str]:
    found: list[str] = []

    def connect() -> None:
        try:
            socket.create_connection(("127.0.0.1", 1), 0.2)
        except UnmarkedTestReachesOutError:
            found.append("refused")
        except OSError:
            found.append("tried")

    thread = threading.Thread(target=connect)
    kept = SimpleNamespace(_thread=thread)
    servers._keepers.append(kept)  # type: ignore[arg-type]
    thread.start()
    thread.join()
    servers._keepers.remove(kept)  # type: ignore[arg-type]
    other = threading.Thread(target=connect)
    other.start()
    other.join()
    return found


def test_only_keepers_may_connect() -> None:
    assert _outcome_of_connecting() == ["tried", "refused"]

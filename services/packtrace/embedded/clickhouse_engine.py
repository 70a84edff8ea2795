"""ClickHouse inside this process (chdb): sessions over one data folder, each with its own database and settings.

chdb lets one process open one folder with many handles; a handle runs one statement at a time. Reads and inserts of
different handles overlap: the engine releases the interpreter lock.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from chdb.state import connect

HANDLES_MAX = 32
FREE_HANDLES_MAX = 8
"""For statements without a session: as many run at once, an insert does not keep a question waiting."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE = re.compile(r"Code: ([0-9]+)\.")
_INSERT = re.compile(
    rb"(?is)\s*(insert\s+into\b(?:(?!\b(?:select|values|with|format)\b)[^()'])*(?:\([^()]*\)\s*)?"
    rb"(?:settings\b(?:(?!\bformat\b)[^;])*)?)\bformat\s+([a-z0-9]+)(?:[ \t]*;?[ \t]*\r?\n|[ \t]*;?\s*\Z|[ \t])"
)
"""``INSERT INTO t (columns) SETTINGS ... FORMAT name``: what follows are rows in that format. Only looked for at the start."""
_LEAVES_TRACES = re.compile(rb"(?is)\s*(?:use|set|create\s+(?:or\s+replace\s+)?temporary)\b")
"""What changes the handle it runs on; without a session nobody may see it afterwards."""
INSERT_HEAD_BYTES_MAX = 64 * 1024
_NO_FORMATS = frozenset({"dataframe", "datastore", "arrowtable"})
"""Names by which chdb answers with Python objects."""


class EngineError(Exception):
    """A statement failed; ``code`` is ClickHouse's error number."""

    def __init__(self, message: str) -> None:
        found = _CODE.search(message)
        self.code = int(found.group(1)) if found else 1002
        super().__init__(message[message.find("Code: ") :] if found else message)


class Result(NamedTuple):
    body: bytes
    rows_read: int
    bytes_read: int
    rows_written: int
    bytes_written: int
    seconds: float


class _Handle:
    """One chdb connection and the database it stands in."""

    def __init__(self, folder: str) -> None:
        self.lock = threading.Lock()
        self._folder = folder
        self.connect()

    def connect(self) -> None:
        """Anew, without what earlier statements left."""
        self.connection: Any = connect(self._folder)
        self.database = "default"


class Engine:
    """All handles of one folder. Safe from many threads."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._handles: OrderedDict[str, _Handle] = OrderedDict()
        self._free = [_Handle(folder)]
        self._turn = 0

    def _handle(self, session: str) -> _Handle:
        with self._lock:
            handle = self._handles.get(session)
            if handle is None:
                handle = self._handles[session] = _Handle(self._folder)
                for name, idle in list(self._handles.items()):
                    if len(self._handles) <= HANDLES_MAX:
                        break
                    if idle is not handle and idle.lock.acquire(blocking=False):
                        del self._handles[name]
                        idle.connection.close()
            self._handles.move_to_end(session)
            return handle

    def run(
        self,
        statement: bytes,
        *,
        session: str,
        database: str,
        settings: Mapping[str, str],
        parameters: Mapping[str, str],
        default_format: str,
        data: bytes = b"",
    ) -> Result:
        """Run one statement; ``data`` follows it: the rows of an INSERT whose statement ends in ``FORMAT <name>``.

        Raises:
            EngineError: what ClickHouse says, with its code.
        """
        if default_format.lower() in _NO_FORMATS or not _NAME.fullmatch(default_format):
            raise EngineError(f"Code: 73. DB::Exception: Unknown format {default_format[:40]}. (UNKNOWN_FORMAT)")
        handle = self._locked(session) if session else self._locked_free()
        wanted = database or ("" if session else "default")
        try:
            return self._run(handle, statement, wanted, settings, parameters, default_format, data)
        except RuntimeError as error:
            raise EngineError(str(error)) from error
        except UnicodeDecodeError as error:
            raise EngineError(f"Code: 62. DB::Exception: expected a statement in UTF-8: {error}. (SYNTAX_ERROR)") from error
        finally:
            if not session and _LEAVES_TRACES.match(statement[:INSERT_HEAD_BYTES_MAX]):
                handle.connection.close()
                handle.connect()
            handle.lock.release()

    def _locked(self, session: str) -> _Handle:
        """The handle of a session, ours until its lock is released."""
        while True:
            handle = self._handle(session)
            handle.lock.acquire()
            with self._lock:
                if self._handles.get(session) is handle:
                    return handle
            handle.lock.release()

    def _locked_free(self) -> _Handle:
        """An idle handle, a new one, or the next in turn."""
        with self._lock:
            for handle in self._free:
                if handle.lock.acquire(blocking=False):
                    return handle
            if len(self._free) < FREE_HANDLES_MAX:
                handle = _Handle(self._folder)
                handle.lock.acquire()
                self._free.append(handle)
                return handle
            self._turn = (self._turn + 1) % len(self._free)
            handle = self._free[self._turn]
        handle.lock.acquire()
        return handle

    def _run(
        self,
        handle: _Handle,
        statement: bytes,
        database: str,
        settings: Mapping[str, str],
        parameters: Mapping[str, str],
        default_format: str,
        data: bytes,
    ) -> Result:
        if database and database != handle.database:
            handle.connection.query(f"USE `{database.replace('`', '')}`")
            handle.database = database
        applied = [name for name in settings if _NAME.fullmatch(name)]
        if applied:
            handle.connection.query("SET " + ", ".join(f"{name} = {_quoted(settings[name])}" for name in applied))
        try:
            insert = _INSERT.match(statement[:INSERT_HEAD_BYTES_MAX])
            if insert is not None:
                rows = (statement[insert.end() :], data)
                return _insert(handle.connection, insert.group(1).decode(), insert.group(2).decode(), rows)
            text = (statement + b"\n" + data if data else statement).decode()
            answer = handle.connection.query(text, default_format, params=dict(parameters) or None)
            return Result(
                bytes(answer.bytes()),
                answer.rows_read(),
                answer.bytes_read(),
                answer.rows_written(),
                answer.bytes_written(),
                answer.elapsed(),
            )
        finally:
            if applied:
                with suppress(RuntimeError):
                    handle.connection.query("SET " + ", ".join(f"{name} = DEFAULT" for name in applied))

    def close(self) -> None:
        """Close every handle; waits for running statements."""
        with self._lock:
            handles = [*self._handles.values(), *self._free]
            self._handles.clear()
            self._free.clear()
        for handle in handles:
            with handle.lock:
                handle.connection.close()


def _insert(connection: Any, statement: str, format_name: str, data: Iterable[bytes]) -> Result:
    inserter = connection.send_insert(statement, format_name)
    try:
        for part in data:
            if part:
                inserter.append(part)
        done = inserter.finish()
    except BaseException:
        with suppress(RuntimeError):
            inserter.cancel()
        raise
    return Result(b"", 0, 0, done.rows_written, done.bytes_written, done.elapsed)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

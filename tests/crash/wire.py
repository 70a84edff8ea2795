"""What lies between a process of ours and a server: a proxy on loopback that a test makes misbehave.

A ``Link`` stands in front of one server. Its ``fault`` may change at any moment, for connections that are open too:

- ``Refuse``: no connection is taken, those that are open are reset;
- ``Blackhole``: everything stays open and nothing moves, as behind a firewall that forgot the connection;
- ``Delay``: every piece waits, the same or a different time each;
- ``Throttle``: so many bytes a second;
- ``Cut``: after so many bytes of an answer the connection is closed or reset;
- ``DropAnswer``: what is asked for arrives and is done, its answer never comes back, and the connection is cut;
- ``Answer``: requests of a kind are answered by the link and do not arrive.

The last two must know a request when they see one: ``KAFKA``, ``REDIS`` and ``HTTP`` split what a client sends.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

PIECE_BYTES = 65_536
IDLE_SECONDS = 0.02
START_SECONDS_MAX = 10.0

Kind = Callable[[bytes], bool]
"""Whether a piece that a client sent begins a request of a kind."""


def kafka(*api_keys: int) -> Kind:
    """Requests of these kinds; 0 is Produce, 8 OffsetCommit, 11 JoinGroup."""
    wanted = {struct.pack(">h", key) for key in api_keys}
    return lambda piece: len(piece) > 8 and piece[4:6] in wanted and int.from_bytes(piece[6:8], "big") < 30


def containing(*words: bytes) -> Kind:
    """Pieces that have one of ``words`` in them, e.g. the name of a function or ``INSERT INTO``."""
    return lambda piece: any(word in piece for word in words)


class Refuse(NamedTuple):
    pass


class Blackhole(NamedTuple):
    pass


class Delay(NamedTuple):
    seconds: float
    jitter_seconds: float = 0.0


class Throttle(NamedTuple):
    bytes_per_second: int


class Cut(NamedTuple):
    """``reset``: with RST instead of an orderly end."""

    after_bytes: int
    reset: bool = False


class DropAnswer(NamedTuple):
    kind: Kind


class Answer(NamedTuple):
    kind: Kind
    answer: bytes


Fault = Refuse | Blackhole | Delay | Throttle | Cut | DropAnswer | Answer | None


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    answered: int = 0
    dropping: bool = False

    def end(self, reset: bool = False) -> None:
        for writer in (self.client, self.server):
            if reset:
                with suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort() if reset else writer.close()


class Link:
    """See the module. ``hits`` counts what a fault did to somebody."""

    def __init__(self, wire: Wire, port: int, server: tuple[str, int]) -> None:
        self.port = port
        self.hits = 0
        self._wire = wire
        self._server = server
        self._fault: Fault = None
        self._listener: asyncio.Server | None = None
        self._open: set[_Connection] = set()
        self._random = random.Random(port)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def set(self, fault: Fault) -> None:
        """From now on; None: all is well again."""
        self._wire.call(self._set(fault))

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        self.set(fault)
        try:
            yield
        finally:
            self.set(None)

    async def _set(self, fault: Fault) -> None:
        self._fault = fault
        if isinstance(fault, Refuse):
            if self._listener is not None:
                self._listener.close()
                self._listener = None
            self.hits += 1
            for connection in list(self._open):
                connection.end(reset=True)
        elif self._listener is None:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        for connection in self._open:
            connection.answered, connection.dropping = 0, False

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._open):
            connection.end(reset=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream, outgoing = await asyncio.open_connection(*self._server)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, outgoing)
        self._open.add(connection)
        ways = [asyncio.ensure_future(self._ask(connection, reader)), asyncio.ensure_future(self._answer(connection, upstream))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(connection)
            connection.end()

    async def _ask(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        """Client to server."""
        while piece := await reader.read(PIECE_BYTES):
            await self._hold(len(piece))
            fault = self._fault
            if isinstance(fault, DropAnswer) and fault.kind(piece):
                connection.dropping = True
            if isinstance(fault, Answer) and fault.kind(piece):
                self.hits += 1
                connection.client.write(fault.answer)
                await connection.client.drain()
                return
            connection.server.write(piece)
            await connection.server.drain()

    async def _answer(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        """Server to client."""
        while piece := await reader.read(PIECE_BYTES):
            await self._hold(len(piece))
            if connection.dropping:
                self.hits += 1
                connection.end(reset=True)
                return
            fault = self._fault
            if isinstance(fault, Cut):
                left = fault.after_bytes - connection.answered
                if left < len(piece):
                    self.hits += 1
                    connection.client.write(piece[: max(left, 0)])
                    with suppress(OSError):
                        await connection.client.drain()
                    connection.end(fault.reset)
                    return
                connection.answered += len(piece)
            connection.client.write(piece)
            await connection.client.drain()

    async def _hold(self, size: int) -> None:
        """What keeps a piece waiting."""
        if isinstance(self._fault, Blackhole):
            self.hits += 1
        while isinstance(self._fault, Blackhole):
            await asyncio.sleep(IDLE_SECONDS)
        fault = self._fault
        if isinstance(fault, Delay):
            self.hits += 1
            await asyncio.sleep(max(fault.seconds + self._random.uniform(-1, 1) * fault.jitter_seconds, 0.0))
        elif isinstance(fault, Throttle):
            self.hits += 1
            while size > 0 and isinstance(self._fault, Throttle):
                await asyncio.sleep(IDLE_SECONDS)
                size -= max(int(fault.bytes_per_second * IDLE_SECONDS), 1)


class Wire:
    """The links of one test session, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def link(self, port: int, server: str) -> Link:
        """A link that listens on ``port`` and leads to ``server`` (host:port)."""
        host, _, number = server.rpartition(":")
        link = Link(self, port, (host, int(number)))
        self._links.append(link)
        link.set(None)
        return link

    def call(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_SECONDS_MAX)  # type: ignore[arg-type]

    def close(self) -> None:
        for link in self._links:
            self.call(link.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS_MAX)
        self._loop.close()

"""What the demo shows while it works: steps with their time, and a counter that moves. A pipe gets plain lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

REFRESH_PER_SECOND = 8
PLAIN_EVERY_SECONDS = 5.0
"""A pipe hears of a running step this often."""

Tell = Callable[[str], None]


class Screen:
    """Steps one below the other; the running one has a spinner and says how it is getting on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._title = ""
        self._words = ""
        self._began = 0.0
        self._told = 0.0
        self._spinner = Spinner("dots")

    def __enter__(self) -> Screen:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=REFRESH_PER_SECOND, get_renderable=self._running, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._title = ""
        if self._live is not None:
            self._live.stop()

    def say(self, words: RenderableType = "") -> None:
        """A line that stays."""
        self._console.print(words)

    def heading(self, words: str) -> None:
        """Above a part of the report."""
        self._console.print()
        self._console.print(Text(words, style="bold"), soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Tell]:
        """A step of the demo; the callable tells how it is getting on, as often as it likes."""
        self._title, self._words = title, ""
        self._began = self._told = time.monotonic()
        if self._live is None:
            self._console.print(f"... {title}")
        try:
            yield self._tell
        except BaseException:
            self._close("✗", "red")
            raise
        self._close("✔", "green")

    def _tell(self, words: str) -> None:
        self._words = words
        now = time.monotonic()
        if self._live is None and now - self._told >= PLAIN_EVERY_SECONDS:
            self._told = now
            self._console.print(f"    {now - self._began:5.1f} s  {words}")

    def _close(self, mark: str, style: str) -> None:
        took = time.monotonic() - self._began
        title, words = self._title, self._words
        self._title = self._words = ""
        self._console.print(Text.assemble((mark, style), f" {title}", (f"  {took:.1f} s", "dim")))
        if words:
            self._console.print(Text(f"    {words}", style="dim"))

    def _running(self) -> RenderableType:
        if not self._title:
            return Text("")
        head = Table.grid(padding=(0, 1))
        head.add_row(self._spinner, Text.assemble(self._title, (f"  {time.monotonic() - self._began:.0f} s", "dim")))
        return Group(head, Text(f"    {self._words}" if self._words else "", style="cyan"))

"""JSON lines for programs on stdout; words for people, fitted to their terminal."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_LINK = "https://id.gs1.org"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")
PIPE_COLUMNS = 160
"""Width of tables that go to a file or a pipe, where nobody has a narrow window."""


def emit(row: Mapping[str, Any]) -> None:
    """One JSON object, one line."""
    sys.stdout.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def emit_all(rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        emit(row)


@cache
def screen() -> Console:
    """Where answers for people go."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE_COLUMNS)


@cache
def aside() -> Console:
    """Where progress and remarks go: stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def tell(sentence: str, style: str = "") -> None:
    """A sentence on stderr: one line, but on a terminal broken between words."""
    if sys.stderr.isatty():
        aside().print(sentence, markup=False, emoji=False, style=style or None)
    else:
        sys.stderr.write(sentence + "\n")


def when(text: str | None, fraction: bool = True) -> str:
    """An ISO time as ``2026-11-22 10:00:00.125`` (UTC); the fraction only when there is one."""
    if not text:
        return "-"
    moment = datetime.fromisoformat(text).astimezone(UTC)
    shown = moment.strftime("%Y-%m-%d %H:%M:%S")
    return shown + f".{moment.microsecond // 1000:03d}" if fraction and moment.microsecond else shown


def short(text: str) -> str:
    """Identifiers in a text as people read them off a pack: ``(01)09506000134352(21)A1B2C3``, ``(00)...``, bare GLNs."""
    from urllib.parse import unquote

    def plain(hit: re.Match[str]) -> str:
        return unquote("".join(f"({ai}){value}" for ai, value in re.findall(r"/([0-9]{2,4})/([^/?\s,;]+)", hit[0][len(_LINK) :])))

    text = re.sub(rf"{_LINK}/414/([0-9]{{13}})(?:/254/([^/?\s,;]+))?", lambda hit: unquote(hit[1] + (f"/{hit[2]}" if hit[2] else "")), text)
    text = re.sub(rf"{_LINK}(?:/[0-9]{{2,4}}/[^/?\s,;]+)+", plain, text)
    text = re.sub(r"(?<![\w()/])00([0-9]{18})(?![\w()/])", r"(00)\1", text)
    return re.sub(r"(?<![\w()/])01([0-9]{14})(10|21)([!-\"%-:<-?A-Z_a-z]{1,20})(?![\w()/])", r"(01)\1(\2)\3", text)


def readable(text: str) -> str:
    """A sentence of the services with its identifiers and times as people read them."""
    return _TIME.sub(lambda hit: when(hit[0]), short(text))


# fmt: off
SEVERITY = {
    #  word       mark    style
    "critical": ("▲▲",   "bold red"),
    "high":     ("▲ ",   "red"),
    "medium":   ("● ",   "yellow"),
    "low":      ("○ ",   "dim"),
}
STATUS = {
    "provisional": "yellow",
    "confirmed":   "bold",
    "withdrawn":   "dim strike",
}
# fmt: on


def severity(word: str) -> Text:
    """The word with its mark: readable without colours."""
    from rich.text import Text

    mark, style = SEVERITY.get(word, ("? ", ""))
    return Text(f"{mark} {word}", style=style)


def status(word: str) -> Text:
    from rich.text import Text

    return Text(word, style=STATUS.get(word, ""))


def count(number: int, one: str, many: str = "") -> str:
    """``1 event``, ``12,345 events``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@contextmanager
def counter(verb: str, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """A live count on stderr while something is sent; nothing where stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda number: None
        return
    with aside().status(f"0 {verb}") as line:
        yield lambda number: line.update(f"{number:,} {verb}")

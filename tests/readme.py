"""The commands that the README tells a newcomer to type, in order."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

README: Final = Path(__file__).parents[1] / "README.md"


def typed() -> list[list[str]]:
    """The words of every ``packtrace`` command in a block of README.md, without what a comment or the shell adds."""
    found = []
    block = False
    for line in README.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            block = not block
        elif block and line.startswith("packtrace "):
            found += [shlex.split(part, comments=True)[1:] for part in line.split(" && ")]
    return found


def curled() -> list[list[str]]:
    """The words of every ``curl`` command in a block of README.md."""
    text = README.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = text.split("```")[1::2]
    return [shlex.split(line, comments=True)[1:] for block in blocks for line in block.splitlines() if line.startswith("curl ")]

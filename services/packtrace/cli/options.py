"""Options that many commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HOME = Path(".packtrace")

Home = Annotated[
    Path,
    typer.Option("--home", envvar="PACKTRACE_HOME", help="Folder of the local system.", rich_help_panel="Common", show_default=True),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line, nothing else.", rich_help_panel="Common")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="As it was then: 2026-11-22T10:00:00Z, 2026-11-22, or an age such as 90s, 15m, 2h, 3d."),
]
EPC_HELP = "The item, in any spelling: Digital Link, EPC URN, (01)...(21)..., scanned text."

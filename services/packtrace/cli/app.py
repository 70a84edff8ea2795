"""The list of commands, in the order ``packtrace --help`` shows them."""

from __future__ import annotations

import typer

from packtrace.cli import ask, bench, codes, demo, dscsa, epcis, feed, inside, prove, reference, simulate, stack

HELP = """Where every serialised medicine pack came from, and where it is now.

Start with: packtrace up --detach, then packtrace simulate --units 1000, then packtrace alerts.
Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 a dependency is away.
"""

app = typer.Typer(
    name="packtrace",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for room in (stack, demo, bench, reference, feed, simulate, ask, dscsa, epcis, codes, inside, prove):
    room.register(app)

"""Runs one command. Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 a dependency is away."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from packtrace.cli.outcome import Exit, NoError
from packtrace.cli.output import tell
from packtrace.errors import RefusedError, RejectedError, UnavailableError


def run(words: Sequence[str]) -> int:
    """Run ``packtrace <words>`` and answer its exit code."""
    from typer import Abort
    from typer.exceptions import TyperException

    from packtrace.cli.app import app

    try:
        code = app(args=list(words), prog_name="packtrace", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else Exit.DONE
    except NoError as error:
        return _say(str(error), Exit.NO)
    except RejectedError as error:
        return _say(f"this cannot be read: {error.text}", Exit.WRONG_USE)
    except RefusedError as error:
        return _say(str(error), Exit.WRONG_USE)
    except UnavailableError as error:
        return _say(str(error), Exit.AWAY)
    except TyperException as error:
        return _usage(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except (KeyboardInterrupt, Abort):
        return Exit.INTERRUPTED


def _say(sentence: str, code: int) -> int:
    if sentence:
        tell(f"packtrace: {sentence}")
    return code


def _usage(error: Exception) -> int:
    """A word the command line does not know, said with where to look."""
    context = getattr(error, "ctx", None)
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    if not text:
        return Exit.WRONG_USE
    command = context.command_path if context is not None else "packtrace"
    tell(f"{command}: {' '.join(text.split())} (see `{command} --help`)")
    return Exit.WRONG_USE


def main() -> None:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

"""Every command explains itself with an example, and every failure is one sentence and an exit code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from packtrace.cli.__main__ import run
from packtrace.cli.app import app
from packtrace.cli.outcome import Exit

PROMISED = (
    "up", "down", "status", "wait", "reference load", "reference diff", "reference show", "publish", "capture", "simulate", "show", "tree", "history",
    "explain", "alerts", "alerts show", "recall", "verify", "rejected list", "rejected show", "rejected replay", "migrate", "topics", "inspect", "stats",
    "check", "rebuild",
    "dscsa", "epcis check", "epcis convert", "epcis hash", "scan decode", "id convert",
)  # fmt: skip


def commands(group: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its words."""
    group = group or typer.main.get_command(app)
    for word, command in group.commands.items():
        words = f"{name} {word}".strip()
        if getattr(command, "commands", None):
            if command.callback is not None:
                yield words, command
            yield from commands(command, words)
        else:
            yield words, command


COMMANDS = dict(commands())
OFFLINE = {"epcis check", "epcis convert", "epcis hash", "scan decode", "id convert"}
"""They ask no system, so no home."""


@pytest.mark.parametrize("words", PROMISED)
def test_the_command_is_there(words: str) -> None:
    assert words in COMMANDS


@pytest.mark.parametrize("words", COMMANDS)
def test_it_has_help_with_an_example_of_itself(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    help_text = COMMANDS[words].help or ""
    example = help_text.partition("Example: ")[2]
    assert example.startswith(f"packtrace {words}"), help_text
    assert run([*words.split(), "--help"]) == Exit.DONE
    assert ("--home" in capsys.readouterr().out) is (words not in OFFLINE)


@pytest.mark.parametrize("words", COMMANDS)
def test_what_answers_people_answers_programs_too(words: str) -> None:
    names = {option for parameter in COMMANDS[words].params for option in parameter.opts}
    assert ("--home" in names) is (words not in OFFLINE)
    assert "--json" in names or words in {"up", "down", "demo"}


# fmt: off
WRONG = [
    #  words                                          says
    (["nonsense"],                                    "No such command"),
    (["show"],                                        "Missing argument 'EPC'"),
    (["show", "X", "--colour"],                       "No such option"),
    (["show", "X", "--at", "yesterday"],              "expected a time such as"),
    (["up", "--base-port", "80"],                     "greater than or equal to 1024"),
    (["inspect", "9999"],                             "expected a partition from 0 to 15"),
    (["inspect", "hello"],                            "cannot be read"),
    (["rejected", "show", "here"],                    "expected topic/partition/offset"),
    (["reference", "load", "nothing.json"],           "nothing.json: No such file"),
    (["reference", "show", "cat"],                    "expected one of product, lot"),
    (["alerts", "show", "abc"],                       "at least 6 characters"),
]
# fmt: on


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_wrong_use_is_one_sentence_and_exit_2(words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = [] if words[0] == "nonsense" else ["--home", str(tmp_path)]
    assert run([*words, *home]) == Exit.WRONG_USE
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1


def test_nothing_runs_here_is_a_no(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--home", str(tmp_path)]) == Exit.NO
    assert "next: packtrace up --detach" in capsys.readouterr().err
    assert run(["down", "--home", str(tmp_path)]) == Exit.DONE


NEED_A_SYSTEM = (
    ["show", "X"], ["alerts"], ["recall", "09506000134352", "L7"], ["verify", "X"], ["rejected", "list"], ["stats"], ["inspect", "3"], ["wait"],
    ["publish", "-"], ["capture", "-"], ["topics"], ["migrate"], ["reference", "show"],
)  # fmt: skip


@pytest.mark.parametrize("words", NEED_A_SYSTEM)
def test_no_system_under_the_home_is_one_sentence_and_exit_3(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever may be running on the default ports: it is another one."""
    assert run([*words, "--home", str(tmp_path)]) == Exit.AWAY
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert f"the system under {tmp_path} has never run; next: packtrace up --detach" in said.err


def test_the_environment_may_name_a_system(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKTRACE_QUERY", "http://127.0.0.1:1")
    from packtrace.cli.system import addresses

    assert addresses(tmp_path).query == "http://127.0.0.1:1"
    monkeypatch.setenv("PACKTRACE_COLOUR", "blue")
    assert run(["show", "X", "--home", str(tmp_path)]) == Exit.WRONG_USE
    assert "PACKTRACE_COLOUR is not a setting" in capsys.readouterr().err


@pytest.mark.contract
def test_help_is_quick() -> None:
    """Nothing heavy is imported for it."""
    script = "import sys; from packtrace.cli.app import app; print([name for name in sys.argv[1:] if name in sys.modules])"
    heavy = [
        "confluent_kafka",
        "redis",
        "clickhouse_connect",
        "chdb",
        "pydantic",
        "starlette",
        "uvicorn",
        "httpx",
        "fastavro",
        "structlog",
        "rich.console",
    ]
    found = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"

"""An unmarked test can neither connect to a server nor start one."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

UNMARKED = """
import socket, subprocess, sys

def test_connects():
    socket.create_connection(("127.0.0.1", 9), 1)

def test_looks():
    socket.socket().connect_ex(("127.0.0.1", 9))

def test_starts():
    subprocess.run([sys.executable, "-c", "pass"])

def test_asks_for_a_server(valkey_server):
    pass
"""
MARKED = """
import subprocess, sys, pytest

@pytest.mark.contract
def test_starts():
    subprocess.run([sys.executable, "-c", "pass"], check=True)
"""


CONFTEST = """
from tests.conftest import *
from tests.conftest import _guard

@pytest.fixture(scope="session")
def _servers():
    raise RuntimeError("a server was started")
"""


def run(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    pytester.makeini("[pytest]\nmarkers = contract\n")
    pytester.makeconftest(CONFTEST)
    pytester.syspathinsert(str(pytester.path))
    pytester.makepyfile(text)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider")


def test_an_unmarked_test_is_refused_all_of_it(pytester: pytest.Pytester) -> None:
    result = run(pytester, UNMARKED)
    result.assert_outcomes(failed=3, errors=1)
    refused = [line for line in result.outlines if line.startswith("E ") and "UnmarkedTestReachesOutError: " in line]
    assert len(refused) == 4
    result.stdout.fnmatch_lines(["*UnmarkedTestReachesOutError: valkey_server: mark the test *"])
    result.stdout.no_fnmatch_line("*a server was started*")


def test_a_marked_test_may(pytester: pytest.Pytester) -> None:
    run(pytester, MARKED).assert_outcomes(passed=1)

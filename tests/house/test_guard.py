"""An unmarked test can neither connect to a server nor start one."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

UNMARKED = """
import socket, subprocess, sys

def test_connects():
    socket.create_connection(("127.0.0.1", 9), 1)

def test_starts():
    subprocess.run([sys.executable, "-c", "pass"])
"""
MARKED = """
import subprocess, sys, pytest

@pytest.mark.contract
def test_starts():
    subprocess.run([sys.executable, "-c", "pass"], check=True)
"""


def run(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    pytester.makeini("[pytest]\nmarkers = contract\n")
    pytester.makeconftest("from tests.conftest import *\nfrom tests.conftest import _guard\n")
    pytester.syspathinsert(str(pytester.path))
    pytester.makepyfile(text)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider")


def test_an_unmarked_test_is_refused_both(pytester: pytest.Pytester) -> None:
    result = run(pytester, UNMARKED)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*UnmarkedTestReachesOutError*"])


def test_a_marked_test_may(pytester: pytest.Pytester) -> None:
    run(pytester, MARKED).assert_outcomes(passed=1)

"""The import contracts hold, and refuse an upward and a sideways import when one is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contracts of pyproject.toml over the package found in ``folder``."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "services" / "packtrace", tmp_path / "packtrace", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_every_import_points_down(copied: Path) -> None:
    result = lint(copied)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("domain/vocabulary.py", "from packtrace.codec import wire  # upward"),
        ("router/core.py", "from packtrace.tracker import engine  # sideways"),
        ("codec/state.py", "import redis  # I/O"),
        ("adapters/kafka.py", "from packtrace.sink import shell  # upward"),
    ],
)
def test_an_upward_or_sideways_import_is_refused(copied: Path, module: str, line: str) -> None:
    path = copied / "packtrace" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    result = lint(copied)
    assert result.returncode != 0
    assert "BROKEN" in result.stdout

"""What must be there before a start: said in one sentence when it is not, fetched once when it can be."""

from __future__ import annotations

import stat
import threading
import time
from pathlib import Path

import pytest

from packtrace.embedded import downloads
from packtrace.embedded.downloads import java, kafka_jars
from packtrace.errors import RefusedError

NEEDS = "packtrace up needs a Java 17+ runtime and Maven"


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH; the cache is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_no_java_is_one_sentence_that_says_what_to_install(bin_folder: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        java()
    assert str(refused.value) == f"{NEEDS} (Debian: apt-get install openjdk-17-jre-headless maven); no java was found"


@pytest.mark.contract
@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_292", "16"])
def test_an_old_java_is_named(bin_folder: Path, version: str) -> None:
    program(bin_folder, "java", f"echo 'openjdk version \"{version}\" 2019-01-15' >&2")
    with pytest.raises(RefusedError, match=f'{NEEDS}.*; found openjdk version "{version}"'.replace("+", "[+]")):
        java()


@pytest.mark.contract
@pytest.mark.parametrize("version", ["17.0.9", "21", "25-ea"])
def test_a_newer_java_will_do(bin_folder: Path, version: str) -> None:
    program(bin_folder, "java", f"echo 'openjdk version \"{version}\" 2024-01-15' >&2")
    assert java() == str(bin_folder / "java")


def test_no_maven_is_said_and_leaves_nothing_half_fetched(bin_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"; no mvn was found$"):
        kafka_jars(lambda text: None)
    assert list((tmp_path / "cache" / "packtrace").iterdir()) == []


@pytest.mark.contract
def test_what_maven_says_is_shown_only_when_it_fails(bin_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program(bin_folder, "mvn", "echo '[ERROR] Could not transfer artifact'; exit 1")
    with pytest.raises(RefusedError, match=r"Maven could not fetch it(.|\n)*Could not transfer artifact"):
        kafka_jars(lambda text: None)
    assert list((tmp_path / "cache" / "packtrace").iterdir()) == []
    program(bin_folder, "mvn", "echo 'nothing to do'")
    with pytest.raises(RefusedError, match="brought nothing"):
        kafka_jars(lambda text: None)
    save = 'for word in "$@"; do case $word in -DoutputDirectory=*) : > "${word#*=}/a.jar";; esac; done'
    program(bin_folder, "mvn", f"echo 'Downloading everything'; {save}")
    told: list[str] = []
    assert kafka_jars(told.append) == tmp_path / "cache" / "packtrace" / f"kafka-{downloads.KAFKA_VERSION}-1"
    assert told == [f"fetching Apache Kafka {downloads.KAFKA_VERSION} (54 MB)"]
    assert "Downloading" not in "".join(capfd.readouterr())


def test_two_first_starts_at_once_see_one_whole_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    both = threading.Barrier(2)
    found: list[Path] = []

    def fetch(target: Path) -> None:
        both.wait(10)
        for number in range(20):
            (target / f"{number}.jar").touch()
            time.sleep(0.001)

    def start() -> None:
        folder = downloads._once("things-1", fetch, "fetching", lambda text: None)
        assert len(list(folder.iterdir())) == 20
        found.append(folder)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [tmp_path / "packtrace" / "things-1"] * 2
    assert list((tmp_path / "packtrace").iterdir()) == [tmp_path / "packtrace" / "things-1"]

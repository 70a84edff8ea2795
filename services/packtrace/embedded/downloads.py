"""What Maven brings, once per machine, into the user's cache folder: Kafka's jars and the registry."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from packtrace.errors import RefusedError

KAFKA_VERSION = "4.1.0"
REGISTRY_VERSION = "2.6.13.Final"
JAVA_VERSION_MIN = 17
MAVEN_SECONDS_MAX = 900
_REGISTRY = f"io.apicurio:apicurio-registry-app:{REGISTRY_VERSION}:tar.gz:all"
_NEEDS = f"packtrace up needs a Java {JAVA_VERSION_MIN}+ runtime and Maven (Debian: apt-get install openjdk-17-jre-headless maven)"

Progress = Callable[[str], None]


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/packtrace`` or ``~/.cache/packtrace``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "packtrace"


def java() -> str:
    """The Java to run with.

    Raises:
        RefusedError: there is none, or an older one; one sentence that says what to install.
    """
    found = shutil.which("java")
    if found is None:
        raise RefusedError(f"{_NEEDS}; no java was found")
    text = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    version = re.search(r'version "([0-9]+)', text)
    if version is None or int(version[1]) < JAVA_VERSION_MIN:
        raise RefusedError(f"{_NEEDS}; found {text.splitlines()[0] if text else 'a java that does not answer'}")
    return found


def kafka_jars(progress: Progress) -> Path:
    """The folder with Kafka's jars."""

    def fetch(target: Path) -> None:
        pom = Path(__file__).with_name("kafka-pom.xml")
        _maven(["-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={target}"])

    return _once(f"kafka-{KAFKA_VERSION}-1", fetch, f"fetching Apache Kafka {KAFKA_VERSION} (54 MB)", progress)


def registry_home(progress: Progress) -> Path:
    """The folder with the registry's runner jar."""

    def fetch(target: Path) -> None:
        _maven(["dependency:get", "-Dtransitive=false", f"-Dartifact={_REGISTRY}"])
        with tempfile.TemporaryDirectory() as packed:
            _maven(["dependency:copy", f"-Dartifact={_REGISTRY}", f"-DoutputDirectory={packed}"])
            (archive,) = Path(packed).glob("*.tar.gz")
            with tarfile.open(archive) as opened:
                opened.extractall(target, filter="data")

    return _once(f"registry-{REGISTRY_VERSION}-1", fetch, f"fetching Apicurio Registry {REGISTRY_VERSION} (142 MB)", progress)


def _once(name: str, fetch: Callable[[Path], None], what: str, progress: Progress) -> Path:
    """``fetch`` into a folder that appears whole: two first starts at once do not meet a half one."""
    target = cache_folder() / name
    if target.is_dir():
        return target
    progress(what)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=target.parent))
    try:
        fetch(work)
        if not any(work.iterdir()):
            raise RefusedError(f"{what}: Maven brought nothing; its settings or its mirror are not as usual")
        try:
            work.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _maven(words: list[str]) -> None:
    found = shutil.which("mvn")
    if found is None:
        raise RefusedError(f"{_NEEDS}; no mvn was found")
    result = subprocess.run(
        [found, "-q", "-B", *words],
        capture_output=True,
        text=True,
        timeout=MAVEN_SECONDS_MAX,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd="/",
    )
    if result.returncode:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise RefusedError(f"Maven could not fetch it ({' '.join(words[-2:])}):\n{tail}")

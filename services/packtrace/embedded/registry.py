"""Apicurio Registry with its schemas in a file under the home folder, so that schema ids survive."""

from __future__ import annotations

from pathlib import Path

from packtrace.embedded.downloads import REGISTRY_VERSION, Progress, java, registry_home
from packtrace.embedded.part import Part, http_probe

HEAP = "-Xmx300m"
FIRST_COMPILER_ONLY = "-XX:TieredStopAtLevel=1"
"""It answers at the start of each process and is idle then: what the second compiler would make of that costs more than it saves."""
PATH = "/apis/ccompat/v7"


def registry_part(home: Path, port: int, progress: Progress) -> Part:
    """The registry as a supervised process; fetches it on the first use of the machine."""
    jar = registry_home(progress) / f"apicurio-registry-app-{REGISTRY_VERSION}-runner.jar"
    folder = home / "registry"
    # WRITE_DELAY=0: an id that was answered is on disk; by default it would be half a second later
    database = f"jdbc:h2:file:{folder / 'schemas'};DB_CLOSE_ON_EXIT=FALSE;WRITE_DELAY=0"
    options = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": str(port),
        "registry.datasource.url": database,
        "quarkus.datasource.jdbc.url": database,
        "quarkus.log.level": "WARN",
    }
    return Part(
        name="registry",
        command=(
            java(),
            HEAP,
            "-XX:+UseSerialGC",
            FIRST_COMPILER_ONLY,
            *(f"-D{name}={value}" for name, value in options.items()),
            "-jar",
            str(jar),
        ),
        address=f"http://127.0.0.1:{port}{PATH}",
        probe=http_probe(f"http://127.0.0.1:{port}{PATH}/subjects"),
        prepare=lambda: folder.mkdir(parents=True, exist_ok=True),
    )

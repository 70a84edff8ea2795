"""Apache Kafka itself, one node in KRaft mode, its log under the home folder."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from packtrace.embedded.downloads import Progress, java, kafka_jars
from packtrace.embedded.part import Part, kafka_probe
from packtrace.errors import RefusedError

HEAP = "-Xmx512m"
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
num.partitions=1
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
log.flush.scheduler.interval.ms=1000
"""


def kafka_part(home: Path, port: int, controller_port: int, progress: Progress) -> Part:
    """The broker as a supervised process; fetches it on the first use of the machine."""
    folder = home / "kafka"
    jars = kafka_jars(progress)
    runtime = (java(), HEAP, "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*")
    configuration = folder / "server.properties"

    def prepare() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        configuration.write_text(_PROPERTIES.format(port=port, controller=controller_port, data=folder / "data"), encoding="utf-8")
        if not (folder / "data" / "meta.properties").exists():
            _tool(runtime, "format", "--ignore-formatted", "-t", _cluster_id(), "-c", str(configuration))

    return Part(
        name="kafka",
        command=(*runtime, "kafka.Kafka", str(configuration)),
        address=f"127.0.0.1:{port}",
        probe=kafka_probe(port),
        prepare=prepare,
    )


def _cluster_id() -> str:
    """As Kafka's own ``random-uuid``: 16 random bytes in URL-safe base64, not starting with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _tool(runtime: tuple[str, ...], *words: str) -> str:
    result = subprocess.run([*runtime, "kafka.tools.StorageTool", *words], capture_output=True, text=True, timeout=120, check=False)
    if result.returncode:
        raise RefusedError(f"Kafka's storage could not be prepared: {(result.stdout + result.stderr).strip()[-500:]}")
    return result.stdout

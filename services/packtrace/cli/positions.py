"""How far router, tracker and sink are, as Kafka and Redis say (what ``wait`` asks)."""

from __future__ import annotations

from packtrace.cli.settled import TrackerPosition
from packtrace.contracts import topics
from packtrace.ports import LogReader, StateStore, TopicPartition

ROUTER_GROUP = "packtrace-router"
SINK_GROUP = "packtrace-sink"
OPS = "ops"


class LivePositions:
    """Implements ``settled.Positions``.

    Args:
        router, sink: readers of those groups that never subscribe, so that asking disturbs nobody.
    """

    def __init__(self, router: LogReader, sink: LogReader, store: StateStore) -> None:
        self._router = router
        self._sink = sink
        self._store = store

    def ends(self, topic: str) -> dict[TopicPartition, int]:
        ends = {}
        for partition in _partitions(topic):
            oldest, end = self._router.watermarks(partition)
            if end > oldest:
                ends[partition] = end
        return ends

    def routed(self, topic: str) -> dict[TopicPartition, int]:
        return _committed(self._router, topic)

    def tracked(self) -> dict[int, TrackerPosition]:
        found = {}
        for partition in _partitions(OPS):
            meta = self._store.meta(partition.partition)
            if meta is not None:
                facts = {source: at for source, at in meta.watermarks.items() if source.startswith(f"{OPS}/")}
                found[partition.partition] = TrackerPosition(meta.offset, facts)
        return found

    def stored(self, topic: str) -> dict[TopicPartition, int]:
        return _committed(self._sink, topic)

    def close(self) -> None:
        self._router.close()
        self._sink.close()


def _partitions(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(topics()[topic].partitions)]


def _committed(reader: LogReader, topic: str) -> dict[TopicPartition, int]:
    return {partition: max(position.offset, 0) for partition, position in reader.committed(_partitions(topic)).items()}

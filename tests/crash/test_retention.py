"""A topic that lost its beginning before everybody had read it: on servers of its own, for nobody can go on from there."""

from __future__ import annotations

import time
from pathlib import Path

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.kafka_scan import KafkaScan
from packtrace.ports import TopicPartition
from packtrace.proof.rebuild import plan
from tests.crash.conftest import made
from tests.crash.works import SERVICES

pytestmark = [pytest.mark.crash, pytest.mark.sweep, pytest.mark.timeout(300)]


def test_what_retention_took_is_told_to_the_record_and_nothing_is_skipped(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Row 35."""
    with made(tmp_path, request.config.getoption("--servers")) as works:
        works.start(*SERVICES)
        works.publish(works.story())
        works.settle()
        works.stop("tracker")
        scan, history = KafkaScan(works.kafka), ClickHouseStore(works.clickhouse)
        stood = scan.ends(TopicPartition("ops", 2))[1]
        time.sleep(2)  # ticks
        end = scan.ends(TopicPartition("ops", 2))[1]
        place = plan(history, scan, 16).starts[2].checkpoint.offset
        assert place <= stood < end
        admin, gone = AdminClient({"bootstrap.servers": works.kafka}), ck.TopicPartition("ops", 2, end)
        admin.delete_records([gone])[gone].result(10)
        works.start("tracker", crash_at="tracker.after_commit:1000000")
        assert works.ended("tracker") == 1
        assert f"it holds offsets {end} to" in works.log("tracker")
        assert "Nothing is skipped" in works.log("tracker")
        (missing,) = plan(history, scan, 16).missing
        assert missing.startswith(f"ops/2: the newest checkpoint in ClickHouse is at offset {place:,} and the topic begins at {end:,}")
        assert f"records {place:,} to {end - 1:,} are in neither" in missing

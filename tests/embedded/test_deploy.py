"""What is deployed is what is tested."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from packtrace.embedded.downloads import KAFKA_VERSION, REGISTRY_VERSION
from packtrace.embedded.plan import SERVICES
from tests.servers import IMAGES

COMPOSE = yaml.safe_load((Path(__file__).parents[2] / "deploy/compose.yaml").read_text(encoding="utf-8"))


def test_compose_names_the_images_of_the_contract_suites() -> None:
    assert {name: COMPOSE["services"][name]["image"] for name in IMAGES} == {name: image for name, (image, _) in IMAGES.items()}


def test_the_embedded_servers_are_the_same_versions() -> None:
    assert IMAGES["kafka"][0].endswith(f":{KAFKA_VERSION}")
    assert IMAGES["registry"][0].endswith(f":{REGISTRY_VERSION}")
    pom = (Path(__file__).parents[2] / "services/packtrace/embedded/kafka-pom.xml").read_text(encoding="utf-8")
    assert set(re.findall(r"<artifactId>kafka[^<]*</artifactId><version>([^<]+)", pom)) == {KAFKA_VERSION}


def test_compose_runs_every_service() -> None:
    assert {name for name in COMPOSE["services"] if name in SERVICES} == set(SERVICES)

"""A link in front of each server of a works, and the settings of a service that talks through them."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.crash.wire import Link, Wire
from tests.crash.works import Works
from tests.servers import free_port


def links_of(works: Works, wire: Wire) -> dict[str, Link]:
    """``kafka``, ``redis``, ``clickhouse`` and ``registry``."""
    listens, told = works.proxied
    servers = {"redis": works.redis, "clickhouse": works.clickhouse, "registry": works.registry}
    return {"kafka": wire.link(told, f"127.0.0.1:{listens}")} | {
        name: wire.link(free_port(), urlsplit(url).netloc) for name, url in servers.items()
    }


def through(works: Works, links: dict[str, Link]) -> dict[str, str]:
    """Of a service that sees every server through its link."""
    return {
        "kafka": links["kafka"].address,
        "redis": f"redis://{links['redis'].address}",
        "clickhouse": f"http://{links['clickhouse'].address}",
        "registry": f"http://{links['registry'].address}{urlsplit(works.registry).path}",
    }

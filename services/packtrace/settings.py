"""The only reader of the environment: one frozen value per process, read once at the start.

A ``PACKTRACE_*`` variable that no process knows, or one out of its range, stops the start with one sentence.
Every variable stands in ``deploy/env.example`` with its unit and default; a test compares the two.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from packtrace.errors import RefusedError

PREFIX = "PACKTRACE_"


# fmt: off
_FORMS = {
    #  pattern                                              form, as a person reads it
    r"^([^\s,/]+:[0-9]{1,5})(,[^\s,/]+:[0-9]{1,5})*$":     "host:port or several with commas between",
    r"^https?://[^\s/]+(/\S*)?$":                         "http://host:port",
    r"^(rediss?://[^\s/]+(/\S*)?|unix:///\S+)$":          "redis://host:port or unix:///path",
}
"""Of addresses: one that cannot be one stops the start; one where nobody answers is waited for."""
# fmt: on
_BOOTSTRAP, _HTTP, _REDIS = _FORMS


class Settings(BaseSettings):
    """What every process reads."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    home: Path = Field(Path(".packtrace"), description="folder of the local stack: data, logs, stack.json")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error")
    http_port: int = Field(0, ge=0, le=65535, description="port this process serves /healthz /readyz /metrics on, loopback; 0 = none")
    crash_at: str = Field("", max_length=100, description="tests only: name:n, exit hard at the n-th pass of that crash point")


class KafkaSettings(Settings):
    """A process that speaks to the broker and reads schemas."""

    kafka: str = Field("127.0.0.1:19092", pattern=_BOOTSTRAP, description="bootstrap servers")
    registry: str = Field("http://127.0.0.1:19081/apis/ccompat/v7", pattern=_HTTP, description="Confluent-compatible schema registry")
    instance: str = Field(
        "",
        max_length=100,
        pattern="^[A-Za-z0-9._-]*$",
        description="name kept over restarts, unique per service: partitions come back at once",
    )


class RouterSettings(KafkaSettings):
    router_batch_records: int = Field(10_000, ge=1, le=200_000, description="most raw records routed at once")
    router_batch_bytes: int = Field(512 * 1024, ge=65_536, le=256 * 1024 * 1024, description="most raw bytes routed at once, or one record")
    router_poison_kills: int = Field(
        3, ge=0, le=100, description="processes that may end at one record alone before it is rejected; 0 = never"
    )
    tick_seconds: float = Field(1.0, ge=0.05, le=60, description="how often each partition is told the log time when nothing else comes")
    clock_margin_seconds: float = Field(1.0, ge=0, le=60, description="how far behind this host's clock a caught-up source is taken to be")


class RedisSettings(Settings):
    redis: str = Field("redis://127.0.0.1:19079", pattern=_REDIS, description="Redis or Valkey; unix:///path/to.sock is faster")


class ClickHouseSettings(Settings):
    clickhouse: str = Field("http://127.0.0.1:19023", pattern=_HTTP, description="ClickHouse over HTTP")
    clickhouse_database: str = Field("packtrace", pattern="^[a-z_][a-z0-9_]*$", description="database of our tables")


class TrackerSettings(KafkaSettings, RedisSettings):
    tracker_batch_records: int = Field(256, ge=1, le=100_000, description="most ops records folded at once")
    tracker_items_cached_max: int = Field(
        250_000, ge=1_000, le=50_000_000, description="items kept in memory by one process, some 3 KiB each"
    )


class SinkSettings(KafkaSettings, ClickHouseSettings):
    sink_block_rows: int = Field(50_000, ge=1, le=1_000_000, description="most rows of one insert")
    sink_poison_kills: int = Field(
        3, ge=0, le=100, description="processes that may end at one record of events alone before it is set aside; 0 = never"
    )
    sink_idle_seconds: float = Field(0.25, ge=0.01, le=60, description="how long rows wait for more before they are inserted")


class GatewaySettings(KafkaSettings):
    gateway_host: str = Field(
        "127.0.0.1", min_length=1, description="address the gateway listens on; only loopback, it has no authentication"
    )
    gateway_port: int = Field(19080, ge=1, le=65535, description="port of the gateway, loopback")
    gateway_body_bytes: int = Field(10 * 1024 * 1024, ge=1024, le=300 * 1024 * 1024, description="largest body taken")
    gateway_events: int = Field(10_000, ge=1, le=1_000_000, description="most events of one document")
    gateway_header_seconds: float = Field(10.0, ge=0.1, le=300, description="longest time the headers of a request may take")
    gateway_body_seconds: float = Field(60.0, ge=0.1, le=3_600, description="longest time the body of a request may take")
    gateway_captures: int = Field(10_000, ge=1, le=10_000_000, description="answers remembered for GET /capture/{id}, the newest")


class QuerySettings(KafkaSettings, RedisSettings, ClickHouseSettings):
    query_port: int = Field(19090, ge=1, le=65535, description="port of the query service, loopback")
    query_rows: int = Field(10_000, ge=1, le=1_000_000, description="most rows of one page of an answer")
    query_subscribers: str = Field(
        "",
        max_length=4_000,
        description="hosts and networks off the public internet that subscriptions may call, e.g. erp.local,10.1.0.0/16",
    )


class WatchSettings(KafkaSettings):
    """Alerts to incidents."""


class StackSettings(Settings):
    """The local stack."""

    trackers: int = Field(1, ge=1, le=16, description="tracker processes of the local stack; they share the partitions of ops")


class ClientSettings(KafkaSettings, RedisSettings, ClickHouseSettings):
    """The command line, where no stack.json says otherwise."""

    gateway: str = Field("http://127.0.0.1:19080", pattern=_HTTP, description="where the gateway listens")
    query: str = Field("http://127.0.0.1:19090", pattern=_HTTP, description="where the query service listens")


ALL: tuple[type[Settings], ...] = (
    RouterSettings,
    TrackerSettings,
    SinkSettings,
    GatewaySettings,
    QuerySettings,
    WatchSettings,
    StackSettings,
    ClientSettings,
)

S = TypeVar("S", bound=Settings)


def known() -> dict[str, tuple[str, str]]:
    """Every variable: name -> (default as text, description)."""
    return {
        (PREFIX + name).upper(): (str(field.default), field.description or "")
        for settings in ALL
        for name, field in settings.model_fields.items()
    }


def read(settings: type[S], environment: Mapping[str, str] | None = None) -> S:
    """The process's settings.

    Raises:
        RefusedError: an unknown variable, or one out of range; one sentence.
    """
    given = {name: value for name, value in (os.environ if environment is None else environment).items() if name.startswith(PREFIX)}
    names = known()
    for name in sorted(given):
        if name not in names:
            raise RefusedError(f"{name} is not a setting of packtrace; deploy/env.example lists them all")
    try:
        values = {name: given[(PREFIX + name).upper()] for name in settings.model_fields if (PREFIX + name).upper() in given}
        return settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        form = _FORMS.get(str(first.get("ctx", {}).get("pattern", "")))
        expected = f"expected {form}" if form else first["msg"].lower()
        raise RefusedError(f"{name}: {expected}, found {given.get(name, '')!r}") from error

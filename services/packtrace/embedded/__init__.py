"""The servers of one machine: real Kafka, registry, Valkey and ClickHouse, and the supervisor behind ``packtrace up``.

One module a server (``kafka``, ``registry``, ``valkey``, ``clickhouse``), ``downloads`` for what Maven brings, ``part`` for
what a supervised process is, ``plan`` for which there are, ``supervisor`` for keeping them alive, ``stack`` for up, down, status.
"""

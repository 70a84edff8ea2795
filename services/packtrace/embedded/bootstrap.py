"""What must exist before our processes start: topics, schemas, tables. Run again, it changes nothing."""

from __future__ import annotations

import sys

from packtrace.adapters.clickhouse_migrate import migrate
from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.registry import register_all
from packtrace.errors import PacktraceError
from packtrace.settings import ClientSettings, read


def main() -> int:
    """Exit 1 with one sentence where it cannot be done."""
    settings = read(ClientSettings)
    try:
        KafkaAdmin(settings.kafka).create_topics()
        register_all(settings.registry, settings.home / "schemas")
        migrate(settings.clickhouse, settings.clickhouse_database)
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The process: a Faust worker over ``alerts`` until SIGTERM."""

from __future__ import annotations

import sys
import time

import faust

from packtrace.adapters import crash_point
from packtrace.adapters.http_status import serve_status
from packtrace.adapters.registry import Registry
from packtrace.errors import PacktraceError, UnavailableError
from packtrace.settings import WatchSettings, read
from packtrace.telemetry import configure, log
from packtrace.watch.worker import application

REGISTRY_WAIT_SECONDS = 1.0


def main() -> int | None:
    trouble: list[str | None] = ["starting"]
    try:
        settings = read(WatchSettings)
        configure("watch", settings.log_level)
        crash_point.arm(settings.crash_at)
        if settings.http_port:
            serve_status(settings.http_port, lambda: trouble[0])
    except PacktraceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    registry = Registry(settings.registry, settings.home / "schemas")
    while True:
        try:
            schema_id = registry.schema_id("incidents")
            break
        except UnavailableError as error:
            trouble[0] = str(error)
            log.warning("dependency_away", reason=str(error))
            time.sleep(REGISTRY_WAIT_SECONDS)

    def working() -> None:
        trouble[0] = None

    app = application(settings.kafka, schema_id, str(settings.home / "watch"), working, settings.instance)
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()  # exits the process itself


if __name__ == "__main__":
    sys.exit(main())

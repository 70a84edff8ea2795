"""What leaves the process for its operators: log lines and metrics, both closed lists.

Log lines are JSON on stderr with constant event names. Metric names are never renamed; no serial, lot or tenant is a label.
"""

from __future__ import annotations

import logging
import sys

import structlog
from prometheus_client import Counter, Gauge, Histogram, Info

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def configure(service: str, level: str = "info") -> None:
    """JSON lines on stderr, each with ``service``."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    BUILD.info({"service": service})


_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# fmt: off
# every process
BUILD                   = Info("packtrace_process", "which service this is")
READY                   = Gauge("packtrace_ready", "1 when /readyz answers 200")
DEPENDENCY_WAITS        = Counter("packtrace_dependency_waits_total", "times a dependency was away and waited for", ["dependency"])
# gateway
GATEWAY_EVENTS          = Counter("packtrace_gateway_events_total", "events by answer", ["answer"])
GATEWAY_SECONDS         = Histogram("packtrace_gateway_seconds", "request received to answered", ["route"], buckets=_SECONDS)
# router
ROUTER_EVENTS           = Counter("packtrace_router_events_total", "raw events routed")
ROUTER_OPS              = Counter("packtrace_router_ops_total", "ops written")
ROUTER_REJECTED         = Counter("packtrace_router_rejected_total", "raw records rejected", ["reason"])
ROUTER_REJECTED_RATIO   = Gauge("packtrace_router_rejected_ratio", "share rejected over the last minute")
ROUTER_STAGE_SECONDS    = Histogram("packtrace_router_stage_seconds", "one batch by stage", ["stage"], buckets=_SECONDS)
# tracker
TRACKER_OPS             = Counter("packtrace_tracker_ops_total", "ops applied by outcome", ["outcome"])
TRACKER_ALERTS          = Counter("packtrace_tracker_alerts_total", "alert changes", ["rule", "status"])
TRACKER_FACTS           = Counter("packtrace_tracker_facts_total", "facts told to other items")
TRACKER_DROPPED         = Counter("packtrace_tracker_dropped_total", "ops at or below their watermark")
TRACKER_GAPS            = Counter("packtrace_tracker_gaps_total", "commits the store answered with another offset")
TRACKER_FENCED          = Counter("packtrace_tracker_fenced_total", "commits refused for an old epoch")
TRACKER_PARTITIONS      = Gauge("packtrace_tracker_partitions", "partitions owned")
TRACKER_CACHED          = Gauge("packtrace_tracker_items_cached", "items in memory")
TRACKER_LAG             = Gauge("packtrace_tracker_lag_records", "ops records not yet committed", ["partition"])
TRACKER_STAGE_SECONDS   = Histogram("packtrace_tracker_stage_seconds", "one batch by stage", ["stage"], buckets=_SECONDS)
# sink
SINK_ROWS               = Counter("packtrace_sink_rows_total", "rows inserted", ["table"])
SINK_DROPPED            = Counter("packtrace_sink_dropped_total", "rows at or below their watermark", ["topic"])
SINK_BLOCK_SECONDS      = Histogram("packtrace_sink_block_seconds", "one block from intent to inserted", buckets=_SECONDS)
SINK_LAG                = Gauge("packtrace_sink_lag_records", "records not yet inserted", ["topic"])
# watch
WATCH_ALERTS            = Counter("packtrace_watch_alerts_total", "alert changes seen", ["status"])
WATCH_INCIDENTS         = Counter("packtrace_watch_incidents_total", "incident changes told", ["cause", "status"])
# query
QUERY_SECONDS           = Histogram("packtrace_query_seconds", "request received to answered", ["route"], buckets=_SECONDS)
# fmt: on

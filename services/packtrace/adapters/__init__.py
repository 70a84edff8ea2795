"""One file per port and technology; its in-memory fake beside it; one contract suite runs on both (``tests/contracts``).

``kafka`` and ``log_memory`` (the log), ``kafka_admin`` (topics), ``registry`` (Avro schemas), ``crash_point`` (tests kill here).
Driver errors end here: ``UnavailableError`` (try again) or ``RefusedError`` (stop).
"""

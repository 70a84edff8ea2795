"""Raw events in, ops per item out: the first hop after the log has taken an event.

- ``core``      pure: records in -> ops records per partition, rejected records
- ``clocks``    pure: what log time each source is known to have reached
- ``share``     pure: how much of the last minute was rejected
- ``shell``     the effects, numbered;  ``__main__``  wires

Stateless: it restarts from its committed position and writes the same again, and the tracker drops what it has seen.
"""

"""packtrace: where every serialised medicine pack came from, and where it is now.

The rooms, in the order a record passes them:

- ``simulator``  virtual lines that publish to ``events`` (and know what is wrong with it)
- ``gateway``    events over HTTP -> topic ``events``
- ``router``     ``events``, ``reference`` -> ``ops``: read, check, one op per item named
- ``tracker``    ``ops`` -> Redis, ``history``, ``alerts``: one owner per partition folds each item
- ``sink``       topics -> ClickHouse, in blocks a restart can re-form
- ``watch``      ``alerts`` -> ``incidents``
- ``query``      answers over HTTP from Redis and ClickHouse
- ``proof``      nothing lost, nothing twice: the invariants, and Redis rebuilt
- ``bench``      what it costs, measured end to end
- ``cli``        the command ``packtrace``
- ``embedded``   the local servers and their supervisor

and what they stand on, each importing only what is below it:

- ``adapters``   one file per port and technology, its in-memory fake beside it
- ``ports``      what the services need from outside
- ``settings``, ``telemetry``
- ``codec``      bytes <-> domain, pure
- ``domain``     events, state, rules, alerts, pure
- ``errors``     the two families of failure
"""

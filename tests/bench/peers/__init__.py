"""What people would use instead, written as its documentation recommends, on the same machine, broker and events, in one run.

``faust``   an application of one agent and one table; batches by ``take``, Redis and ClickHouse written once a batch
``bare``    a loop of confluent-kafka's ``consume``, a hash per serial by redis-py, ClickHouse written once a batch
``floor``   what no program gets below: consume and discard, a Function call of prepared bytes, an insert of a prepared block

``faust`` and ``bare`` do a small part of the work of packtrace, the same part (``work``): identifiers are read and their check
digits verified, a serial commissioned twice is an alert, an event seen before is a repeat, a pack sets the parent of its children.
No late data, no withdrawal, no grace, no facts between items, no ticks, no reference data, no state at a time, no digest; both are
at-least-once, so a crash leaves rows twice. packtrace is
measured after a warm-up, whose events the peers take, too. What favours them: the events are in the topic before they start, one process
holds all items so that nothing is repartitioned, identifiers are read by packtrace's own fast reader, Avro is read without the registry,
and packtrace's own processes are stopped while they run.

``python -m tests.bench.peers --units 20000`` (``make peers``).
"""

"""How anybody knows that nothing is lost and nothing is twice: the invariants, checked; and Redis, rebuilt.

- ``archive``   what ClickHouse is asked
- ``fold``      the plain fold over ``ops``, one record after the other
- ``check``     the invariants (``packtrace check``)
- ``rebuild``   an empty Redis from ClickHouse (``packtrace rebuild``)
"""

"""What events mean: pure functions and frozen values; no I/O, no clock, no log.

Read in this order: ``vocabulary`` (closed lists), ``identifiers`` (one key per item), ``event`` (what came),
``own_event`` (what one item sees of it), ``reference`` (products, lots, places, policy), ``item`` (the state),
the axes ``life``, ``containment``, ``custody``, ``rules`` (tables), ``judge`` (the fold), ``alert``, ``deadlines``.
"""

"""``ops`` -> state, history, alerts, derived facts: one owner per partition folds each item.

``engine`` is the pure step of one partition, ``cache`` what it keeps of its items, ``loading`` what it asks
the store, ``shell`` the numbered effects around it.
"""

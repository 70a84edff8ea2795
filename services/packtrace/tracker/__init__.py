"""``ops`` -> state, history, alerts, derived facts: one owner per partition folds each item.

``engine`` is the pure step of one partition, ``cache`` what it keeps of its items, ``shell`` the numbered effects around it.
"""

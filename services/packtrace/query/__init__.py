"""Read only: live state from Redis, history from ClickHouse, one answer stamped with how fresh it is.

- ``app``       the routes;  ``parameters``  what may be asked, with limits;  ``problem``  answers that say no
- ``live``      items, their parents and children, from Redis;  ``archive``  rows, from ClickHouse
- ``items``, ``tree``, ``past``, ``recall``, ``verify``  make the answers;  ``render``  how facts look in JSON
"""

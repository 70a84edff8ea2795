"""Read only but for named queries: live state from Redis, history from ClickHouse, one answer stamped with how fresh it is.

- ``app``       the routes;  ``parameters``  what may be asked, with limits;  ``problem``  answers that say no
- ``live``      items, their parents and children, from Redis;  ``archive``  rows, from ClickHouse
- ``interface``  the EPCIS 2.0 query interface;  ``spoken``  the format a client wants;  ``search_parameters``, ``spellings``  what it asks for
- ``search``    that as SQL;  ``epcis``  pages of events;  ``epcis_document``  events as a document;  ``shipments``, ``dscsa``  what a buyer is owed
- ``named``     queries and subscriptions;  ``subscribing``  what one says;  ``follow``  what is new;  ``schedule``, ``deliver``  told by POST;  ``stream``  told as it comes
- ``items``, ``tree``, ``past``, ``recall``, ``verify``  make the answers;  ``render``  how facts look in JSON
"""

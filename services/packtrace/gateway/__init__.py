"""Events over HTTP into topic ``events``: a claim is made only for what the broker has acknowledged.

In the order a request passes them:

- ``connection``  a client that dawdles over its headers is shown the door
- ``body``        the body, counted while it streams in
- ``document``    one body -> the JSON texts of its events (pure)
- ``admission``   each text -> a record for ``events``, or the reason it is none (pure)
- ``publisher``   records -> the broker, many requests to one acknowledgement
- ``receipts``    what was answered, by capture id
- ``app``         the routes, and the numbered order of effects
- ``problem``     RFC 9457 answers
"""

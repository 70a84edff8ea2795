"""EPCIS in and out: 1.2 XML, 2.0 XML and 2.0 JSON-LD all become one neutral event that loses nothing, and go back. Pure.

In the order a document passes them:

- ``limits``, ``refusal``  how much of anything is read, and why a document is refused
- ``source``     bytes that can be read again, and what their beginning says they are
- ``json_stream``, ``xml_stream``  a document of any size, one event at a time
- ``json_event``, ``xml_event``    one JSON object or XML element -> ``event``
- ``event``, ``document``          the neutral event; what stands around the events
- ``vocabulary``, ``fields``       words in their spellings; which type of event has which fields
- ``reading``    the one way in: every event with its place and what is wrong with it
- ``alike``, ``repeated``  events that say what others of the document said: known by their bytes, judged once
- ``mapping``    neutral event -> the event of packtrace
- ``original``   what the event of packtrace has no field for, kept beside it
- ``master_data``                  the header's vocabularies -> reference data
- ``spelling``, ``json_writer``, ``xml_writer``  the way out
- ``hashing``    the CBV event hash
"""

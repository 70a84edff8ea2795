"""Bytes and text to domain values and back: pure, strict, never guessing.

Identifiers: ``identifiers`` (any spelling -> one key) over ``element_string``, ``epc_urn``, ``digital_link``, ``gln``.
Events: ``raw_event`` (text as it came), ``event_json`` (JSON <-> raw <-> event), ``event_check`` (raw -> event, every rejection),
``vocabulary_words`` (CBV words, one form), ``event_hash`` (the CBV 2.0 event id).
Records of the topics (Avro in Confluent wire format) and packed state have a module each.
"""

"""A whole supply chain for a month, with innocent noise and real faults, every alert that must stand labelled.

- ``recipe``    what world to make
- ``places``    who there is, and where
- ``goods``     products and lots
- ``reference`` all of that as reference data, some of it late
- ``scribe``    events as they happen, with what may befall them
- ``plant``     lines: batches, cases, pallets
- ``trade``     distributors, the repacker, partners
- ``pharmacy``  what becomes of a pack
- ``stage``     where faults are played, with fresh goods
- ``faults``    a story per rule that breaks exactly it
- ``innocent``  what looks like a fault and is none
- ``noise``     late, repeated, misspelt, out of order
- ``world``     all of it together, in the order of publication
"""

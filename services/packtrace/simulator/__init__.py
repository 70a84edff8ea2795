"""Virtual lines, a distributor and pharmacies that publish what real ones would, with faults whose truth is known.

- ``world``      the demo site: products, lots, places, parties, lines, devices, as a reference file
- ``serials``    serial numbers and SSCCs that never repeat
- ``messages``   what a source publishes: one event and when it goes out
- ``line``       one packaging line: units, rejects, cases, pallets, batch end
- ``partners``   what the distributor and the pharmacies do with a pallet
- ``noise``      innocent repeats that must raise nothing
- ``faults``     one script per rule, each of which breaks exactly that rule
- ``stream``     all of them merged by time
- ``truth``      what was planted, as a file
- ``chain``      a labelled world: a whole supply chain for a month, with every noise and a fault of every rule
- ``encode``     an event as Avro bytes, quickly
- ``publish``    the shell: pace, Kafka, counts
- ``score``      planted against found
"""

"""What the system costs, measured on a system that holds nothing else. Called by ``packtrace bench``; nothing here decides anything.

- ``load``     a stream of events, encoded beforehand; flat out or at a rate
- ``usage``    CPU, memory and stage times of the processes, from /proc and /metrics
- ``stores``   what Redis and ClickHouse hold, in bytes
- ``latency``  event acknowledged -> alert readable
- ``answers``  questions over HTTP, from one client or many
- ``figures``  what a run gave, and several runs together (pure)
"""

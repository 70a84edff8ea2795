"""The command ``packtrace``: one function per command, nothing heavy imported before it is needed.

- ``__main__``  runs a command and turns every failure into one sentence and an exit code
- ``app``       the list of commands
- ``options``   the options commands share
- ``output``    JSON lines for programs, tables and trees for people
- ``client``    the gateway and query service over HTTP
- ``stack``     up, down, status, migrate, topics;  ``settled`` what ``wait`` waits for
- ``feed``      reference, publish, capture, simulate, rejected
- ``ask``       show, tree, history, alerts, recall, verify;  ``draw`` how their answers look
- ``inside``    inspect
"""

"""Topic -> table, in blocks that a restart forms again exactly.

- ``tables``  what each topic's records become (pure);  ``blocks``  which of it is new, and the block of it (pure)
- ``intent``  the range about to be stored, as the group's metadata (pure)
- ``shell``   the effects, numbered;  ``__main__``  wires
"""

"""One field of a tree: extensions as they came, and what the event hash is taken of."""

from __future__ import annotations

import msgspec


class Node(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Standard fields by their EPCIS name, others as ``{namespace}name``, XML attributes as ``@name``.

    Args:
        value: text; of a node with children what stands beside them in XML.
        kind: of a JSON value that was no text: ``number``, ``boolean`` or ``null``; the text is its JSON.
    """

    name: str
    value: str = ""
    children: tuple[Node, ...] = ()
    kind: str = ""

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition("}")[2]

    @property
    def namespace(self) -> str:
        return self.name[1:].rpartition("}")[0]

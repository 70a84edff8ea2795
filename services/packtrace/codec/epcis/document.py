"""What stands around the events of a document: who sent it, the header with its statements, the master data."""

from __future__ import annotations

from typing import Final

import msgspec

from packtrace.codec.epcis.node import Node

SBDH: Final = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
GS1_US: Final = "http://epcis.gs1us.org/hc/ns"
"""Extensions of the GS1 US guideline for DSCSA: transaction statement, direct purchase, drop shipment."""

EPCIS_DOCUMENT: Final = "EPCISDocument"
QUERY_DOCUMENT: Final = "EPCISQueryDocument"


class Attribute(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One attribute of a master data element; ``fields`` where its value is no text."""

    id: str
    value: str = ""
    fields: tuple[Node, ...] = ()


class Element(msgspec.Struct, frozen=True, omit_defaults=True):
    """Master data of one identifier."""

    id: str
    attributes: tuple[Attribute, ...] = ()
    children: tuple[str, ...] = ()
    extensions: tuple[Node, ...] = ()


class Vocabulary(msgspec.Struct, frozen=True):
    """Master data elements of one kind, e.g. ``urn:epcglobal:epcis:vtype:Location``."""

    type: str
    elements: tuple[Element, ...] = ()


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """The document without its events; ``kind`` is empty for events that came without one."""

    kind: str = ""
    version: str = ""
    created: str = ""
    id: str = ""
    sender: str = ""
    receiver: str = ""
    instance: str = ""
    """Number of the document at its sender."""
    sbdh: Node | None = None
    """The standard business document header, where it says more than the three above."""
    header: tuple[Node, ...] = ()
    """Other parts of the header, such as the DSCSA transaction statement."""
    vocabularies: tuple[Vocabulary, ...] = ()
    query: str = ""
    """Of a query document: the name of the query that it answers."""
    subscription: str = ""
    prefixes: tuple[tuple[str, str], ...] = ()
    """Short names of namespaces as the document has them."""
    extensions: tuple[Node, ...] = ()

    def statement(self, name: str) -> str:
        """Text of a DSCSA statement of the header, e.g. ``affirmTransactionStatement``; empty where there is none."""
        return _found(self.header, name)


def _found(nodes: tuple[Node, ...], name: str) -> str:
    for node in nodes:
        if node.namespace == GS1_US and node.local == name:
            return node.value
        if found := _found(node.children, name):
            return found
    return ""

"""What is in an item, down to the last unit. Level by level, so that each level is one read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from packtrace.domain.item import Item
from packtrace.domain.reference import Reference
from packtrace.query import render
from packtrace.query.items import Json, axes
from packtrace.query.live import ANCESTORS_MAX

NODES_DEFAULT = 5_000
NODES_MAX = 20_000

ChildrenOf = Callable[[Sequence[Item], int], Mapping[str, Sequence[Item]]]
"""(parents, most children in all) -> parent key -> its children, verified against their own pointers."""


def tree_answer(
    item: Item, ancestors: Sequence[Item], children_of: ChildrenOf, reference: Reference, as_of: int, nodes_max: int = NODES_DEFAULT
) -> Json:
    """``GET /items/{epc}/tree``."""
    root = ancestors[-1] if ancestors else item
    top = _node(item, root, reference)
    nodes = 1
    truncated = False
    level: list[tuple[Item, list[Json]]] = [(item, _children(top))]
    for _ in range(ANCESTORS_MAX):
        parents = [one for one, _ in level if one.children_count]
        if not parents:
            break
        if nodes >= nodes_max:
            truncated = True
            break
        found = children_of(parents, nodes_max - nodes)
        below: list[tuple[Item, list[Json]]] = []
        for parent, places in level:
            for child in found.get(parent.key, ()):
                node = _node(child, root, reference)
                places.append(node)
                below.append((child, _children(node)))
                nodes += 1
        truncated = truncated or sum(one.children_count for one in parents) > nodes_max - (nodes - len(below))
        level = below
    more: Json = {
        "parents": [render.epc(one.key) for one in ancestors],
        "nodes": nodes,
        "truncated": truncated,
        "as_of": render.time(as_of),
    }
    return top | more


def _node(item: Item, root: Item, reference: Reference) -> Json:
    return axes(item, root, reference) | {"children": []}


def _children(node: Json) -> list[Json]:
    children = node["children"]
    assert isinstance(children, list)
    return children

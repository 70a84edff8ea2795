"""Neutral events for property tests: every field, identifiers in several spellings, extensions of any shape."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from packtrace.codec.epcis.event import EpcisEvent, ErrorDeclaration, Pair, Place, Quantity, Sensor
from packtrace.codec.epcis.fields import FIELD_OF, METADATA_FIELDS, NUMBERS, SHAPES
from packtrace.codec.epcis.json_event import sensor_order
from packtrace.codec.epcis.node import Node
from packtrace.domain.identifiers import check_digit

SPACES = ("urn:epcglobal:cbv:mda:", "https://ns.example.com/epcis/", "http://example.org/x#", "urn:packtrace:x:")
NAMES = st.sampled_from(["colour", "a-date", "Mass", "x_1", "für"])
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=12).map(str.strip)
words = st.sampled_from(["", "shipping", "receiving", "https://example.com/step/own"])
dispositions = st.sampled_from(["", "in_transit", "active", "https://example.com/disp/own"])
times = st.sampled_from(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.125+01:00", "2005-04-03T20:33:31.116000-06:00"])
serials = st.text("ABCabc0123456789", min_size=1, max_size=6)
prefixes = st.sampled_from(["9506000", "0614141", "950600013", "401234"])


@st.composite
def urns(draw: st.DrawFn) -> str:
    prefix = draw(prefixes)
    if draw(st.booleans()):
        return f"urn:epc:id:sscc:{prefix}.{draw(st.text('0123456789', min_size=17 - len(prefix), max_size=17 - len(prefix)))}"
    item = draw(st.text("0123456789", min_size=13 - len(prefix), max_size=13 - len(prefix)))
    serial = draw(st.one_of(serials, st.sampled_from(["A%2F1", "a-b.c", "%22"])))
    return f"urn:epc:id:sgtin:{prefix}.{item}.{serial}"


@st.composite
def links(draw: st.DrawFn) -> str:
    digits = draw(st.text("0123456789", min_size=13, max_size=13))
    site = draw(st.sampled_from(["https://id.gs1.org", "https://example.com/shop"]))
    serial = draw(st.one_of(serials, st.sampled_from(["A%2F1", "a-b"])))
    return f"{site}/01/{digits}{check_digit(digits)}/21/{serial}"


others = st.sampled_from(["urn:epc:id:giai:4000001.111", "https://example.com/asset/7", "urn:epc:id:grai:0614141.12345.1"])
epcs = st.one_of(urns(), links(), others)
lists = st.lists(epcs, max_size=4, unique=True).map(tuple)


@st.composite
def prefixed_items(draw: st.DrawFn) -> list[str]:
    return draw(st.lists(draw(st.sampled_from([urns(), links(), st.one_of(urns(), links())])), min_size=1, max_size=8, unique=True))


def nodes(depth: int = 2) -> st.SearchStrategy[Node]:
    name = st.builds(lambda space, local: f"{{{space}}}{local}", st.sampled_from(SPACES), NAMES)
    leaf = st.one_of(
        st.builds(Node, name, texts),
        st.builds(
            lambda name, number: Node(name, number, (), "number"), name, st.sampled_from(["1", "-2.50", "1e400", "12345678901234567890"])
        ),
        st.builds(lambda name, flag: Node(name, flag, (), "boolean"), name, st.sampled_from(["true", "false"])),
        st.builds(lambda name: Node(name, "", (), "null"), name),
    )
    if not depth:
        return leaf
    return st.one_of(leaf, st.builds(lambda name, children: Node(name, "", children), name, fields(depth - 1, 1)))


def fields(depth: int = 2, least: int = 0) -> st.SearchStrategy[tuple[Node, ...]]:
    """Fields of one name stand together: JSON has them as one list."""
    return st.lists(nodes(depth), min_size=least, max_size=3).map(together)


def together(stated: list[Node]) -> tuple[Node, ...]:
    order = list(dict.fromkeys(node.name for node in stated))
    return tuple(sorted(stated, key=lambda node: order.index(node.name)))


quantities = st.lists(
    st.builds(Quantity, st.sampled_from(["urn:epc:class:lgtin:4012345.011111.4444", "urn:epc:idpat:sgtin:4012345.066666.*"]),
              st.sampled_from(["10", "26.0", "0.5"]), st.sampled_from(["", "KGM"])), max_size=2,
).map(tuple)  # fmt: skip
places = st.one_of(
    st.none(),
    st.builds(
        Place,
        st.sampled_from(["urn:epc:id:sgln:9506000.10000.0", "https://id.gs1.org/414/9506000100005", "https://example.com/loc"]),
        fields(1),
    ),
)
uris = st.sampled_from(["urn:epcglobal:cbv:bt:5200001000008:4711", "urn:epc:id:gdti:0614141.00001.1618034"])
parties = st.sampled_from(["urn:epc:id:pgln:9506000.10000", "https://id.gs1.org/417/9506000100005", "urn:epc:id:sgln:9506000.10000.0"])
transactions = st.lists(st.builds(Pair, st.sampled_from(["", "po", "https://example.com/btt"]), uris), max_size=2).map(tuple)
sides = st.lists(st.builds(Pair, st.sampled_from(["owning_party", "location"]), parties), max_size=2).map(tuple)


def sensor_fields(names: tuple[str, ...]) -> st.SearchStrategy[tuple[Node, ...]]:
    def value(name: str) -> st.SearchStrategy[Node]:
        if name in NUMBERS:
            return st.builds(Node, st.just(name), st.sampled_from(["26", "26.0", "-0.5"]))
        if name == "booleanValue":
            return st.just(Node(name, "true"))
        if name in ("time", "startTime"):
            return st.builds(Node, st.just(name), times)
        return st.builds(Node, st.just(name), st.sampled_from(["Temperature", "https://example.com/x", "CEL"]))

    own = st.lists(st.sampled_from(names), unique=True, max_size=4).flatmap(lambda chosen: st.tuples(*map(value, chosen)))
    extra = st.lists(nodes(1), max_size=2, unique_by=lambda node: node.name)
    return st.builds(lambda a, b: tuple(sorted((*a, *b), key=sensor_order)), own, extra)


sensors = st.lists(
    st.builds(
        Sensor, sensor_fields(METADATA_FIELDS),
        st.lists(sensor_fields(("type", "value", "uom", "stringValue", "booleanValue", "component")).filter(bool), min_size=1, max_size=2).map(tuple),
        fields(1),
    ), max_size=2,
).map(tuple)  # fmt: skip
errors = st.builds(
    ErrorDeclaration,
    times,
    st.sampled_from(["", "did_not_occur", "incorrect_data"]),
    st.lists(uris, max_size=2, unique=True).map(tuple),
    fields(1),
)
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "certifications": st.lists(uris, max_size=2).map(tuple), "error": st.one_of(st.none(), errors), "epcs": lists, "children": lists,
    "inputs": lists, "outputs": lists, "parent": st.one_of(st.just(""), epcs), "quantities": quantities, "child_quantities": quantities,
    "input_quantities": quantities, "output_quantities": quantities, "transformation": st.sampled_from(["", "urn:epc:id:gdti:0614141.00001.1"]),
    "biz_step": words, "disposition": dispositions, "read_point": places, "location": places, "transactions": transactions,
    "sources": sides, "destinations": sides, "sensors": sensors, "ilmd": fields(), "record_time": st.one_of(st.just(""), times),
    "persistent_set": st.lists(st.sampled_from(["completeness_verified", "recalled"]), max_size=2, unique=True).map(tuple),
    "event_id": st.sampled_from(["", "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"]),
    "action": st.sampled_from(["ADD", "OBSERVE", "DELETE"]),
}  # fmt: skip


@st.composite
def epcis_events(draw: st.DrawFn) -> EpcisEvent:
    kind = draw(st.sampled_from(sorted(SHAPES)))
    named = {FIELD_OF[name] for name in SHAPES[kind].fields} | {"certifications", "error", "record_time", "event_id"}
    parts: dict[str, Any] = {field: draw(PARTS[field]) for field in sorted(named) if field in PARTS}
    if "persistent_set" in parts:
        parts["persistent_unset"] = draw(PARTS["persistent_set"])
    zone = draw(st.sampled_from(["+01:00", "-06:00", "+00:00"]))
    return EpcisEvent(kind, draw(times), zone, **parts, extensions=draw(fields()))

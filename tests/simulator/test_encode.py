"""The quick encoder writes the bytes that fastavro writes."""

from __future__ import annotations

import io

import fastavro
import msgspec

from packtrace import contracts
from packtrace.simulator.encode import Encoder
from packtrace.simulator.faults import FAULTS
from packtrace.simulator.messages import raw_event
from packtrace.simulator.recipe import Recipe
from packtrace.simulator.stream import Stream

SCHEMA = fastavro.parse_schema(msgspec.json.decode(contracts.schema_text("event.avsc")))


def test_encoded_bytes_equal_those_of_fastavro() -> None:
    encoder = Encoder(258)
    recipe = Recipe(seed=1, lines=3, units=300, units_per_case=70, epcs_per_event=9, faults=dict.fromkeys(FAULTS, 2), noise=0.2)
    for message in Stream(recipe, 1_795_000_000_000_000):
        plain = io.BytesIO()
        fastavro.schemaless_writer(plain, SCHEMA, msgspec.to_builtins(raw_event(message)))
        assert encoder.encode(message) == b"\x00\x00\x00\x01\x02" + plain.getvalue()


def test_small_event_times_are_encoded_too() -> None:
    encoder = Encoder(1)
    for time in (0, 63, 64, 8191, 8192, 2**40):
        message = next(iter(Stream(Recipe(seed=1), 1_795_000_000_000_000)))._replace(time=time)
        read = fastavro.schemaless_reader(io.BytesIO(encoder.encode(message)[5:]), SCHEMA, None)
        assert isinstance(read, dict)
        assert read["event_time"] == time

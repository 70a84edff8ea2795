"""Whatever schemathesis makes of schemas/openapi.yaml, right and wrong, the gateway and the query service answer as the file says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import Receive, Scope, Send

from packtrace.adapters.http_status import status_routes
from packtrace.contracts import schema_text
from packtrace.gateway import body
from packtrace.query.answers import Answers
from packtrace.query.app import Epcis, create_app
from packtrace.query.archive import _COUNTS, Archive
from packtrace.query.epcis import EpcisArchive
from packtrace.query.follow import Follow
from packtrace.query.interface import Interface
from packtrace.query.named import Named
from packtrace.query.past import Past
from packtrace.query.shipments import Shipments
from tests.gateway.asgi import Gateway
from tests.query.world import NOW, State, item, unit

SEED = 7
EXAMPLES = 2
"""Of right requests and of wrong ones, for each operation."""
COLUMNS = {"history": 4, "alert_changes": 2, "events": 2, "items": 1, "rejected": 1, "incidents": 1}
"""Of the counts that an empty history answers."""
# fmt: off
CHECKS: Any = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
]
# fmt: on


def is_of_the_gateway(method: str, path: str) -> bool:
    return path.startswith("/capture") or (path == "/events" and method in ("POST", "OPTIONS"))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Both services as one: the log and the state are in memory, the history is empty."""
    patched = pytest.MonkeyPatch()
    patched.setattr(body, "DRAIN_SECONDS", 0.01)  # no client here is still sending

    def rows(sql: str, parameters: object = None) -> list[tuple[object, ...]]:
        counted = next((name for name, one in _COUNTS.items() if one == sql), "")
        return [(0,) * COLUMNS[counted]] if counted else []

    live = State([item(unit("A1"), lot="L7")]).live()
    archive = EpcisArchive(rows)
    named = Named(tmp_path_factory.mktemp("query") / "queries.sqlite")
    interface = Interface(archive, named, lambda: NOW, Shipments(archive, Past(Archive(rows)), live.reference))
    follow = Follow(archive, 8, lambda: NOW)
    query = create_app(Answers(live, Archive(rows), lambda: NOW), status_routes(lambda: None), Epcis(interface, follow))
    with Gateway(tmp_path_factory.mktemp("gateway"), events_max=20) as gateway:

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            chosen = gateway.app if is_of_the_gateway(scope["method"], scope["path"]) else query
            await chosen(scope, receive, send)

        yield both
    named.close()
    patched.undo()


def operations() -> list[Any]:
    schema = schemathesis.openapi.from_dict(yaml.safe_load(schema_text("openapi.yaml")))
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_is_in_the_contract(app: Callable[..., Any], mode: GenerationMode) -> None:
    asked = 0
    for operation in operations():

        @seed(SEED)
        @settings(max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            response = case.call(app=app)
            case.validate_response(response, checks=CHECKS)

        with suppress(Unsatisfiable):  # of some operations no request can be wrong
            ask()
    assert asked > len(operations())

"""The versions of an entity as JSON are what schemas/openapi.yaml promises, a removal among them."""

from __future__ import annotations

import msgspec
import pytest

from packtrace.adapters.http_status import status_routes
from packtrace.query.answers import Answers
from packtrace.query.app import create_app
from packtrace.query.archive import Archive
from tests.query.asked import Asked
from tests.query.openapi import check_answer
from tests.query.world import NOW, State

# fmt: off
ROWS = {
    "lot|09506000134352/L7": [(NOW, 0, '{"released": true}'), (NOW + 1_000_000, 1, "")],
}
ASKED = [
    #  path                                    status
    ("/reference/lot/09506000134352%2FL7",     200),
    ("/reference/lot/never",                   404),
    ("/reference/recall/e1",                   400),
    ("/reference/cat/x",                       400),
]
# fmt: on


@pytest.mark.parametrize(("path", "status"), ASKED)
def test_the_versions_of_one_entity(path: str, status: int) -> None:
    def rows(sql: str, parameters: object) -> list[tuple[object, ...]]:
        assert isinstance(parameters, dict)
        return [*ROWS.get(parameters["name"], [])]

    answers = Answers(State([]).live(), Archive(rows), lambda: NOW)
    response = Asked(create_app(answers, status_routes(lambda: None))).get(path)
    assert response.status_code == status, response.text
    answer = msgspec.json.decode(response.content)
    check_answer("/reference/{entity}/{key}", status, answer)
    if status == 200:
        assert [one["value"] for one in answer["versions"]] == [{"released": True}, None]
        assert answer["versions"][1]["logged_at"] == "2026-11-22T10:00:01Z"

"""Paths are divided before they are decoded, and what fails is said without a stack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.adapters.http_status import status_routes
from packtrace.errors import RefusedError, UnavailableError
from packtrace.query.answers import Answers
from packtrace.query.app import create_app, divide, find
from packtrace.query.archive import Archive
from packtrace.query.parameters import Parameters, cursor_text
from packtrace.query.problem import ProblemError
from tests.query.asked import Asked
from tests.query.world import NOW, State, item, unit

from urllib.parse import quote  # isort: skip


def app(query: object = None, reached: int | None = NOW, live: State | None = None) -> Asked:
    def fails(sql: str, parameters: object) -> list[tuple[object, ...]]:
        assert isinstance(query, Exception)
        raise query

    state = live or State([item(unit("A1"))])
    answers = Answers(state.live(), Archive(fails), lambda: reached)
    return Asked(create_app(answers, status_routes(lambda: None)))


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_segments_come_back_as_they_were_whatever_they_hold(segments: list[str]) -> None:
    raw = "/" + "/".join(quote(segment, safe="") for segment in segments)
    found = divide(raw.encode())
    stripped = [segment for segment in segments if segment] if not all(segments) else segments
    if all(segments):
        assert found == segments
    else:
        assert [one for one in found if one] == stripped


def test_a_slash_inside_an_epc_divides_nothing() -> None:
    found = find(divide(b"/items/https%3A%2F%2Fid.gs1.org%2F01%2F09506000134352%2F21%2FA%252F1/tree"))
    assert found is not None
    question, segments = found
    assert question.name == "/items/{}/tree"
    assert segments == ["https://id.gs1.org/01/09506000134352/21/A%2F1"]


def test_an_item_needs_the_live_state_alone() -> None:
    response = app().get("/items/(01)09506000134352(21)A1")
    assert response.status_code == 200
    assert response.json()["as_of"] == "2026-11-22T10:00:00Z"


def test_a_history_that_is_away_is_said_with_a_time_to_try_again() -> None:
    response = app(UnavailableError("clickhouse at 127.0.0.1:1, query: away")).get("/alerts")
    assert response.status_code == 503
    assert response.json()["detail"] == "clickhouse at 127.0.0.1:1, query: away"
    assert response.headers["retry-after"] == "1"


def test_a_history_of_unknown_age_is_no_answer() -> None:
    assert app(RefusedError("never asked"), reached=None).get("/stats").status_code == 503


def test_stores_that_do_not_fit_are_told_to_the_log_and_not_to_the_asker() -> None:
    response = app(RefusedError("no such table: secrets")).get("/alerts")
    assert response.status_code == 500
    assert "secrets" not in response.text


def test_health_readiness_and_metrics_are_there() -> None:
    asked = app()
    assert [asked.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
    asked.get("/items/x")
    assert 'packtrace_query_seconds_count{route="/items/{}"}' in asked.get("/metrics").text


@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=40))
def test_a_cursor_comes_back_as_it_was(number: int, text: str) -> None:
    parameters = Parameters([("cursor", cursor_text(number, text))], ["cursor"])
    assert parameters.cursor({"a": int, "b": str}) == {"a": number, "b": text}


@pytest.mark.parametrize("value", ["", "x", "bnVsbA", cursor_text(1), cursor_text("a", 1), cursor_text(2**70, "x"), cursor_text(True, "x")])
def test_a_cursor_of_something_else_is_refused(value: str) -> None:
    with pytest.raises(ProblemError, match="cursor"):
        Parameters([("cursor", value)], ["cursor"]).cursor({"a": int, "b": str})


@pytest.mark.parametrize("value", ["0", "101", "-5", "1e2", "٣", "", " 5", "9" * 30])
def test_a_number_out_of_range_is_refused(value: str) -> None:
    with pytest.raises(ProblemError, match="expected 1 to 100"):
        Parameters([("limit", value)], ["limit"]).number("limit", 10, 1, 100)


def test_limits_hold_at_their_ends() -> None:
    for value in (1, 100):
        assert Parameters([("limit", str(value))], ["limit"]).number("limit", 10, 1, 100) == value
    assert Parameters([], ["limit"]).number("limit", 10, 1, 100) == 10

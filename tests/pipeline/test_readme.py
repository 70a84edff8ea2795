"""The questions of the README's tour, typed as they stand there, on a running system."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Final

import httpx
import pytest

from packtrace.embedded.state import read
from tests.pipeline.system import ROOT, System
from tests.readme import curled, typed

pytestmark = pytest.mark.pipeline

ASKING: Final = ("show", "history", "explain", "alerts", "tree", "verify", "recall")
"""The commands of the tour that only ask."""
EXIT: Final = {"verify": 1}
"""The pack it verifies is the one that was printed twice: the answer is no."""


@pytest.fixture(scope="module")
def told(system: System) -> System:
    system.run("publish", str(ROOT / "schemas/examples/story.jsonl"))
    system.wait()
    return system


def questions() -> list[list[str]]:
    """Of the story; what is asked of another file comes after it has been captured."""
    return [
        words for words in typed() if words[0] in ASKING and "--follow" not in words and "urn:epc:id:sscc:9506000.0000000777" not in words
    ]


def test_every_question_of_the_tour_has_an_answer(told: System) -> None:
    said = {" ".join(words): told.run(*words, code=EXIT.get(words[0], 0)).stdout for words in questions()}
    (shown,) = [text for words, text in said.items() if words.startswith("alerts show")]
    for words in ("duplicate-commissioning", "confirmed", "line-2/3/1", "line-1/7/2", "would explain"):
        assert words in shown
    (explained,) = [text for words, text in said.items() if words.startswith("explain")]
    assert "duplicate-commissioning" in explained and "in (01)19506000134359(21)C1" in explained
    assert all(said.values())


PALLET: Final = "urn:epc:id:sscc:9506000.0000000777"
WRONG: Final = "urn:epc:id:sgtin:9506000.87654.P3"


def of_the_partner() -> list[list[str]]:
    return [words for words in typed() if any("partner.xml" in word or word == PALLET for word in words)]


def test_a_partners_file_from_the_check_to_the_stream(told: System) -> None:
    said: dict[str, str] = {}
    for words in of_the_partner():
        if words[0] == "tree":
            told.wait()
        refuses = words[0] in ("epcis", "capture") and words[1] != "convert"
        done = told.run(*words, code=1 if refuses else 0, needs_system=words[0] != "epcis")
        said[" ".join(words[:2])] = done.stdout + done.stderr
    check, capture, tree, statement, converted = said.values()
    assert "line 58" in check and WRONG in check and "13 digits" in check
    assert "3" in capture and WRONG in capture
    assert tree.count("P1") == 1 and tree.count("P2") == 1
    assert "<html" in statement.lower() and "P7" in statement
    assert "https://id.gs1.org/00/095060000000007779" in converted and json.loads(converted)["type"] == "EPCISDocument"
    asked = [ask(told, words) for words in curled()]
    rollback, by_item, packing, shipped, query, streamed = asked
    assert (rollback.status_code, [one["status"] for one in rollback.json()["events"]].count("rejected")) == (202, 1), rollback.text
    assert "event" in by_item.json()["type"].lower() or by_item.json()["epcisBody"]
    for answer in (by_item, packing, shipped):
        assert answer.status_code == 200
        assert PALLET in answer.text
    assert shipped.text.startswith("<?xml")
    assert query.status_code == 201
    assert PALLET in streamed.text


def ask(system: System, words: list[str]) -> httpx.Response:
    """What ``curl`` does with those words."""
    stack = read(system.home)
    assert stack is not None
    headers, body, address = {}, None, ""
    for word, value in pairwise([*words, ""]):
        if word == "-H":
            name, _, text = value.partition(": ")
            headers[name] = text
        elif word == "-d":
            body = value.encode()
        elif word == "--data-binary":
            body = (ROOT / value.removeprefix("@")).read_bytes()
        elif word.startswith("http://"):
            address = word.replace("http://127.0.0.1:19080", stack.gateway).replace("http://127.0.0.1:19090", stack.query)
    with httpx.stream("GET" if body is None else "POST", address, headers=headers, content=body, timeout=30) as response:
        if "-N" not in words:
            response.read()
            return response
        text = ""
        for line in response.iter_lines():
            text += f"{line}\n"
            if PALLET in line:
                break
        return httpx.Response(response.status_code, text=text)

"""Every command on a running system: the examples published, then asked for in each spelling, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from packtrace.proof.check import INVARIANTS
from tests.pipeline.system import ROOT, System

pytestmark = pytest.mark.pipeline

STORY = ROOT / "schemas/examples/story.jsonl"
PALLET = "https://id.gs1.org/00/095060001000000012"
CASE = "https://id.gs1.org/01/19506000134359/21/C1"
LINK = "https://id.gs1.org/01/09506000134352/21/A1"

# fmt: off
SPELLINGS = {
    "Digital Link":       LINK,
    "another domain":     "https://example.com/01/09506000134352/21/A1",
    "EPC URN":            "urn:epc:id:sgtin:9506000.013435.A1",
    "bracketed":          "(01)09506000134352(21)A1",
    "scanned":            "]d2010950600013435221A1\x1d10L7",
}
# fmt: on


@pytest.fixture(scope="module")
def told(system: System) -> System:
    """The story has been published and has arrived."""
    system.run("publish", str(STORY))
    system.wait()
    return system


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_pack_in_any_spelling(told: System, spelling: str) -> None:
    epc = SPELLINGS[spelling]
    (item,) = told.json("show", epc)
    assert (item["epc"], item["kind"], item["life"], item["lot"], item["expiry"]) == (LINK, "unit", "ACTIVE", "L7", "2028-05-31")
    assert (item["parent"], item["parents"]) == (CASE, [CASE, PALLET])
    assert (item["custody"], item["location"]) == ("at", "https://id.gs1.org/414/9506000200002")
    kinds = [row["kind"] for row in told.json("history", epc) if row["outcome"] == "applied"]
    assert kinds == ["commission", "pack"]
    assert told.json("tree", epc)[0]["epc"] == LINK
    (verdict,) = told.json("verify", epc)
    assert (verdict["verdict"], verdict["epc"]) == ("ok", LINK)
    assert [row["event"]["kind"] for row in told.json("explain", epc) if row["entry"] == "event"] == kinds
    for command in ("show", "tree", "history", "explain", "verify"):
        text = told.run(command, epc).stdout
        assert "(01)09506000134352(21)A1" in text
        assert max(map(len, text.splitlines())) <= 100


def test_a_tree_down_and_up_and_as_it_was(told: System) -> None:
    (tree,) = told.json("tree", PALLET)
    (case,) = tree["children"]
    assert case["epc"] == CASE
    assert sorted(child["epc"][-2:] for child in case["children"]) == ["A1", "A2", "A3"]
    assert tree["nodes"] == 5
    (before,) = told.json("show", LINK, "--at", "2026-11-22T10:00:30Z")
    assert (before["life"], before["parent"]) == ("ACTIVE", None)
    assert "(01)19506000134359(21)C1  3 items" in told.run("tree", PALLET).stdout


def test_the_duplicate_serial_is_an_alert_with_its_evidence(told: System) -> None:
    (alert,) = told.json("alerts", "--rule", "duplicate-commissioning", "--epc", "(01)09506000134352(21)A2")
    assert (alert["status"], alert["severity"], alert["cause"]) == ("confirmed", "critical", "item")
    assert alert["events"][0] == "line-2/3/1"
    (whole,) = told.json("alerts", "show", alert["id"][:8])
    assert [version["status"] for version in whole["versions"]][-1] == "confirmed"
    assert "duplicate-commissioning" in told.run("alerts", "show", alert["id"]).stdout
    assert alert["id"][:12] in told.run("alerts").stdout
    assert told.json("verify", "(01)09506000134352(21)A2", code=1)[0]["verdict"] == "suspect"


def test_a_recall_finds_every_unit(told: System) -> None:
    units = told.json("recall", "09506000134352", "L7")
    assert {LINK, LINK[:-1] + "2", LINK[:-1] + "3"} <= {unit["epc"] for unit in units}
    assert "lot L7 of 09506000134352" in told.run("recall", "09506000134352", "L7").stdout


def test_capture_answers_per_event(told: System, tmp_path: Path) -> None:
    good = json.loads(STORY.read_text(encoding="utf-8").splitlines()[0]) | {"epcs": [LINK[:-2] + "CAP1"], "boot": None, "sequence": None}
    bad = good | {"id": "capture/bad", "epcs": ["https://id.gs1.org/01/09506000134353/21/A1"]}
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in (good | {"id": "capture/1"}, bad)), encoding="utf-8")
    (receipt,) = told.json("capture", str(path), code=1)
    assert (receipt["accepted"], receipt["rejected"]) == (1, 1)
    assert (receipt["events"][1]["code"], receipt["events"][1]["where"]) == ("wrong-check-digit", "epcs[0]")
    said = told.run("capture", str(path), code=1)
    assert "1 event accepted, 1 rejected" in said.stdout
    assert f"{path}:2: epcs[0]" in said.stderr
    told.wait()
    (row,) = [row for row in told.json("rejected", "list", "--reason", "wrong-check-digit") if row["event_id"] == "capture/bad"]
    origin = f"{row['topic']}/{row['partition']}/{row['offset']}"
    assert row["topic"] == "http"
    assert "capture/bad" in told.run("rejected", "show", origin).stdout
    assert told.json("rejected", "replay", origin, "--dry-run")[0]["status"] == "would be sent"
    assert told.json("rejected", "replay", origin, code=1)[0]["status"] == "refused"


def test_what_is_not_there_is_a_no(told: System) -> None:
    never = "(01)09506000134352(21)NEVER"
    for words in (["show", never], ["explain", never], ["alerts", "show", "00000000"], ["recall", "09506000134352", "NOLOT"]):
        said = told.run(*words, code=1)
        assert (said.stdout, len(said.stderr.splitlines())) == ("", 1)
    assert told.json("verify", never, code=1)[0]["verdict"] == "unknown"


def test_the_system_tells_about_itself(told: System) -> None:
    parts = {part["name"]: part["state"] for part in told.json("status", code=None)}
    assert {"kafka", "registry", "valkey", "clickhouse", "router", "tracker", "sink", "query", "gateway"} <= set(parts)
    assert [row["topic"] for row in told.json("topics")][:3] == ["events", "reference", "ops"]
    assert told.json("migrate")[0]["applied"] == []
    assert told.json("wait")[0]["settled"] is True
    (stats,) = told.json("stats")
    assert stats["ops"] == stats["ops_expected"]
    assert stats["history_rows"] == stats["history_rows_unique"]
    (inspected,) = told.json("inspect", LINK)
    assert inspected["state"]["now"]["life"] == "ACTIVE"
    assert told.json("inspect", str(inspected["partition"]))[0]["offset"] > 0
    assert told.json("reference", "show", "lot")
    assert [row["version"] for row in told.json("reference", "show", "lot", "09506000134352/L7")] == [1]
    assert "1 version" in told.run("reference", "show", "lot", "09506000134352/L7").stdout
    assert told.json("reference", "diff", str(ROOT / "schemas/examples/reference.json")) == []
    assert told.json("reference", "load", str(ROOT / "schemas/examples/reference.json"))[0]["new"] == 0
    assert "already up" in told.run("up", "--detach", code=2).stderr


def test_nothing_is_lost_or_twice_and_redis_can_be_made_anew(told: System) -> None:
    assert {row["invariant"]: row["holds"] for row in told.json("check")} == dict.fromkeys(INVARIANTS, "yes")
    assert "Redis holds state" in told.run("rebuild", code=2).stderr
    planned = told.json("rebuild", "--dry-run")
    assert [row["partition"] for row in planned] == list(range(16))
    *partitions, done = told.json("rebuild", "--replace")
    for row in partitions:  # ticks go on between the two commands
        assert row["digest"]
        assert row["offset"] >= planned[row["partition"]]["offset"]
    assert done["items"] > 0
    told.run("show", LINK)
    assert {row["holds"] for row in told.json("check", "--quick")} == {"yes"}

"""Files and codes on this machine: what a partner must fix, other forms, hashes, spellings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from packtrace.cli.__main__ import run
from packtrace.cli.outcome import Exit
from packtrace.codec.epcis.hashing import hash_of
from tests.codec.epcis.documents import DSCSA, GS1, events_of
from tests.codec.epcis.test_reading import EVENT, XML_EVENT, json_document, xml_document

Capture = pytest.CaptureFixture[str]


def rows(capsys: Capture, *words: str, code: int = Exit.DONE) -> list[dict[str, Any]]:
    assert run([*words, "--json"]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def written(tmp_path: Path, data: bytes, name: str = "partner.xml") -> str:
    (tmp_path / name).write_bytes(data)
    return str(tmp_path / name)


def test_check_says_what_to_fix_line_by_line(tmp_path: Path, capsys: Capture) -> None:
    bad = XML_EVENT.replace("013435.A2", "13435.A2")
    dirty = XML_EVENT.replace("T10:00:00Z", " 10:00:00Z")
    name = written(tmp_path, xml_document(XML_EVENT, bad, dirty))
    assert run(["epcis", "check", name]) == Exit.NO
    said = capsys.readouterr()
    assert "event 1, line 3, epcList[1]: expected" in said.err
    assert "event 2, line 3, eventTime: " in said.err
    assert "3 events: 2 good, 1 to fix, 1 remark" in said.out
    fix, remark, done = rows(capsys, "epcis", "check", name, code=Exit.NO)
    assert (fix["code"], fix["where"]) == ("bad-identifier", "line 3, epcList[1]")
    assert (remark["status"], remark["remarks"][0]["where"]) == ("good", "line 3, eventTime")
    assert (done["good"], done["bad"]) == (2, 1)
    assert len(rows(capsys, "epcis", "check", name, "--quiet", code=Exit.NO)) == 2


def test_check_of_a_good_file_is_a_yes(capsys: Capture) -> None:
    assert rows(capsys, "epcis", "check", str(DSCSA))[-1] == {
        "status": "done", "good": 8, "bad": 0, "remarks": 0, "master_data": 6, "version": "1.2"
    }  # fmt: skip
    assert run(["epcis", "check", str(DSCSA)]) == Exit.DONE
    assert "8 events: 8 good, 0 to fix, master data of 6 things" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: Capture) -> None:
    name = written(tmp_path, xml_document(XML_EVENT)[:-4])
    for words in (["epcis", "check", name], ["epcis", "hash", name], ["epcis", "convert", name]):
        assert run(words) == Exit.NO
        assert "expected well-formed XML" in capsys.readouterr().err
    (row,) = rows(capsys, "epcis", "check", name, code=Exit.NO)
    assert row["code"] == "malformed-xml"
    assert run(["epcis", "check", str(tmp_path / "nothing")]) == Exit.WRONG_USE
    assert run(["epcis", "convert", name, "--to", "csv"]) == Exit.WRONG_USE
    assert run(["epcis", "hash", name, "--cbv", "3"]) == Exit.WRONG_USE


@pytest.mark.parametrize("to", ["json", "xml", "xml-1.2"])
def test_convert_keeps_every_event(tmp_path: Path, to: str, capsys: Capture) -> None:
    for path in (DSCSA, GS1[8]):
        out = tmp_path / "out"
        (row,) = rows(capsys, "epcis", "convert", str(path), "--to", to, "-o", str(out))
        document, events = events_of(path.read_bytes())
        again, back = events_of(out.read_bytes())
        assert (row["written"], row["failed"]) == (len(events), 0)
        assert back == events
        assert again.vocabularies == document.vocabularies
        linked = tmp_path / "linked"
        assert run(["epcis", "convert", str(path), "--to", to, "--epcs", "link", "--words", "web", "-o", str(linked)]) == Exit.DONE
        assert [hash_of(one) for one in events_of(linked.read_bytes())[1]] == [hash_of(one) for one in events]
        assert run(["epcis", "convert", str(linked), "--to", to, "--epcs", "urn"]) == Exit.DONE
        capsys.readouterr()


def test_convert_tells_what_it_could_not_write(tmp_path: Path, capsys: Capture) -> None:
    name = written(tmp_path, json_document(EVENT, EVENT | {"epcList": 5}, EVENT | {"rdfs:1x": "a"}), "partner.json")
    out = str(tmp_path / "out.xml")
    assert run(["epcis", "convert", name, "--to", "xml", "-o", out]) == Exit.NO
    said = capsys.readouterr()
    assert "event 1, /epcisBody/eventList/1/epcList" in said.err
    assert "a name that XML can have" in said.err
    assert "1 event written" in said.out


def test_hash_is_the_id_that_everybody_computes(tmp_path: Path, capsys: Capture) -> None:
    name = written(tmp_path, json_document(EVENT), "partner.json")
    want = hash_of(events_of(json_document(EVENT))[1][0])
    assert run(["epcis", "hash", name]) == Exit.DONE
    assert capsys.readouterr().out == f"{want}\n"
    (row,) = rows(capsys, "epcis", "hash", name, "--cbv", "2.1", "--text")
    assert row["hash"] == want.replace("CBV2.0", "CBV2.1")
    assert row["text"].startswith("eventType=ObjectEventeventTime=2026-11-22T10:00:00.000Z")


# fmt: off
DECODED = [
    # text                                                      kind       epc                                                   warnings
    ("(01)09506000134352(21)A1(17)280531(10)L7",                "sgtin",   "https://id.gs1.org/01/09506000134352/21/A1",         []),
    ("]d2010950600013435221A1\x1d10L7\r\n",                     "sgtin",   "https://id.gs1.org/01/09506000134352/21/A1",         ["line-end-stripped"]),
    ("]D2010950600013435221a1",                                 "sgtin",   "https://id.gs1.org/01/09506000134352/21/a1",         ["caps-lock-scanner"]),
    ("010950600013435210LOT4221SN0001",                         "partial", "",                                                   ["lot-holds-serial", "partial-scan"]),
    ("urn:epc:id:sscc:9506000.0000000001",                      "sscc",    "https://id.gs1.org/00/095060000000000015",           []),
    ("3074257BF7194E4000001A85",                                "sgtin",   "https://id.gs1.org/01/80614141123458/21/6789",       []),
    ("https://example.com/414/9506000100005",                   "place",   "https://id.gs1.org/414/9506000100005",               []),
    ("urn:epc:id:pgln:9506000.10000",                           "place",   "https://id.gs1.org/414/9506000100005",               []),
    ("urn:epc:class:lgtin:9506000.013435.L7",                   "lot class", "https://id.gs1.org/01/09506000134352/10/L7",       []),
]
# fmt: on


@pytest.mark.parametrize(("text", "kind", "epc", "warnings"), DECODED)
def test_decode_says_what_a_code_says(capsys: Capture, text: str, kind: str, epc: str, warnings: list[str]) -> None:
    (row,) = rows(capsys, "scan", "decode", text)
    assert (row["kind"], row["epc"], row["warnings"]) == (kind, epc, warnings)
    assert run(["scan", "decode", text]) == Exit.DONE
    said = capsys.readouterr().out
    assert kind in said
    assert all(f"! {warning}: " in said for warning in warnings)


def test_decode_of_a_wrong_code_is_a_no(capsys: Capture) -> None:
    assert run(["scan", "decode", "(01)09506000134353(21)A1"]) == Exit.NO
    assert "check digit 2" in capsys.readouterr().err
    (row,) = rows(capsys, "scan", "decode", "(01)09506000134353(21)A1", code=Exit.NO)
    assert row["code"] == "wrong-check-digit"


def test_convert_gives_every_spelling(capsys: Capture) -> None:
    (row,) = rows(capsys, "id", "convert", "urn:epc:id:sgtin:0614141.812345.6789")
    assert row["digital_link"] == "https://id.gs1.org/01/80614141123458/21/6789"
    assert row["element_string"] == "(01)80614141123458(21)6789"
    assert row["tag_sgtin-96"] == "3014257BF7194E4000001A85"
    (again,) = rows(capsys, "id", "convert", row["tag_sgtin-198"])
    assert {name: again[name] for name in ("key", "urn")} == {name: row[name] for name in ("key", "urn")}
    (plain,) = rows(capsys, "id", "convert", row["digital_link"])
    assert (plain["urn"], plain["tag_sgtin-96"]) == ("", "")
    assert plain["tag_sgtin+"].startswith("F7080614141123458")
    assert rows(capsys, "id", "convert", row["digital_link"], "--prefix", "7")[0]["urn"] == row["text"]
    assert rows(capsys, "id", "convert", "9506000100005/ST1", "--prefix", "7")[0]["urn"] == "urn:epc:id:sgln:9506000.10000.ST1"
    assert rows(capsys, "id", "convert", "(01)09506000134352(10)L7", "--prefix", "7")[0]["urn"] == "urn:epc:class:lgtin:9506000.013435.L7"
    assert run(["id", "convert", "nonsense"]) == Exit.NO
    assert rows(capsys, "id", "convert", "nonsense", code=Exit.NO)[0]["code"] == "bad-identifier"
    assert run(["id", "convert", "urn:epc:id:sgtin:0614141.812345.6789"]) == Exit.DONE
    assert "element string" in capsys.readouterr().out


def test_the_example_of_the_readme_is_as_it_says(capsys: Capture) -> None:
    example = Path(__file__).parents[2] / "schemas" / "examples" / "epcis" / "partner.xml"
    assert run(["epcis", "check", str(example)]) == Exit.NO
    said = capsys.readouterr()
    assert "event 2, line 58, epcList[0]: expected 13 digits" in said.err
    assert "event 1, line 42, eventTime: " in said.err
    assert "4 events: 3 good, 1 to fix, 1 remark, master data of 1 thing" in said.out

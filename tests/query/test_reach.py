"""Subscriptions call the public internet, and what is named besides; never what happens to listen beside this service."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest

from packtrace.errors import RefusedError
from packtrace.query.problem import ProblemError
from packtrace.query.reach import SETTING, Reach, of_setting
from packtrace.query.subscribing import subscription_of

PUBLIC = ["https://partner.example/told", "http://8.8.8.8/x", "https://[2606:4700::1111]:8443/x"]
PRIVATE = [
    "http://127.0.0.1:19023/?query=DROP", "http://localhost:19090/", "http://a.localhost/", "http://10.1.2.3/", "http://172.16.0.1/",
    "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://0.0.0.0/", "http://[::1]/", "http://[fe80::1]/",
    "http://[fd00::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://255.255.255.255/",
]  # fmt: skip


@pytest.mark.parametrize("dest", PUBLIC)
def test_the_public_internet_may_be_called(dest: str) -> None:
    assert subscription_of({"dest": dest, "stream": True}, "q", 1, Reach()).dest == dest


@pytest.mark.parametrize("dest", PRIVATE)
def test_what_stands_behind_the_firewall_may_not(dest: str) -> None:
    with pytest.raises(ProblemError) as caught:
        subscription_of({"dest": dest, "stream": True}, "q", 1, Reach())
    assert SETTING in str(caught.value)


def test_what_the_setting_names_may() -> None:
    reach = of_setting("erp.local, 10.1.0.0/16,127.0.0.1, fd00::/8")
    for dest in ("http://erp.local/", "http://10.1.2.3/", "http://127.0.0.1:1/", "http://[fd00::7]/", "https://partner.example/"):
        assert subscription_of({"dest": dest, "stream": True}, "q", 1, reach).dest == dest
    for dest in ("http://10.2.0.1/", "http://127.0.0.2/", "http://localhost/"):
        assert reach.trouble(dest)


@pytest.mark.parametrize("text", ["10.1.0.0/99", "http://erp.local", "a b", "erp_local"])
def test_a_setting_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        of_setting(text)


def test_a_name_is_judged_by_what_it_resolves_to_and_that_very_address_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "rebound.example": ["127.0.0.1"], "mixed.example": ["10.0.0.1", "93.184.215.14"], "two.example": ["93.184.215.14", "2606:4700::1111"],
        "odd.example": ["::ffff:10.0.0.1", "fe80::1%eth0"],
    }  # fmt: skip

    def resolved(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers.get(host, [host])]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    called: list[str] = []

    def connected(address: tuple[str, int], *_: Any, **__: Any) -> Any:
        called.append(address[0])
        raise OSError("nobody there")

    monkeypatch.setattr(socket, "create_connection", connected)
    with Reach().client(1) as client:
        for host in ("rebound.example", "odd.example", "2130706433.example"):
            answers.setdefault(host, ["127.0.0.1"])
            with pytest.raises(httpx.ConnectError, match="not on the public internet"):
                client.post(f"http://{host}/told", content=b"{}")
        assert called == []
        for host in ("mixed.example", "two.example"):
            with pytest.raises(httpx.ConnectError):
                client.post(f"http://{host}/told", content=b"{}")
    assert called == ["93.184.215.14", "2606:4700::1111", "93.184.215.14"]
    assert Reach(["rebound.example"]).addresses("rebound.example", 80) == ["127.0.0.1"]

"""Whom subscriptions may make this service call: addresses of the public internet, and others where a setting names them.

A subscription is a request that makes this machine send requests, from where it stands: to what listens on its loopback, to the
network behind the firewall, to the address where a cloud hands out credentials. So an address is judged where the connection
is made, after its name was resolved, and the connection goes to that very address: a name that resolves to another one the
next time wins nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import httpcore
import httpx

from packtrace.errors import RefusedError

SETTING: Final = "PACKTRACE_QUERY_SUBSCRIBERS"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_CARRIES_IPV4: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""Ways to write an IPv4 address as IPv6: public by their looks."""


class Reach:
    """See the module.

    Args:
        allowed: names, addresses and networks that may be called although they are not public, e.g. ``["erp.local", "10.1.0.0/16"]``.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[_Network] = []
        for one in allowed:
            try:
                self._networks.append(ipaddress.ip_network(one))
            except ValueError:
                self._hosts.add(one.lower())

    def trouble(self, dest: str) -> str:
        """Why ``dest`` will never be called, as far as it says so itself; empty where a name has to be resolved first."""
        host = urlsplit(dest).hostname or ""
        if host in self._hosts:
            return ""
        if host == "localhost" or host.endswith(".localhost"):
            return self._refusal(host)
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return ""
        return "" if self._may(host, address) else self._refusal(host)

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of ``host`` that may be called.

        Raises:
            httpcore.ConnectError: there is none.
        """
        try:
            found = {str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host}: {error}") from error
        allowed = sorted(one for one in found if self._may(host, ipaddress.ip_address(one.partition("%")[0])))
        if not allowed:
            raise httpcore.ConnectError(self._refusal(host))
        return allowed

    def client(self, timeout_seconds: float) -> httpx.Client:
        """A client that calls nobody else; it follows no redirection and uses no proxy."""
        transport = httpx.HTTPTransport(trust_env=False)
        transport._pool._network_backend = _Backend(self)
        return httpx.Client(transport=transport, timeout=timeout_seconds, follow_redirects=False, trust_env=False)

    def _may(self, host: str, address: _Address) -> bool:
        if host.lower() in self._hosts or any(address in network for network in self._networks if network.version == address.version):
            return True
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return self._may(host, address.ipv4_mapped)
            if any(address in network for network in _CARRIES_IPV4):
                return False
        return address.is_global and not address.is_multicast

    def _refusal(self, host: str) -> str:
        return f"{host} is not on the public internet; {SETTING} names the hosts and networks that may be called all the same"


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were judged."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | None = None
        for address in self._reach.addresses(host, port):
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
        assert failure is not None
        raise failure


def of_setting(text: str) -> Reach:
    """The reach that the setting gives.

    Raises:
        RefusedError: an entry that is no host, address or network.
    """
    entries = [one.strip() for one in text.split(",") if one.strip()]
    for one in entries:
        try:
            ipaddress.ip_network(one)
        except ValueError:
            if "/" in one or ":" in one or not one.replace(".", "").replace("-", "").isalnum():
                raise RefusedError(
                    f"{SETTING}: expected names, addresses or networks such as erp.local,10.1.0.0/16, found {one!r}"
                ) from None
    return Reach(entries)

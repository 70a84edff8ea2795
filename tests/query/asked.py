"""Asks the application without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
from starlette.applications import Starlette


class Asked:
    """A client of one application."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def get(self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, params, headers)

    def send(self, method: str, path: str, body: object) -> httpx.Response:
        return self.request(method, path, body=body)

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://query") as client:
                return await client.request(method, path, params=params or None, headers=headers, json=body)

        return asyncio.run(ask())

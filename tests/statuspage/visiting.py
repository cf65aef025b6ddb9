"""How tests ask the door of the page: without a server, and without a thread that looks at the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from wsgiref.util import setup_testing_defaults

from statuspage.services.keeping import Keeper
from statuspage.views.documents import Documents
from statuspage.views.door import StatusDoor


class Still(Keeper):
    """Is told when to look, and has no thread."""

    def start(self) -> None:
        pass


class Answer:
    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = int(status[:3]), dict(headers), body
        assert len(self.headers) == len(headers), "a header stands twice"

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Answer]


def asker(keeper: Keeper, now: datetime, *, https: bool = False) -> Ask:
    def behind(environ: Any, start_response: Any) -> list[bytes]:
        start_response("404 Not Found", [])
        return [b"behind"]

    door = StatusDoor(Documents(keeper, clock=lambda: now), behind, https=https)

    def ask(path: str = "/status/", method: str = "GET", **headers: str) -> Answer:
        where, _, query = path.partition("?")
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": where, "QUERY_STRING": query}
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        setup_testing_defaults(environ)
        found: list[Any] = []
        body = b"".join(door(environ, lambda status, headers: found.extend((status, headers))))  # type: ignore[arg-type,func-returns-value]
        return Answer(*found, body)

    return ask

"""JSON over HTTP with a kept connection for each thread, and what can go wrong with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit


class Unreachable(Exception):
    """No answer: refused, too slow, or broken off."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is None when it is no JSON. `retry_after` is seconds, 0 when the server named none."""

    status: int
    body: Any
    retry_after: int


class Wire:
    """Posts to one server. `token` is asked for each request, because it may be renewed."""

    def __init__(self, base_url: str, token: Callable[[], str], *, timeout: float) -> None:
        parts = urlsplit(base_url)
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._netloc, self._prefix = parts.netloc, parts.path.rstrip("/")
        self._token, self._timeout = token, timeout
        self._local = threading.local()

    def post(self, path: str, payload: object) -> Answer:
        """Send it; a kept connection that the server has closed meanwhile is opened once more.

        Sending twice is harmless here: evaluations change nothing and reports carry an id.
        """
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token()}"}
        body = json.dumps(payload).encode()
        kept = getattr(self._local, "connection", None)
        if kept is not None:
            try:
                return self._send(kept, path, body, headers)
            except TimeoutError as error:
                raise Unreachable(f"no answer within {self._timeout:g} s") from error
            except (OSError, HTTPException):
                kept.close()
        fresh = self._local.connection = self._kind(self._netloc, timeout=self._timeout)
        try:
            return self._send(fresh, path, body, headers)
        except (OSError, HTTPException) as error:
            raise Unreachable(str(error) or type(error).__name__) from error

    def _send(self, connection: HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        done = False
        try:
            connection.request("POST", self._prefix + path, body, headers)
            response = connection.getresponse()
            content = response.read()
            done = True
        finally:
            if not done:
                connection.close()
                self._local.connection = None
        return Answer(response.status, _json(content), _seconds(response.headers.get("Retry-After", "")))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _seconds(text: str) -> int:
    return int(text) if text.isdecimal() else 0

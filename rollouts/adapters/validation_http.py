"""HTTP as the checks of a validation ask it: short, without redirects, and never more than a megabyte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import requests

MOST_BYTES = 1024 * 1024


class Unreachable(Exception):
    """Nobody answered in time; the message says who and why."""


class Answer(NamedTuple):
    """The names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    """`timeout` is in seconds, for connecting and for each part of the answer. Raises Unreachable."""

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 5) -> Answer: ...

    def post(self, url: str, body: object, *, headers: Mapping[str, str], timeout: float = 5) -> Answer: ...


class Requests:
    """Http by the library requests, over connections that are kept open. Close it when done."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no password of the process that happens to run this

    def close(self) -> None:
        self._session.close()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 5) -> Answer:
        return self._ask("GET", url, None, headers or {}, timeout)

    def post(self, url: str, body: object, *, headers: Mapping[str, str], timeout: float = 5) -> Answer:
        return self._ask("POST", url, body, headers, timeout)

    def _ask(self, method: str, url: str, body: object, headers: Mapping[str, str], timeout: float) -> Answer:
        options: dict[str, object] = {"headers": dict(headers), "timeout": timeout, "json": body}
        try:
            with self._session.request(method, url, allow_redirects=False, stream=True, **options) as found:  # type: ignore[arg-type]
                content = found.raw.read(MOST_BYTES, decode_content=True)
                return Answer(
                    found.status_code, {name.lower(): value for name, value in found.headers.items()}, content
                )
        except (requests.RequestException, OSError, ValueError) as error:
            raise Unreachable(f"{url} does not answer: {_why(error)}") from error


def _why(error: Exception) -> str:
    """The innermost reason, in few words."""
    while isinstance(error.__cause__ or error.__context__, Exception):
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return str(error)[:200] or type(error).__name__

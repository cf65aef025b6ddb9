"""What the doors in front of Django share: they answer from memory, without database and Redis."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from flags.domain.configuration import TokenConfig
from flags.domain.limit import MinuteLimit
from flags.services.holding import Held, Source
from flags.services.tokens import Scope, digest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]


class Refusal(Exception):
    """A request that is not served. `code` is OFREP's word for it."""

    def __init__(self, status: int, details: str, *headers: tuple[str, str], code: str = "GENERAL") -> None:
        super().__init__(details)
        self.status, self.details, self.headers, self.code = status, details, headers, code


def admitted(text: str, held: Held, scope: Scope, limit: MinuteLimit) -> TokenConfig:
    """The live token with this text, counted. Raises Refusal: 503, 401, 429 or 403."""
    if held.source is Source.NOWHERE:  # not 401: a client would give up for good
        raise Refusal(503, "No configuration could be loaded yet.", ("Retry-After", "5"))
    token = held.tokens.get(digest(text))
    if token is None:
        raise Refusal(
            401,
            "Send a live token, as `Authorization: Bearer <token>` or as `X-API-Key: <token>`.",
            ("WWW-Authenticate", "Bearer"),
        )
    wait = limit.wait(token.digest, time.monotonic())
    if wait:
        raise Refusal(429, f"This token may ask {limit.most} times a minute.", ("Retry-After", str(wait)))
    if scope not in token.scopes:
        raise Refusal(403, f"The token {token.name!r} lacks the scope {scope}.")
    return token


def token_text(environ: WSGIEnvironment) -> str:
    """What stands in `Authorization: Bearer …` or `X-API-Key`; empty when neither is sent."""
    scheme, _, text = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(text.strip())
    return str(environ.get("HTTP_X_API_KEY", "").strip())

"""What the doors in front of Django share: they answer from memory, without database and Redis."""

from __future__ import annotations

import time
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import parse_qs

import orjson

from core.tokens import digest
from flags.domain.configuration import TokenConfig
from flags.domain.document import version_of
from flags.domain.limit import MinuteLimit
from flags.services import token_use
from flags.services.holding import Held, Source

STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]


class Refusal(Exception):
    """A request that is not served. `code` is OFREP's word for it."""

    def __init__(self, status: int, details: str, *headers: tuple[str, str], code: str = "GENERAL") -> None:
        super().__init__(details)
        self.status, self.details, self.headers, self.code = status, details, headers, code


def admitted(text: str, held: Held, scopes: Collection[str], limit: MinuteLimit) -> TokenConfig:
    """The live token with this text, counted. Raises Refusal: 503, 401, 429 or 403."""
    if held.source is Source.NOWHERE:  # not 401: a client would give up for good
        raise Refusal(503, "No configuration could be loaded yet.", ("Retry-After", "5"))
    token = held.tokens.get(digest(text))
    if token is None:
        details = "Send a live token, as `Authorization: Bearer <token>` or as `X-API-Key: <token>`."
        raise Refusal(401, details, ("WWW-Authenticate", "Bearer"))
    permit(token, scopes, limit)
    return token


def permit(token: TokenConfig, scopes: Collection[str], limit: MinuteLimit) -> None:
    """Count the call. Raises Refusal when the token's minute is used up, and when it has none of the scopes."""
    wait = limit.wait(token.digest, time.monotonic())
    if wait:
        raise Refusal(429, f"This token may ask {limit.most} times a minute.", ("Retry-After", str(wait)))
    if token.scopes.isdisjoint(scopes):
        raise Refusal(403, f"The token {token.name!r} lacks the scope {' or '.join(sorted(scopes))}.")
    token_use.note(token.digest)


def token_text(authorization: str, api_key: str) -> str:
    """The token in the headers `Authorization: Bearer …` or `X-API-Key`; empty when neither is sent."""
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else api_key.strip()


def heard_of(query: str) -> int:
    """The version that a client has heard of by the stream, in `flagConfigEtag`; 0 when it tells none."""
    if "flagConfigEtag" not in query:
        return 0
    return version_of(parse_qs(query).get("flagConfigEtag", [""])[0]) or 0


def problem(refusal: Refusal) -> Answer:
    """The refusal as RFC 9457 has it, which is how everything under `/api/` tells errors."""
    title = STATUS[refusal.status].partition(" ")[2]
    body = {"type": "about:blank", "title": title, "status": refusal.status, "detail": refusal.details}
    return refusal.status, [("Content-Type", "application/problem+json"), *refusal.headers], orjson.dumps(body)

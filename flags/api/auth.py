"""Who calls `/api/v1`: a token in `Authorization: Bearer …` or in `X-API-Key`."""

from __future__ import annotations

import base64
import time
from collections.abc import Collection
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyHeader, HttpBearer

from core.errors import DomainError, Refused
from core.tokens import digest
from flags.domain.configuration import TokenConfig
from flags.domain.limit import MinuteLimit
from flags.services import token_use
from flags.services.holding import live_token


class TooManyRequests(DomainError):
    """The token has used up its minute. `retry_after` is in whole seconds."""

    status = 429

    def __init__(self, most: int, retry_after: int) -> None:
        super().__init__(
            f"This token has made more than {most} requests in this minute. Try again in {retry_after} seconds."
        )
        self.retry_after = retry_after


class BearerToken(HttpBearer):
    def __init__(self, scopes: Collection[str]) -> None:
        super().__init__()
        self.scopes = scopes

    def authenticate(self, request: HttpRequest, token: str) -> TokenConfig | None:
        return admit(token.strip(), self.scopes)


class KeyHeader(APIKeyHeader):
    param_name = "X-API-Key"

    def __init__(self, scopes: Collection[str]) -> None:
        super().__init__()
        self.scopes = scopes

    def authenticate(self, request: HttpRequest, key: str | None) -> TokenConfig | None:
        return admit(key.strip(), self.scopes) if key else None


def token_auth(*scopes: str) -> list[BearerToken | KeyHeader]:
    """For `auth=` of an operation that one of these scopes opens."""
    return [BearerToken(scopes), KeyHeader(scopes)]


def caller(request: HttpRequest) -> TokenConfig:
    """The token that `token_auth` let in, with `.environment`, `.name` and `.actor`."""
    token: TokenConfig = request.auth  # type: ignore[attr-defined]  # ninja puts there what authenticate returns
    return token


def admit(text: str, scopes: Collection[str]) -> TokenConfig | None:
    """The live token with this text, counted; None when there is none.

    Raises Refused when it has none of the scopes, TooManyRequests when its minute is used up.
    """
    token = live_token(digest(text))
    if token is None:
        return None
    count(token)
    if token.scopes.isdisjoint(scopes):
        needed = " or ".join(scopes)
        raise Refused(f"The token {token.name!r} lacks the scope {needed}; it has {', '.join(sorted(token.scopes))}.")
    token_use.note(token.digest)
    return token


def count(token: TokenConfig) -> None:
    """Count one request of the token, or raise TooManyRequests."""
    wait = _limit(settings.API_LIMIT_PER_MINUTE).wait(token.digest, time.monotonic())
    if wait:
        raise TooManyRequests(settings.API_LIMIT_PER_MINUTE, wait)


def presented(request: HttpRequest) -> TokenConfig | None:
    """The live token in the headers of a request, whatever it opens; not counted."""
    text = text_of(request)
    return live_token(digest(text)) if text else None


def text_of(request: HttpRequest) -> str:
    """The token in the headers of a request, for doors that are not the router's; empty when there is none.

    Also as the password of HTTP basic, which is what some senders of metrics can send.
    """
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(text, validate=True).decode().partition(":")[2].strip()
        except ValueError:
            return ""
    return text.strip() if kind.lower() == "bearer" else request.headers.get("X-API-Key", "").strip()


@cache
def _limit(most: int) -> MinuteLimit:
    return MinuteLimit(most)

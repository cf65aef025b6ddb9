"""The calendar of one environment, for programs that can only fetch an address."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import timezone
from ninja import Router
from ninja.security import APIKeyQuery

from core import environments
from core.errors import Refused
from core.feed import Feed, as_icalendar
from flags.api.auth import BearerToken, KeyHeader, admit, caller
from flags.domain.configuration import TokenConfig
from flags.services.tokens import Scope


class QueryToken(APIKeyQuery):
    """A token in the address, `?token=`: calendars cannot send headers. Only one that opens nothing else is taken."""

    param_name = "token"

    def authenticate(self, request: HttpRequest, key: str | None) -> TokenConfig | None:
        token = admit(key.strip(), [Scope.CALENDAR]) if key else None
        if token is not None and token.scopes != {Scope.CALENDAR}:
            raise Refused("A token that opens more than the calendar must not travel in an address.")
        return token


router = Router(tags=["calendar"], auth=[QueryToken(), BearerToken([Scope.CALENDAR]), KeyHeader([Scope.CALENDAR])])


@router.get(
    "/calendar.ics",
    summary="Freezes and planned steps as an iCalendar file",
    openapi_extra={"responses": {200: {"description": "RFC 5545", "content": {"text/calendar": {}}}}},
)
def calendar(request: HttpRequest, environment: str = "") -> HttpResponse:
    """The past month and the coming year of the token's environment. Send `If-None-Match` to save the way."""
    token = caller(request)
    if environment not in ("", token.environment):
        raise Refused(f"This token is of {token.environment}: the calendar of {environment} needs one of its own.")
    address = settings.PUBLIC_URL.rstrip("/")
    host = urlsplit(address).hostname or "nctool-rollout"
    body = as_icalendar(Feed(environments.get(token.environment), address, host), now=timezone.now())
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    same = request.headers.get("If-None-Match") == etag
    response = HttpResponseNotModified() if same else HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["Content-Disposition"] = f'inline; filename="{token.environment}.ics"'
    return response

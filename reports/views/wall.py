"""The wall screen: for everybody who has its address, without a session and without a cookie."""

from __future__ import annotations

import time
from functools import cache
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import environments
from core.errors import NotFound
from core.proxy import client_address
from flags.domain.limit import MinuteLimit
from reports.selectors import walls as selectors
from reports.services import walls

GUESSES = 20  # a minute and address, of tokens that open nothing
ASKED = 240  # a minute and address: several screens behind one
SAFE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the token stands in the address
    "X-Robots-Tag": "noindex, nofollow",
}


@require_safe
def wall(request: HttpRequest, token: str) -> HttpResponse:
    """`?page=` counts from 0. Refused alike: a token that never was, one that has expired, and one that was revoked."""
    who = client_address(request) or ""
    wait = max(_asked().wait(who, time.monotonic()), _guessed().left(who, time.monotonic()))
    if wait:
        return _plain(request, "This screen asks too often.", HTTPStatus.TOO_MANY_REQUESTS, wait)
    now = timezone.now()
    try:
        link = walls.use(token, now=now)
    except NotFound as error:
        _guessed().wait(who, time.monotonic())
        return _plain(request, str(error), HTTPStatus.NOT_FOUND)
    asked = request.GET.get("page", "0")
    page = selectors.page(link, int(asked) if asked.isdecimal() and len(asked) < 6 else 0, now=now)
    local = environments.local(page.environment, now)
    with timezone.override(local.tzinfo):
        shown = render(request, "reports/wall.html", {"page": page, "link": link, "now": local})
    return _safe(shown)


def _plain(request: HttpRequest, words: str, status: int, wait: int = 0) -> HttpResponse:
    response = render(request, "reports/wall_plain.html", {"words": words}, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return _safe(response)


def _safe(response: HttpResponse) -> HttpResponse:
    for name, value in SAFE.items():
        response[name] = value
    return response


@cache
def _asked() -> MinuteLimit:
    return MinuteLimit(ASKED)


@cache
def _guessed() -> MinuteLimit:
    return MinuteLimit(GUESSES)

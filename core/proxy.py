"""Where a request comes from, and who is said to sign in by it: attempts are counted by both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

LONGEST = 255  # characters of a name that axes has room for


def attempted_name(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str | None:
    """The name that somebody tries; of one that is longer than any name of ours, its beginning."""
    name = (credentials or request.POST).get("username")
    return None if name is None else str(name)[:LONGEST]


def client_address(request: HttpRequest) -> str | None:
    """Where a sign-in comes from. With HTTPS on a proxy is in front: the last address it added is the client's;
    those before it are the client's own words. Without one, the connection tells."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.HTTPS else ""
    last: str = forwarded.rpartition(",")[2].strip()
    return last or request.META.get("REMOTE_ADDR")

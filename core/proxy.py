"""What the TLS proxy in front of a production says of the request."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Where a sign-in comes from. With HTTPS on a proxy is in front: the last address it added is the client's;
    those before it are the client's own words. Without one, the connection tells."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.HTTPS else ""
    last: str = forwarded.rpartition(",")[2].strip()
    return last or request.META.get("REMOTE_ADDR")

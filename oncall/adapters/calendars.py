"""Imported calendars over HTTP, within limits."""

from __future__ import annotations

import requests
from django.conf import settings

from core import guarded
from core.addresses import read_networks
from core.guarded import PrivateAddress
from core.limited import Limit
from oncall.adapters.ports import FeedFailed
from oncall.domain.feed import MOST_BYTES

PATIENCE = 5.0  # seconds, to connect and from one piece to the next
LONGEST = 15.0  # seconds for all of it: a server that drips is as good as one that hangs


def fetch(url: str, *, longest: float = LONGEST) -> bytes:
    """The calendar at the address. Raises FeedFailed."""
    limit = Limit(longest)
    try:
        with limit, guarded.session(read_networks(settings.ALLOW_NETWORKS), limit=limit) as session:
            body = _read(session, url)
    except FeedFailed:
        raise
    except Exception as error:
        raise _too_long(longest) if limit.over else _told(error) from None
    if limit.over:  # the end of a body of unknown length looks like the end of a connection
        raise _too_long(longest)
    return body


def _read(session: requests.Session, url: str) -> bytes:
    with session.get(url, timeout=PATIENCE, stream=True, headers={"Accept": "text/calendar"}) as response:
        if response.status_code != requests.codes.ok:
            raise FeedFailed(f"It answers {response.status_code}: the address is wrong, or its secret has changed.")
        body = b""
        for part in response.iter_content(65_536):
            body += part
            if len(body) > MOST_BYTES:
                raise FeedFailed(f"It is larger than {MOST_BYTES // 1_000_000} MB, which no plan of people is.")
    return body


def _too_long(longest: float) -> FeedFailed:
    return FeedFailed(f"It did not end within {longest:g} s.")


def _told(error: Exception) -> FeedFailed:
    """What went wrong, without a part of the address: it is a secret."""
    if isinstance(error, PrivateAddress):
        return FeedFailed(f"{error} ALLOW_NETWORKS in the settings can let it in.")
    if isinstance(error, requests.Timeout):
        return FeedFailed(f"It did not answer within {PATIENCE:g} s.")
    if isinstance(error, requests.TooManyRedirects):
        return FeedFailed(f"It leads from one address to the next, more than {guarded.MOST_REDIRECTS} times.")
    if isinstance(error, requests.exceptions.SSLError):
        return FeedFailed("Its certificate is not valid for this address.")
    return FeedFailed(f"It cannot be reached ({type(error).__name__}).")

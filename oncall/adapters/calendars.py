"""Imported calendars over HTTP, within limits."""

from __future__ import annotations

import time

import requests
from django.conf import settings

from core import guarded
from core.addresses import read_networks
from core.guarded import PrivateAddress
from oncall.adapters.ports import FeedFailed
from oncall.domain.feed import MOST_BYTES

PATIENCE = 5.0  # seconds, to connect and from one piece to the next
LONGEST = 15.0  # seconds for all of it: a server that drips is as good as one that hangs


def fetch(url: str) -> bytes:
    """The calendar at the address. Raises FeedFailed."""
    try:
        with (
            guarded.session(read_networks(settings.ALLOW_NETWORKS)) as session,
            session.get(url, timeout=PATIENCE, stream=True, headers={"Accept": "text/calendar"}) as response,
        ):
            if response.status_code != requests.codes.ok:
                raise FeedFailed(f"It answers {response.status_code}: the address is wrong, or its secret has changed.")
            return _read(response)
    except PrivateAddress as error:
        raise FeedFailed(f"{error} ALLOW_NETWORKS in the settings can let it in.") from None
    except requests.Timeout:
        raise FeedFailed(f"It did not answer within {PATIENCE:g} s.") from None
    except requests.TooManyRedirects:
        raise FeedFailed(f"It leads from one address to the next, more than {guarded.MOST_REDIRECTS} times.") from None
    except requests.exceptions.SSLError:
        raise FeedFailed("Its certificate is not valid for this address.") from None
    except requests.RequestException as error:
        raise FeedFailed(f"It cannot be reached ({type(error).__name__}).") from None


def _read(response: requests.Response) -> bytes:
    end = time.monotonic() + LONGEST
    body = b""
    for part in response.iter_content(65_536):
        body += part
        if len(body) > MOST_BYTES:
            raise FeedFailed(f"It is larger than {MOST_BYTES // 1_000_000} MB, which no plan of people is.")
        if time.monotonic() > end:
            raise FeedFailed(f"It did not end within {LONGEST:g} s.")
    return body

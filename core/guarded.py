"""Requests to addresses that people type: never to a machine inside (SSRF).

The address is looked at after the connection is made and before anything is sent on it, so neither a redirect nor a
name that answers with another address the second time (DNS rebinding) gets around it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from core.addresses import Network, is_allowed
from core.limited import Limit

MOST_REDIRECTS = 3


class PrivateAddress(Exception):
    """The name leads to an address that is not allowed. No OSError, which would be taken for a bad connection."""


def session(allowed: Sequence[Network] = (), *, limit: Limit | None = None) -> requests.Session:
    """For http and https, without the machine's proxies and passwords; every redirect is looked at too.

    Public addresses and these networks can be reached; another one raises PrivateAddress. A limit watches over all
    connections of the session.
    """
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = MOST_REDIRECTS
    adapter = _Guarded(allowed, limit)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


class _Guarded(HTTPAdapter):
    def __init__(self, allowed: Sequence[Network], limit: Limit | None) -> None:
        self._allowed, self._limit = allowed, limit
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = pools(self._opened)

    def _opened(self, connection: HTTPConnection) -> socket.socket:
        made = HTTPConnection._new_conn(connection)
        address = made.getpeername()[0]
        if not is_allowed(address, self._allowed):
            made.close()
            raise PrivateAddress(f"The address leads to {address}, which is not public.")
        if self._limit is not None:
            self._limit.watch(made)
        return made


def pools(opened: Callable[[HTTPConnection], socket.socket]) -> dict[str, Any]:
    """urllib3's own pools and connections, by scheme; `opened` makes the socket of each connection."""
    plain = type("Plain", (HTTPConnection,), {"_new_conn": lambda connection: opened(connection)})
    secure = type("Secure", (HTTPSConnection,), {"_new_conn": lambda connection: opened(connection)})
    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }

"""Requests to addresses that people type: never to a machine inside (SSRF).

The address is looked at after the connection is made and before anything is sent on it, so neither a redirect nor a
name that answers with another address the second time (DNS rebinding) gets around it.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

MOST_REDIRECTS = 3


class PrivateAddress(Exception):
    """The name leads to an address that is not allowed. No OSError, which would be taken for a bad connection."""


def is_public(address: str) -> bool:
    """Whether everybody can reach the address. One that wraps an IPv4 address is judged by that."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return (inner or found).is_global and not found.is_multicast


def anywhere(address: str) -> bool:
    """For an installation whose settings allow addresses inside."""
    return True


def session(allowed: Callable[[str], bool] = is_public) -> requests.Session:
    """For http and https, without the machine's proxies and passwords; every redirect is looked at too.

    `allowed` is asked for the numeric address of each connection. Raises PrivateAddress where it says no.
    """
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = MOST_REDIRECTS
    adapter = _Guarded(allowed)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


class _Guarded(HTTPAdapter):
    def __init__(self, allowed: Callable[[str], bool]) -> None:
        self._allowed = allowed
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._allowed)


def _pools(allowed: Callable[[str], bool]) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's own pools and connections, which look where they have arrived before they are used."""

    def looked_at(sock: socket.socket) -> socket.socket:
        address = sock.getpeername()[0]
        if allowed(address):
            return sock
        sock.close()
        raise PrivateAddress(f"The address leads to {address}, which is not public.")

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return looked_at(super()._new_conn())

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return looked_at(super()._new_conn())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}

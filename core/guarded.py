"""Requests to addresses that people type: never to a machine inside (SSRF).

The address is looked at after the connection is made and before anything is sent on it, so neither a redirect nor a
name that answers with another address the second time (DNS rebinding) gets around it.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

MOST_REDIRECTS = 3


class PrivateAddress(requests.ConnectionError):
    """The name leads to an address that is not public."""


def session(*, private: bool) -> requests.Session:
    """For http and https, without the machine's proxies and passwords; `private` allows addresses inside."""
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = MOST_REDIRECTS
    if not private:
        adapter = _PublicOnly()
        made.mount("http://", adapter)
        made.mount("https://", adapter)
    return made


def is_public(address: str) -> bool:
    """Whether everybody can reach the address. One that wraps an IPv4 address is judged by that."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return (inner or found).is_global and not found.is_multicast


def _looked_at(sock: socket.socket) -> socket.socket:
    address = sock.getpeername()[0]
    if is_public(address):
        return sock
    sock.close()
    raise PrivateAddress(f"The address leads to {address}, which is not public.")


class _Http(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _looked_at(super()._new_conn())


class _Https(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _looked_at(super()._new_conn())


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _PublicOnly(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

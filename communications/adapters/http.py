"""One POST: no redirect, no more than so many seconds in all, and where it matters to no address of ours."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from communications.adapters.answers import Answer
from communications.domain.delivery import Failure, without_secrets

CONNECT, READ, DEADLINE = 4.0, 6.0, 9.0  # seconds
MOST_READ = 16_384
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Guard:
    """Only to public addresses, and to these networks. Without a guard a URL may lead anywhere."""

    allowed: Sequence[Network] = ()

    def lets(self, address: Address) -> bool:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return (mapped.is_global and not mapped.is_multicast) or any(mapped in network for network in self.allowed)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[str] = (),
    guard: Guard | None = None,
) -> Answer | Failure:
    """Send it and read the answer. The address is looked up once and then connected to, so that it cannot change."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(parts.hostname or "", port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        return Failure(without_secrets(f"{parts.hostname} cannot be looked up: {error}", secrets))
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if guard is not None and not all(guard.lets(address) for address in addresses):
        return Failure("The address leads into a private network, where nothing is sent.", permanent=True)
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    host = parts.netloc.rpartition("@")[2]
    failed = Failure("There is no such address.")
    for address in addresses:
        try:
            with _pool(parts.scheme, str(address), port, parts.hostname or "") as pool:
                return _ask(pool, target, body, {"Host": host, **headers})
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            failed = _failed(error, secrets)  # nothing was sent: the next address may be one that answers
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return _failed(error, secrets)
    return failed


def _pool(scheme: str, address: str, port: int, name: str) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=CONNECT, read=READ)
    if scheme == "https":
        trusted = ssl.create_default_context()
        names = {"server_hostname": name, "assert_hostname": name}
        return urllib3.HTTPSConnectionPool(
            address,
            port,
            timeout=timeout,
            retries=False,
            ssl_context=trusted,
            **names,  # type: ignore[arg-type]
        )
    return urllib3.HTTPConnectionPool(address, port, timeout=timeout, retries=False)


def _ask(pool: urllib3.HTTPConnectionPool, target: str, body: bytes, headers: Mapping[str, str]) -> Answer | Failure:
    end = time.monotonic() + DEADLINE
    response = pool.urlopen("POST", target, body=body, headers=dict(headers), redirect=False, preload_content=False)
    said = b""
    while len(said) < MOST_READ and (chunk := response.read1(4096)):
        said += chunk
        if time.monotonic() > end:
            return Failure(f"The answer took more than {DEADLINE:g} s.")
    response.close()
    return Answer(response.status, said.decode(errors="replace"), dict(response.headers))


def _failed(error: Exception, secrets: Sequence[str]) -> Failure:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3.exceptions.SSLError | ssl.SSLError):
        return Failure(without_secrets(f"The certificate is not accepted: {reason}", secrets))
    return Failure(without_secrets(f"{type(error).__name__}: {reason}", secrets))

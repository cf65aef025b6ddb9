"""One request and its answer over HTTP, with an end to it whatever the receiver does (core.limited).

Redirects are not followed: nobody but the address that was given gets a secret.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.util.connection import create_connection

from communications.adapters.answers import Answer
from communications.domain.delivery import Failure, without_secrets
from core import guarded
from core.addresses import Network, is_allowed
from core.guarded import PrivateAddress
from core.limited import Limit

DEADLINE = 10.0  # seconds for all of one message
MOST_BYTES = 64 * 1024  # of an answer; more is not read


class Exchange:
    """The time that one message may take, and where it may go.

    Args:
        allowed: None: wherever the name leads. Otherwise public addresses and these networks alone; the address that
            was looked at is the one that is connected to, and no proxy is used.
        secrets: never in the text of a failure.
    """

    def __init__(
        self, *, secrets: Sequence[str] = (), allowed: Sequence[Network] | None = None, seconds: float = DEADLINE
    ) -> None:
        self._secrets, self._allowed, self._seconds = secrets, allowed, seconds
        self._limit = Limit(seconds)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Failure:
        """Send it, and read at most 64 KB of the answer. What goes wrong is a value."""
        try:
            with self._limit, self._session() as session:
                return self._send(session, url, body, headers)
        except Exception as error:
            return self._failed(error, _host(url))

    def failure(self, text: str, *, permanent: bool = False) -> Failure:
        """A failure without secrets."""
        return Failure(without_secrets(text, self._secrets), permanent=permanent)

    def _send(self, session: requests.Session, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        prepared = requests.Request(
            "POST", url, data=body, headers={**headers, "Accept-Encoding": "identity"}
        ).prepare()
        options: Any = session.merge_environment_settings(prepared.url or url, {}, True, None, None)
        if self._allowed is not None:
            options["proxies"] = {}
        left = max(self._limit.left, 0.01)
        response = session.send(prepared, timeout=left, allow_redirects=False, **options)
        with response:
            read = b""
            for part in response.iter_content(4096):
                read += part
                if len(read) >= MOST_BYTES:
                    break
            if self._limit.over:  # the end of a body of unknown length looks like the end of a connection
                raise TimeoutError
            return Answer(response.status_code, read.decode("utf-8", "replace").strip(), dict(response.headers))

    def _session(self) -> requests.Session:
        session = requests.Session()
        adapter = _Adapter(self)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def opened(self, connection: HTTPConnection) -> socket.socket:
        """Connected to the first address that answers; PrivateAddress when one of them must not be reached."""
        host, port = connection.host.strip("[]"), connection.port or 0
        addresses = _resolve(host, port, within=self._limit.left)
        if self._allowed is not None:
            for address in addresses:
                if not is_allowed(address, self._allowed):
                    raise PrivateAddress(address)
        trouble: OSError = OSError("it has no address")
        for address in addresses:
            left = self._limit.left
            if left <= 0:
                raise TimeoutError
            try:
                made = create_connection((address, port), left, socket_options=connection.socket_options)
            except OSError as error:
                trouble = error
                continue
            self._limit.watch(made)
            return made
        raise trouble

    def _failed(self, error: Exception, host: str) -> Failure:
        causes = list(_causes(error))
        if self._limit.over or any(isinstance(each, TimeoutError | requests.Timeout) for each in causes):
            return self.failure(f"{host} did not end its answer within {self._seconds:g} s.")
        if any(isinstance(each, PrivateAddress) for each in causes):
            text = f"{host} leads to an address of a private network. ALLOW_NETWORKS can allow it."
            return self.failure(text, permanent=True)
        for each in causes:
            if isinstance(each, ssl.SSLCertVerificationError):
                return self.failure(f"The certificate of {host} is not valid: {each.verify_message}.")
            if isinstance(each, ssl.SSLError):
                return self.failure(f"{host} does not speak TLS as it should: {each.reason or 'the handshake failed'}.")
            if isinstance(each, socket.gaierror):
                return self.failure(f"There is no host of the name {host}, as far as the name server knows now.")
        if isinstance(error, requests.RequestException | OSError) and not isinstance(error, ValueError):
            reason = next((each.strerror for each in causes if isinstance(each, OSError) and each.strerror), "")
            return self.failure(f"{host} cannot be reached: {reason or 'it closed the connection'}.")
        return self.failure(f"The address or a header cannot be used ({type(error).__name__}).", permanent=True)


class _Adapter(HTTPAdapter):
    """Lets an exchange open the connections."""

    def __init__(self, exchange: Exchange) -> None:
        self._pools = guarded.pools(exchange.opened)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager: Any = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _resolve(host: str, port: int, *, within: float) -> list[str]:
    """The addresses of a host. In a thread of its own, since a name server that hangs cannot be given up otherwise."""
    found: list[str] = []
    trouble: list[OSError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:
            trouble.append(error if isinstance(error, OSError) else socket.gaierror(str(error)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(within, 0))
    if trouble:
        raise trouble[0]
    if thread.is_alive():
        raise TimeoutError
    return found


def _host(url: str) -> str:
    """As an error names it."""
    try:
        return urlsplit(url).hostname or "It"
    except ValueError:
        return "It"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, however the libraries wrapped it."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        each = todo.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        todo += [getattr(each, "reason", None), each.__cause__, each.__context__, *each.args]

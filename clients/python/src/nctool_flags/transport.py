"""HTTP with the standard library: one request to a reply, or a stream of lines. Redirects are not followed, so the
token goes nowhere else."""

from __future__ import annotations

import socket
import ssl
import time
import zlib
from contextlib import suppress
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

LONGEST_BODY = 128 * 1024 * 1024  # bytes, unpacked: 10,000 flags and allow-lists of 100,000 npubs are far below
_PIECE = 64 * 1024


class Unreachable(Exception):
    """No reply, or one that broke off."""


class Reply(NamedTuple):
    status: int
    headers: Message
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """Seconds. A date is read against the server's own clock: ours may be wrong."""
        told = self.headers.get("Retry-After", "")
        try:
            if told.strip().isdecimal():
                return float(told)
            return (parsedate_to_datetime(told) - parsedate_to_datetime(self.headers["Date"])).total_seconds()
        except (TypeError, ValueError):
            return None


class Address(NamedTuple):
    secure: bool
    host: str
    port: int | None
    path: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Raises ValueError for what is no http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no URL: write for example https://rollout.example.org")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme == "https", parts.hostname, parts.port, path)

    def connect(self, timeout: float, context: ssl.SSLContext | None) -> HTTPConnection:
        if self.secure:
            return HTTPSConnection(self.host, self.port, timeout=timeout, context=context)
        return HTTPConnection(self.host, self.port, timeout=timeout)


class Http:
    """Requests to one server with one token. `timeout` is in seconds, for each step and three times it for a whole."""

    def __init__(self, url: str, token: str, *, software: str, timeout: float, context: ssl.SSLContext | None) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("the token is empty or holds characters that no token has")
        self._address = Address.of(url.rstrip("/"))
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": software}
        self._timeout, self._context = timeout, context

    def ask(self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Raises Unreachable when no whole reply comes."""
        connection = self._address.connect(self._timeout, self._context)
        told = self._headers | {"Accept-Encoding": "gzip", "Connection": "close"} | (headers or {})
        if body is not None:
            told["Content-Type"] = "application/json"
        try:
            connection.request(method, self._address.path + path, body=body, headers=told)
            response = connection.getresponse()
            return Reply(response.status, response.headers, _whole(response, time.monotonic() + 3 * self._timeout))
        except (OSError, HTTPException, zlib.error, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def listen(self, url: str, *, own: bool, silence: float) -> Lines:
        """Open a stream. `own`: it is the operator's URL, so it gets the token; a ticket needs none."""
        address = Address.of(url)
        connection = address.connect(silence, self._context)
        headers = {"Accept": "text/event-stream", "User-Agent": self._headers["User-Agent"]}
        if own:
            headers = self._headers | headers
        try:
            connection.request("GET", address.path or "/", headers=headers)
            opened = connection.sock  # getresponse() may take it away
            return Lines(connection.getresponse(), opened)
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            raise Unreachable(f"{type(error).__name__}: {error}") from error


class Lines:
    """An open stream. Another thread may close it, which ends a reading that waits."""

    LONGEST = 64 * 1024

    def __init__(self, response: HTTPResponse, opened: socket.socket) -> None:
        self.status, self.headers = response.status, response.headers
        self._response, self._socket = response, opened

    def read(self) -> str:
        """One line without its end. Raises Unreachable when the stream has ended or is silent for too long."""
        try:
            line = self._response.readline(self.LONGEST)
        except (OSError, HTTPException, ValueError, AttributeError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        if not line.endswith(b"\n"):
            raise Unreachable("the stream ended")
        return line.rstrip(b"\r\n").decode("utf-8", "replace")

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._response.close()


def _whole(response: HTTPResponse, deadline: float) -> bytes:
    """The body, unpacked. A body that drips or bursts is cut off by an error."""
    unpack = zlib.decompressobj(31) if response.headers.get("Content-Encoding", "").strip() == "gzip" else None
    body = bytearray()
    while piece := response.read1(_PIECE):
        body += piece if unpack is None else unpack.decompress(piece, LONGEST_BODY + 1 - len(body))
        if len(body) > LONGEST_BODY:
            raise Unreachable(f"a body of more than {LONGEST_BODY} bytes")
        if time.monotonic() > deadline:
            raise Unreachable("the body took too long")
    if response.length:
        raise Unreachable(f"the body broke off, {response.length} bytes before its end")
    if body and unpack is not None and not unpack.eof:
        raise Unreachable("the packed body broke off")
    return bytes(body)

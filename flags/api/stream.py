"""`GET /stream`: tells clients that something changed, as server-sent events. A bare ASGI callable.

A message says only that there is another version (docs/adr/0013-stream.md): the client reads it where it always does.
So a client that reads slowly misses nothing by getting the newest message only.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import orjson

from flags.api.bare import Answer, Headers, Refusal, admitted, permit, problem, token_text
from flags.domain.configuration import EnvironmentConfig, TokenConfig
from flags.domain.document import etag
from flags.domain.limit import MinuteLimit
from flags.services import tickets
from flags.services.holding import Held, Holder, Source

PATH = "/stream"
HEARTBEAT = 15.0  # seconds of silence before a comment is sent, so that proxies and clients know the line is open
LIFETIME = 3600.0  # seconds; each stream ends after 75 to 100 % of it, so that not all come back at once
SLOW = 10.0  # seconds in which a client must take what is sent to it
_RETRY = (1_000, 5_000)  # ms that a client shall wait before it comes back
_BUSY = (5, 30)  # seconds that one shall wait for whom there is no room

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Line:
    """One open stream. `told` is the version its client knows."""

    token: TokenConfig
    told: str
    news: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False


class StreamDoor:
    """Answers `PATH` and `/healthz`. `close` ends every stream, in the event loop that serves them."""

    def __init__(self, holder: Holder, *, connections: int, limit: MinuteLimit, origins: Collection[str]) -> None:
        self._holder = holder
        self._connections = connections
        self._limit = limit
        self._origins = frozenset(origins)
        self._lines: dict[_Line, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._marks: Mapping[str, object] = {}
        holder.listeners.append(self._heard)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cors = self._cors(scope)
        try:
            if (plain := _plain(scope)) is not None:
                await _answer(send, *plain, cors)
                return
            line = self._line(scope)
        except Refusal as refusal:
            await _answer(send, *problem(refusal), cors)
            return
        self._lines[line] = None
        watching = asyncio.create_task(_watch(receive, line))
        try:
            await self._serve(line, send, cors)
        except (TimeoutError, OSError):
            pass  # it reads too slowly, or has gone
        finally:
            watching.cancel()
            del self._lines[line]

    async def open(self) -> None:
        """Have a configuration, and be ready to hear of the next."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._holder.start)
        self._marks = dict(self._holder.held.marks)

    def close(self) -> None:
        self._closing = True
        for line in self._lines:
            line.news.set()

    def _line(self, scope: Scope) -> _Line:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        token = self._token(scope["query_string"].decode("latin-1"), headers)
        if len(self._lines) >= self._connections:
            wait = str(random.randint(*_BUSY))  # noqa: S311 - spreads clients, keeps no secret
            raise Refusal(503, f"{self._connections} streams are open, which is the most.", ("Retry-After", wait))
        return _Line(token, headers.get("last-event-id", ""))

    def _token(self, query: str, headers: Mapping[str, str]) -> TokenConfig:
        held = self._holder.held
        ticket = parse_qs(query).get("ticket", [""])[0]
        if not ticket or held.source is Source.NOWHERE:
            text = token_text(headers.get("authorization", ""), headers.get("x-api-key", ""))
            return admitted(text, held, tickets.OPENED_BY, self._limit)
        token = tickets.owner(ticket, held.tokens.values(), at=time.time())
        if token is None:
            raise Refusal(401, "The ticket is too old, or its token was revoked. Get a new one.")
        permit(token, tickets.OPENED_BY, self._limit)
        return token

    async def _serve(self, line: _Line, send: Send, cors: Headers) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + LIFETIME * random.uniform(0.75, 1)  # noqa: S311 - as above
        headers = [
            ("Content-Type", "text/event-stream"),
            ("Cache-Control", "no-store"),
            ("X-Accel-Buffering", "no"),  # nginx must hand on at once what it gets
            *cors,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": _encoded(headers)})
        chunk = b"retry: %d\n%b" % (random.randint(*_RETRY), self._next(line) or b"\n")  # noqa: S311 - as above
        while not (line.gone or self._closing) and line.token.digest in self._holder.held.tokens and loop.time() < ends:
            async with asyncio.timeout(SLOW):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await self._wait(line) or b":\n\n"
        if not line.gone:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait(self, line: _Line) -> bytes | None:
        """The next message; None when nothing happened for as long as a heartbeat."""
        try:
            async with asyncio.timeout(HEARTBEAT):
                await line.news.wait()
        except TimeoutError:
            pass
        line.news.clear()
        return self._next(line)

    def _next(self, line: _Line) -> bytes | None:
        """What the client does not know yet."""
        config = self._holder.held.configurations.get(line.token.environment)
        if config is None or str(config.version) == line.told:
            return None
        line.told = str(config.version)
        return message(config)

    def _heard(self, held: Held) -> None:
        """Told by the holder, in its thread."""
        marks: dict[str, object] = dict(held.marks)
        changed = {key for key, mark in marks.items() if self._marks.get(key) != mark}
        self._marks = marks
        if changed and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, changed)

    def _wake(self, environments: Collection[str]) -> None:
        for line in self._lines:
            if line.token.environment in environments:
                line.news.set()

    def _cors(self, scope: Scope) -> Headers:
        if "*" in self._origins:
            return [("Access-Control-Allow-Origin", "*")]
        origin = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), "")
        allowed = [("Access-Control-Allow-Origin", origin)] if origin in self._origins else []
        return [*allowed, ("Vary", "Origin")]


def message(config: EnvironmentConfig) -> bytes:
    """The event that tells of this version: OFREP's `refetchEvaluation`."""
    changed = int(datetime.fromisoformat(config.changed_at).timestamp()) if config.changed_at else 0
    data = orjson.dumps({"type": "refetchEvaluation", "etag": etag(config), "lastModified": changed})
    return b"id: %d\ndata: %b\n\n" % (config.version, data)


async def _watch(receive: Receive, line: _Line) -> None:
    """Notice that the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    line.gone = True
    line.news.set()


def _plain(scope: Scope) -> Answer | None:
    """The answer to what is no stream; None for a stream. Raises Refusal."""
    path, method = scope["path"], scope["method"]
    if path == "/healthz":
        return 200, [("Content-Type", "application/json")], b'{"status":"alive"}'
    if path != PATH:
        raise Refusal(404, f"There is nothing here but {PATH}.")
    if method == "OPTIONS":
        return 204, [("Access-Control-Allow-Headers", "authorization, x-api-key, last-event-id")], b""
    if method != "GET":
        raise Refusal(405, f"The stream is opened by GET, not {method}.", ("Allow", "GET, OPTIONS"))
    return None


async def _answer(send: Send, status: int, headers: Headers, body: bytes, cors: Headers) -> None:
    headers = [*headers, *cors, *([("Content-Length", str(len(body)))] if body else [])]
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

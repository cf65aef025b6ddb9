"""The stream as clients see it, asked as a bare ASGI callable."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from core.tokens import digest
from flags.api import stream
from flags.api.stream import StreamDoor
from flags.domain.configuration import EnvironmentConfig, TokenConfig
from flags.domain.document import etag
from flags.domain.limit import MinuteLimit
from flags.services import tickets
from flags.services.holding import Held, Holder, Source


def token(name: str, scope: str, environment: str = "production") -> TokenConfig:
    return TokenConfig(digest(name), name, environment, frozenset({scope}))


TOKENS = (token("good", "snapshot"), token("web", "evaluate"), token("poor", "report"))
PRODUCTION = EnvironmentConfig("production", 42, "2025-08-11T09:00:00+00:00", (), TOKENS)
STAGING = EnvironmentConfig("staging", 7, "2025-08-11T09:00:00+00:00")


def holding(production: EnvironmentConfig = PRODUCTION, staging: EnvironmentConfig = STAGING) -> Held:
    found = {"production": production, "staging": staging}
    return Held().with_news(Source.DATABASE, found, found)


class StillHolder(Holder):
    """Holds what the test gave it, and tells its listeners when that changes."""

    def start(self) -> None:
        pass

    def hold(self, held: Held) -> None:
        self.held = held
        for listen in self.listeners:
            listen(held)


class Asked:
    """One request. `take` gives the next piece of the body, None when it has ended."""

    def __init__(
        self, door: StreamDoor, *, path: str = "/stream", query: str = "", method: str = "GET", **headers: str
    ):
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "http", "path": path, "method": method, "query_string": query.encode(), "headers": named}
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.taking = asyncio.Event()
        self.taking.set()
        self.task = asyncio.ensure_future(door(self.scope, self._in.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        await self.taking.wait()
        await self._out.put(message)

    async def start(self) -> tuple[int, dict[str, str]]:
        message = await asyncio.wait_for(self._out.get(), 5)
        return message["status"], {name.decode(): value.decode() for name, value in message["headers"]}

    async def take(self) -> str | None:
        message = await asyncio.wait_for(self._out.get(), 5)
        return message["body"].decode() if message["body"] or message["more_body"] else None

    async def leave(self) -> None:
        await self._in.put({"type": "http.disconnect"})
        await asyncio.wait_for(self.task, 5)

    @property
    def quiet(self) -> bool:
        return self._out.empty()


Story = Callable[[StreamDoor, StillHolder], Awaitable[None]]
Tell = Callable[..., None]


@pytest.fixture
def run(make_holder: Callable[..., Holder]) -> Callable[..., None]:
    """Play a story with a door that is open."""

    def run(story: Story, *, connections: int = 10, limit: int = 100, origins: tuple[str, ...] = ("*",)) -> None:
        holder = make_holder()
        holder.__class__ = StillHolder
        assert isinstance(holder, StillHolder)
        holder.held = holding()
        door = StreamDoor(holder, connections=connections, limit=MinuteLimit(limit), origins=origins)

        async def play() -> None:
            await door.open()
            await story(door, holder)

        with ThreadPoolExecutor(1) as thread:  # in that of the tests Playwright may keep a loop
            thread.submit(asyncio.run, play()).result()

    return run


def event(text: str | None) -> tuple[int, dict[str, Any]]:
    """The id and the data of a message."""
    lines = dict(line.split(": ", 1) for line in (text or "").strip().splitlines())
    return int(lines["id"]), json.loads(lines["data"])


def newer(version: int) -> EnvironmentConfig:
    return replace(PRODUCTION, version=version, changed_at="2025-08-11T09:30:00+00:00")


def test_it_tells_the_present_state_and_then_each_change(run: Tell) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        asked = Asked(door, authorization="Bearer good")
        status, headers = await asked.start()
        assert (status, headers["content-type"], headers["x-accel-buffering"]) == (200, "text/event-stream", "no")
        first = await asked.take() or ""
        assert first.startswith("retry: ")
        expected = {"type": "refetchEvaluation", "etag": etag(PRODUCTION), "lastModified": 1754902800}
        assert event(first.split("\n", 1)[1]) == (42, expected)
        holder.hold(holding(newer(43)))
        assert event(await asked.take()) == (43, {**expected, "etag": etag(newer(43)), "lastModified": 1754904600})
        await asked.leave()

    run(story)


def test_a_change_elsewhere_and_a_look_without_news_are_not_told(run: Tell) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        asked = Asked(door, authorization="Bearer good")
        await asked.start()
        await asked.take()
        holder.hold(holding(staging=replace(STAGING, version=8)))
        holder.hold(holder.held)
        await asyncio.sleep(0.05)
        assert asked.quiet
        await asked.leave()

    run(story)


def test_who_knows_the_version_is_not_told_it_again(run: Tell) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        asked = Asked(door, authorization="Bearer good", last_event_id="42")
        await asked.start()
        assert "data" not in (await asked.take() or "")
        holder.hold(holding(newer(43)))
        assert event(await asked.take())[0] == 43
        await asked.leave()

    run(story)


def test_silence_is_broken_by_a_comment(run: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)

    async def story(door: StreamDoor, holder: StillHolder) -> None:
        asked = Asked(door, authorization="Bearer good")
        await asked.start()
        await asked.take()
        assert [await asked.take() for _ in range(2)] == [":\n\n", ":\n\n"]
        await asked.leave()

    run(story)


def test_a_slow_reader_gets_the_newest_only_and_is_dropped_when_it_does_not_read(
    run: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SLOW", 0.2)

    async def story(door: StreamDoor, holder: StillHolder) -> None:
        asked = Asked(door, authorization="Bearer good")
        await asked.start()
        await asked.take()
        asked.taking.clear()
        for version in (43, 44, 45):
            holder.hold(holding(newer(version)))
            await asyncio.sleep(0.01)
        asked.taking.set()
        assert event(await asked.take())[0] == 43
        assert event(await asked.take())[0] == 45
        asked.taking.clear()
        holder.hold(holding(newer(46)))
        await asyncio.wait_for(asked.task, 2)
        assert not door._lines

    run(story)


def test_the_stream_of_a_revoked_token_ends(run: Tell) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        ticket = tickets.issue(TOKENS[0], expires=int(time.time()) + 60)
        lines = [Asked(door, authorization="Bearer good"), Asked(door, query=f"ticket={ticket}")]
        for asked in lines:
            await asked.start()
            await asked.take()
        holder.hold(holding(replace(newer(43), tokens=TOKENS[1:])))
        assert [await asked.take() for asked in lines] == [None, None]
        again = Asked(door, query=f"ticket={ticket}")
        assert (await again.start())[0] == 401

    run(story)


def test_it_ends_after_its_time_and_when_the_server_stops(run: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        asked = Asked(door, authorization="Bearer good")
        await asked.start()
        await asked.take()
        door.close()
        assert await asked.take() is None

    async def short(door: StreamDoor, holder: StillHolder) -> None:
        asked = Asked(door, authorization="Bearer good")
        await asked.start()
        while await asked.take() is not None:
            pass
        await asyncio.wait_for(asked.task, 2)

    run(story)
    monkeypatch.setattr(stream, "LIFETIME", 0.1)
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    run(short)


def test_so_many_lines_are_open_and_no_more(run: Tell) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        first = Asked(door, authorization="Bearer good")
        await first.start()
        status, headers = await Asked(door, authorization="Bearer good").start()
        assert status == 503
        assert 5 <= int(headers["retry-after"]) <= 30
        await first.take()
        await first.leave()
        assert (await Asked(door, authorization="Bearer good").start())[0] == 200

    run(story, connections=1)


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({}, 401, "Send a live token"),
        ({"authorization": "Bearer nobody"}, 401, "Send a live token"),
        ({"authorization": "Bearer poor"}, 403, "lacks the scope evaluate or snapshot"),
        ({"x_api_key": "web"}, 200, None),
        ({"query": "ticket=forged"}, 401, "The ticket is too old"),
        ({"query": "ticket=" + "a" * 5000}, 401, "The ticket is too old"),
        ({"path": "/elsewhere"}, 404, "nothing here"),
        ({"path": "/healthz"}, 200, "alive"),
        ({"method": "POST"}, 405, "by GET, not POST"),
        ({"method": "OPTIONS"}, 204, None),
    ],
)
def test_what_a_request_is_told(run: Tell, asked: dict[str, str], status: int, words: str | None) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        reply = Asked(door, **asked)
        found, headers = await reply.start()
        assert (found, headers["access-control-allow-origin"]) == (status, "*")
        if words is not None:
            assert words in (await reply.take() or "")
        if status >= 400:
            assert headers["content-type"] == "application/problem+json"
        reply.task.cancel()

    run(story)


def test_without_a_configuration_a_ticket_is_asked_to_come_back(run: Tell) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        ticket = tickets.issue(TOKENS[0], expires=int(time.time()) + 60)
        holder.held = Held()
        assert (await Asked(door, query=f"ticket={ticket}").start())[0] == 503

    run(story)


def test_a_token_opens_so_many_a_minute(run: Tell) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        statuses = [(await Asked(door, authorization="Bearer good").start())[0] for _ in range(3)]
        assert statuses == [200, 200, 429]

    run(story, limit=2)


@pytest.mark.parametrize(("origin", "told"), [("https://shop.example", True), ("https://evil.example", False)])
def test_only_origins_that_are_allowed_may_listen(run: Tell, origin: str, told: bool) -> None:
    async def story(door: StreamDoor, holder: StillHolder) -> None:
        _, headers = await Asked(door, authorization="Bearer good", origin=origin).start()
        assert (headers.get("access-control-allow-origin") == origin) == told

    run(story, origins=("https://shop.example",))

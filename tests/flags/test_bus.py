"""Announcing must not hold up a kill switch, whatever Redis does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from flags.adapters import bus


@pytest.fixture
def hung_redis(settings: Settings) -> Iterator[None]:
    """Takes connections and never answers."""
    server = socket.create_server(("127.0.0.1", 0))
    settings.REDIS = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
    bus.client.cache_clear()
    yield
    server.close()
    bus.client.cache_clear()
    bus._silent_until = 0.0


@pytest.mark.usefixtures("hung_redis")
def test_a_redis_that_hangs_delays_the_first_of_many_changes_and_that_little() -> None:
    started = time.monotonic()
    assert not any(bus.announce("production", version) for version in range(20))
    assert time.monotonic() - started < 10  # a second each, when each waits
    assert not bus.reachable()


@pytest.mark.usefixtures("redis_bus")
def test_many_announcements_are_one_piece_of_news() -> None:
    news, stopping = bus.News(), threading.Event()
    assert news.wait(1, stopping)  # subscribed: something may have been missed
    for version in range(5):
        assert bus.announce("production", version)
    time.sleep(0.2)
    assert news.wait(1, stopping)
    assert not news.wait(0.05, stopping)
    news.close()


@pytest.mark.usefixtures("hung_redis")
def test_without_redis_waiting_for_news_is_only_waiting() -> None:
    news, stopping = bus.News(), threading.Event()
    assert not news.wait(0.05, stopping)
    stopping.set()
    started = time.monotonic()
    assert not news.wait(60, stopping)
    assert time.monotonic() - started < 30

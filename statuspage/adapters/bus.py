"""News of the page for the processes that show it, by the Redis that carries the news of flags."""

from __future__ import annotations

from flags.adapters import bus

CHANNEL = "nctool-rollout:status-page"


def announce(version: int) -> None:
    """Tell every process that the page has a new version. What is lost is found by polling."""
    bus.publish(CHANNEL, {"version": version})


def news() -> bus.News:
    """Waits for announcements."""
    return bus.News(CHANNEL)

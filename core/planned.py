"""What is planned for a time: the apps above say it, the calendar shows it.

A higher app registers a source when its admin is discovered, as with core.beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Item:
    """Something that shall happen at `at` in an environment (its key). `uid` tells items apart for good."""

    uid: str
    at: datetime
    environment: str
    text: str
    url: str
    icon: str = "event"


Source = Callable[[datetime, datetime], Sequence[Item]]
_sources: list[Source] = []


def add_source(source: Source) -> None:
    """`source(since, until)` tells its items in [since, until) in a fixed number of queries."""
    _sources.append(source)


def between(since: datetime, until: datetime) -> list[Item]:
    """Every item of the time, earliest first."""
    return sorted((item for source in _sources for item in source(since, until)), key=lambda item: item.at)

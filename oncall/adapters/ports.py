"""What the imported calendars need of the outside world."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from core.errors import DomainError
from oncall.domain.feed import Copy


class FeedFailed(DomainError):
    """The calendar could not be fetched. The message is for the operator, and holds no secret of the address."""

    status = 502


class Fetch(Protocol):
    """Fetch an address: the body. Raises FeedFailed."""

    def __call__(self, url: str) -> bytes: ...


class Read(Protocol):
    """Read what was fetched, as `oncall.domain.feed.read`. Raises Invalid; FeedFailed when there is no end to it."""

    def __call__(self, text: bytes, *, zone: ZoneInfo, known: Mapping[str, str], now: datetime) -> Copy: ...

"""What the imported calendars need of the outside world."""

from __future__ import annotations

from typing import Protocol

from core.errors import DomainError


class FeedFailed(DomainError):
    """The calendar could not be fetched. The message is for the operator, and holds no secret of the address."""

    status = 502


class Fetch(Protocol):
    """Fetch an address: the body. Raises FeedFailed."""

    def __call__(self, url: str) -> bytes: ...

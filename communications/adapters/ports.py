"""What a channel promises."""

from __future__ import annotations

from typing import Protocol

from communications.domain.delivery import Failure
from communications.domain.message import Message


class Channel(Protocol):
    """Takes one message to the outside. Called outside any transaction; may take seconds, never a minute."""

    def send(self, message: Message) -> Failure | None:
        """None when the receiver has taken it. Every failure is a value without secrets; nothing is raised."""
        ...

"""What a channel promises."""

from __future__ import annotations

from typing import Protocol

from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt


class Sender(Protocol):
    """Takes one message to the outside. Called outside any transaction; takes at most 10 s."""

    def send(self, message: Outgoing) -> Receipt | Failure:
        """What the receiver answered. Every failure is a value without secrets; nothing is raised."""
        ...

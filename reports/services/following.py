"""What a report asks for becomes items that somebody does, and that the next report follows up."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from reports.models import Report


def open_items(row: Report, *, actor: Actor, now: datetime) -> int:
    """Open an item for each next action of the report; how many. Called in the transaction of the release."""
    return 0

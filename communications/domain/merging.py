"""Many messages told as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

NAMED = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One of the messages."""

    subject: str
    at: datetime


def subject(parts: Sequence[Part], limit: int) -> str:
    """How many there are, and the last of them."""
    told = f"{len(parts)} messages, last: {parts[-1].subject}"
    return told if len(told) <= limit else told[: limit - 1] + "…"


def text(parts: Sequence[Part], limit: int) -> str:
    """Each different one with how often it came and when last; what has no room is counted."""
    counts = Counter(part.subject for part in parts)
    last = {part.subject: part.at for part in parts}
    lines = [f"{at:%H:%M} UTC  {f'{counts[told]} × ' if counts[told] > 1 else ''}{told}" for told, at in last.items()]
    shown: list[str] = []
    room = limit - len("… and 100000 more kinds")
    for line in lines[:NAMED]:
        if len("\n".join([*shown, line])) > room:
            break
        shown.append(line)
    rest = len(lines) - len(shown)
    return "\n".join([*shown, *([f"… and {rest} more"] if rest else [])])

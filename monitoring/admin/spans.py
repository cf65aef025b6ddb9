"""Which stretch of time a chart shows, and in which steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Span:
    """`step` is so long that a chart has at most 400 points; `renew` is how often it is read again. All in seconds."""

    key: str
    label: str
    seconds: int
    step: int
    renew: int

    def bounds(self, now: datetime) -> tuple[int, int]:
        """Unix seconds of whole steps; the last one, end excluded, is the one that is under way."""
        end = (int(now.timestamp()) // self.step + 1) * self.step
        return end - self.seconds, end


SPANS = (
    Span("15m", "15 min", 900, 10, 5),
    Span("1h", "1 h", 3_600, 10, 5),
    Span("6h", "6 h", 21_600, 60, 10),
    Span("24h", "24 h", 86_400, 300, 30),
    Span("7d", "7 days", 604_800, 1_800, 60),
)
DEFAULT = SPANS[1]


def chosen(key: str | None) -> Span:
    """The span with this key; one hour when there is none."""
    return next((span for span in SPANS if span.key == key), DEFAULT)

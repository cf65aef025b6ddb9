"""How reports read: states, directions, urgencies, and the small charts that the server draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from core.templatetags.screen import badge
from reports.domain.rules import Urgency
from reports.domain.sentences import Direction
from reports.domain.states import ReportState

LOOK = {  # state: (words, tone, icon)
    ReportState.DRAFT: ("draft", "warn", "edit_note"),
    ReportState.RELEASED: ("released", "ok", "send"),
}
DIRECTIONS = {  # direction: (words, tone, icon)
    Direction.BETTER: ("better", "ok", "trending_up"),
    Direction.WORSE: ("worse", "bad", "trending_down"),
    Direction.HIGHER: ("more", "info", "north_east"),
    Direction.LOWER: ("less", "info", "south_east"),
    Direction.SAME: ("no clear change", "mute", "trending_flat"),
    Direction.UNKNOWN: ("nothing to compare", "mute", "help"),
}
URGENCIES = {
    Urgency.NOW: ("now", "bad", "priority_high"),
    Urgency.WEEK: ("this week", "warn", "event"),
    Urgency.WATCH: ("watch", "info", "visibility"),
}
KPI_LOOK = {"met": ("ok", "check_circle"), "missed": ("bad", "error"), "too_few": ("warn", "hourglass_empty")}
NO_DATA = ("warn", "signal_disconnected")
ITEM_LOOK = {
    "done": ("ok", "check_circle"),
    "dropped": ("mute", "cancel"),
    "open": ("warn", "radio_button_unchecked"),
    "overdue": ("bad", "alarm"),
}
WIDTH, HEIGHT, PAD = 132, 32, 3  # of a small chart, in its own units


def state_badge(state: str) -> SafeString:
    return badge(*LOOK[ReportState(state)])


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a small chart: its points as SVG has them, in pieces where days were not measured."""

    pieces: Sequence[str]
    dots: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Spark:
    """The days of a figure over those of the week before. `said` is the same in words, for those who cannot see it."""

    now: Line
    before: Line
    said: str


def spark(figure: Mapping[str, Any]) -> Spark | None:
    """A small chart of a figure; None where fewer than two days were measured."""
    now, before = figure["daily"], figure["dailyBefore"]
    known = [value for value in (*now, *before) if value is not None]
    if sum(value is not None for value in now) < 2:
        return None
    low, high = min(known), max(known)
    size = max(len(now), len(before))
    said = ", ".join("no data" if value is None else f"{value:g}" for value in now)
    return Spark(_line(now, low, high, size), _line(before, low, high, size), f"by day: {said}")


def _line(values: Sequence[float | None], low: float, high: float, size: int) -> Line:
    step, reach = (WIDTH - 2 * PAD) / max(1, size - 1), (high - low) or 1.0
    pieces: list[list[tuple[str, str]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            pieces.append([])
            continue
        share = (value - low) / reach if high > low else 0.5
        pieces[-1].append((f"{PAD + place * step:.1f}", f"{HEIGHT - PAD - share * (HEIGHT - 2 * PAD):.1f}"))
    lines = [" ".join(f"{x},{y}" for x, y in piece) for piece in pieces if len(piece) > 1]
    return Line(lines, [piece[0] for piece in pieces if len(piece) == 1])

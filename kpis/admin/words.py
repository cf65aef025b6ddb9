"""Statuses and figures as the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.templatetags.screen import badge
from kpis.domain.figure import Figure, Status
from kpis.domain.trend import Direction, Trend, trend
from kpis.domain.words import STATUS, amount

LOOK = {
    Status.MET: ("ok", "check_circle"),
    Status.MISSED: ("bad", "cancel"),
    Status.TOO_FEW: ("warn", "hourglass_empty"),
    Status.NO_DATA: ("warn", "signal_disconnected"),
}
ARROWS = {
    Direction.BETTER: ("ok", "thumb_up"),
    Direction.WORSE: ("bad", "thumb_down"),
    Direction.SAME: ("mute", "drag_handle"),
    Direction.UNKNOWN: ("mute", "question_mark"),
}
WORDS = {Direction.UNKNOWN: "no trend yet"}
WIDTH, HEIGHT = 96, 24  # of the small picture
MARGIN = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as a row of the board, or the head of its page."""

    figure: Figure
    value: str
    status: SafeString
    tone: str
    between: str
    samples: str
    trend: Trend
    arrow: SafeString
    spark: SafeString | str = ""


def shown(figure: Figure, line: Sequence[float | None] = ()) -> Shown:
    """`line` are its last values, oldest first."""
    unit = figure.target.unit
    found = trend(figure, figure.before)
    tone, icon = LOOK[figure.status]
    return Shown(
        figure=figure,
        value="" if figure.value is None else amount(figure.value, unit),
        status=badge(STATUS[figure.status], tone, icon),
        tone=tone,
        between=between(figure),
        samples=samples(figure),
        trend=found,
        arrow=badge(WORDS.get(found.direction, found.direction.value), *ARROWS[found.direction]),
        spark=spark(line, unit),
    )


def between(figure: Figure) -> str:
    """Where the true value lies, 95 times of 100; empty where nobody can say."""
    if figure.low is None or figure.high is None:
        return ""
    unit = figure.target.unit
    return f"{amount(figure.low, unit)} to {amount(figure.high, unit)}"


def samples(figure: Figure) -> str:
    """How many it was computed from; `n` is the word of the reports."""
    return f"n = {figure.n:,} ({figure.definition.counted})" if figure.n else ""


def spark(line: Sequence[float | None], unit: str) -> SafeString | str:
    """The values as a small line; a day without one is a gap."""
    known = [value for value in line if value is not None]
    if len(known) < 2:
        return ""
    least, most = min(known), max(known)
    across = (WIDTH - 2 * MARGIN) / (len(line) - 1)
    up = (HEIGHT - 2 * MARGIN) / ((most - least) or 1)
    path, pen = "", "M"
    for at, value in enumerate(line):
        if value is None:
            pen = "M"
            continue
        path += f"{pen}{MARGIN + at * across:.1f} {HEIGHT - MARGIN - (value - least) * up:.1f}"
        pen = "L"
    told = f"The last {len(line)} days: from {amount(known[0], unit)} to {amount(known[-1], unit)}"
    return format_html(
        '<svg class="ops-spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        '<path d="{}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/></svg>',
        *(WIDTH, HEIGHT, WIDTH, HEIGHT, told, path),
    )

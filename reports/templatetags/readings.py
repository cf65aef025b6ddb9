"""How a figure of the dashboard looks: its value, its trend, and since when there is none."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import beside
from core.templatetags.screen import number
from reports.domain.dashboard import ICONS, TONES, Reading, Word
from reports.selectors.picture import Picture

register = template.Library()
WIDTH, HEIGHT = 120, 28


@register.filter
def amount(value: float | None, unit: str = "") -> str:
    """A value with its unit: `250 ms`, `99.9 %`."""
    return f"{number(value)} {unit}".strip() if value is not None else "–"


@register.filter
def address(subject: str) -> str:
    """The page about a subject of events, or ""."""
    return beside.page_of(subject)


@register.filter
def short(reading: Reading) -> str:
    """`Response time`."""
    return reading.words.capitalize()


@register.filter
def limits(reading: Reading) -> str:
    """Its limits in words: `warning above 80 %, critical above 95 %`."""
    scale = reading.scale
    side = "below" if scale.better == "higher" else "above"
    named = (("warning", scale.warning), ("critical", scale.critical))
    told = [f"{name} {side} {amount(limit, scale.unit)}" for name, limit in named if limit is not None]
    return ", ".join(told) or "no limit set"


@register.filter
def change(reading: Reading) -> str:
    """The last hour beside the same hour of the day before: `+12 ms on the day before`."""
    if reading.change is None:
        return "no figure of the day before"
    if not reading.change:
        return "as the day before"
    return f"{reading.change:+.3g} {reading.scale.unit}".strip() + " on the day before"


@register.filter
def arrow(reading: Reading) -> str:
    """The icon of that change."""
    if not reading.change:
        return "trending_flat"
    return "trending_up" if reading.change > 0 else "trending_down"


@register.filter
def troubles(picture: Picture, environment_id: int) -> int:
    """How much is wrong in an environment: open incidents and triggers that have fired."""
    return picture.trouble_in(environment_id)


@register.filter
def tone(word: Word) -> str:
    return TONES[word]


@register.filter
def icon(word: Word) -> str:
    return ICONS[TONES[word]]


@register.simple_tag
def trend(reading: Reading) -> SafeString | str:
    """The half hours of the last day as a line with gaps where nothing was measured. Empty without any."""
    known = [value for value in reading.trend if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    unit = reading.scale.unit
    said = f"{short(reading)}, last 24 hours: from {amount(low, unit)} to {amount(high, unit)}"
    return format_html(
        '<svg class="rep-trend" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}"/></svg>',
        WIDTH,
        HEIGHT,
        said,
        path(reading.trend, low, high),
    )


def path(values: Sequence[float | None], low: float, high: float, width: int = WIDTH, height: int = HEIGHT) -> str:
    """An SVG path over the values from left to right, the lowest below. One that stands alone is a short line."""
    step = width / max(1, len(values) - 1)
    reach = (high - low) or 1.0
    drawn, pen = [], "M"
    for at, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        across, down = at * step, height - 2 - (height - 4) * (value - low) / reach
        drawn.append(f"{pen}{across:.1f} {down:.1f}")
        if pen == "M":
            drawn.append("h0.5")
        pen = "L"
    return "".join(drawn)

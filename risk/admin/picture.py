"""The score and its factors, ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.templatetags.screen import number
from monitoring.admin.spans import SPANS, Span
from risk.admin import words
from risk.domain.curves import CURVES, METRICS, UNITS, Factor
from risk.models import Score

STALE = timedelta(minutes=3)  # it is assessed every minute
SHOWN = tuple(span for span in SPANS if span.key in ("6h", "24h", "7d"))
WIDTH, HEIGHT = 120, 40  # of the picture of a curve


@dataclass(frozen=True, slots=True)
class FactorView:
    """One factor as a row. `bad` is 0 to 100 as its curve has it, `dot` where it stands on the picture of the curve."""

    name: str
    metric: str
    value: str
    known: bool
    bad: float
    weight: str
    part: float
    line: str
    dot: tuple[float, float] | None
    told: str
    tone: str


def span(key: str | None) -> Span:
    """The stretch of time with this key; a day when there is none."""
    return next((one for one in SHOWN if one.key == key), SHOWN[1])


def stale(row: Score, *, now: datetime) -> bool:
    """An assessment that should have been made anew by now."""
    return now - row.at > STALE


def factors(row: Score) -> list[FactorView]:
    """The five, in the order of the strategy."""
    return [_factor(factor, row.factors.get(factor.value, {})) for factor in Factor]


def _factor(factor: Factor, part: Mapping[str, Any]) -> FactorView:
    value, bad = part.get("value"), part.get("normalised")
    curve, unit = CURVES[factor], UNITS[factor]
    return FactorView(
        name=words.NAMES[factor],
        metric=METRICS[factor],
        value=words.amount(value, unit),
        known=value is not None,
        bad=bad or 0.0,
        weight=f"{part.get('weight', 0) * 100:g} %",
        part=part.get("part") or 0.0,
        line=" ".join("{:g},{:g}".format(*_place(factor, x, y)) for x, y in curve),
        dot=None if value is None else _place(factor, value, bad or 0.0),
        told=", ".join(f"{number(x)} {unit} is {y:g}" for x, y in curve),
        tone="mute" if bad is None else "bad" if bad >= 75 else "warn" if bad >= 50 else "info" if bad >= 25 else "ok",
    )


def _place(factor: Factor, x: float, y: float) -> tuple[float, float]:
    """Where a point of the curve is in its picture, in which y grows downwards; beyond its ends, at its end."""
    first, last = CURVES[factor][0][0], CURVES[factor][-1][0]
    share = min(1.0, max(0.0, (x - first) / (last - first)))
    return round(share * WIDTH, 1), round(HEIGHT - y / 100 * HEIGHT, 1)


def chart(found: Mapping[int, Score], shown: Span, start: int, end: int) -> dict[str, Any]:
    """What static/risk/risk.js reads: the parts of each factor in each step; null where nothing was assessed."""
    steps = range(start, end, shown.step)
    rows = [found.get(at) for at in steps]
    return {
        "start": start,
        "end": end,
        "step": shown.step,
        "zone": timezone.get_current_timezone_name(),
        "parts": [{"label": words.NAMES[factor], "values": [_part(row, factor) for row in rows]} for factor in Factor],
        "high": [None if row is None or row.score is None else round(row.high, 1) for row in rows],
    }


def _part(row: Score | None, factor: Factor) -> float | None:
    if row is None or row.score is None:
        return None
    return round(row.factors.get(factor.value, {}).get("part") or 0.0, 2)

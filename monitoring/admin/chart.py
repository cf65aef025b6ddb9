"""A chart as the page draws it: lines over whole steps, the threshold, and what was changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from core import events
from core.templatetags.screen import number
from monitoring.admin.spans import Span

if TYPE_CHECKING:
    from core.models import Event

MOST_MARKS = 40
TONES = {
    "flag.rolled_back": "bad",
    "flag.emergency_disabled": "bad",
    "flag.disabled": "warn",
    "flag.enabled": "info",
    "flag.rollout_changed": "info",
    "flag.parameters_changed": "mute",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A value for each step that has one; `filled` is drawn between them. The page is about the `main` line."""

    label: str
    values: Mapping[int, float | None]
    samples: Mapping[int, int]
    main: bool = True
    filled: Mapping[int, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """A change of a flag, where the chart shows a vertical line."""

    at: datetime
    text: str
    by: str
    url: str
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    """A step as the table tells it, newest first."""

    at: datetime
    cells: Sequence[tuple[str, float | None, int | None]]


@dataclass(frozen=True, slots=True)
class Band:
    """Where a metric is not well: from one value to another; None has no end. `text` is for who sees no colour."""

    low: float | None
    high: float | None
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    unit: str
    span: Span
    start: int
    end: int
    lines: Sequence[Line]
    threshold: Mapping[int, float] = field(default_factory=dict)
    limit: float | None = None
    marks: Sequence[Mark] = ()
    bands: Sequence[Band] = ()

    @property
    def empty(self) -> bool:
        return all(value is None for line in self.lines for value in line.values.values())

    def rows(self) -> list[Row]:
        """Every step that has a value, for those who cannot see the chart."""
        steps = sorted({at for line in self.lines for at in line.values}, reverse=True)
        return [
            Row(
                datetime.fromtimestamp(at, UTC),
                [(line.label, line.values.get(at), line.samples.get(at)) for line in self.lines],
            )
            for at in steps
        ]

    def _thresholds(self, steps: range) -> list[float]:
        """The threshold of each step; between judgements it is what it was, at the end what it is."""
        if self.limit is None:
            return []
        known, last = [], next(iter(self.threshold.values()), self.limit)
        for at in steps:
            last = self.threshold.get(at, last)
            known.append(last)
        return known

    def as_json(self) -> dict[str, Any]:
        """What static/monitoring/chart.js reads. A step without a value is null: the line has a gap there."""
        steps = range(self.start, self.end, self.span.step)
        return {
            "unit": self.unit,
            "start": self.start,
            "step": self.span.step,
            "end": self.end,
            "zone": timezone.get_current_timezone_name(),
            "lines": [
                {
                    "label": line.label,
                    "main": line.main,
                    "values": [_rounded(line.values.get(at, line.filled.get(at))) for at in steps],
                    "samples": [line.samples.get(at, 0) for at in steps],
                }
                for line in self.lines
            ],
            "threshold": self._thresholds(steps),
            "bands": [
                {"low": band.low, "high": band.high, "tone": band.tone, "text": band.text} for band in self.bands
            ],
            "marks": [
                {"at": mark.at.timestamp(), "text": mark.text, "tone": mark.tone, "url": mark.url}
                for mark in self.marks
            ],
        }


def bands(unit: str, better: str, *, warning: float | None, critical: float | None) -> list[Band]:
    """The bands of a metric: above its limits where lower is better, below them where higher is; none otherwise."""
    if better not in ("lower", "higher"):
        return []
    side = "above" if better == "lower" else "below"
    found = []
    for tone, name, limit, next_limit in (("warn", "warning", warning, critical), ("bad", "critical", critical, None)):
        if limit is None:
            continue
        low, high = (limit, next_limit) if better == "lower" else (next_limit, limit)
        found.append(Band(low, high, tone, f"{name} {side} {number(limit)} {unit}".strip()))
    return found


def marks(environment_id: int, flag_key: str, *, start: int, end: int) -> list[Mark]:
    """The newest changes of the flag in this time, oldest first; of every flag without a key. One query."""
    found = events.recent().filter(
        environment_id=environment_id,
        kind__in=list(TONES),
        at__gte=datetime.fromtimestamp(start, UTC),
        at__lt=datetime.fromtimestamp(end, UTC),
    )
    if flag_key:
        found = found.filter(subject=f"flag:{flag_key}")
    return [_mark(event, named=not flag_key) for event in reversed(found[:MOST_MARKS])]


def _mark(event: Event, *, named: bool) -> Mark:
    flag = f"{event.subject.partition(':')[2]}: " if named else ""
    return Mark(
        at=event.at,
        text=f"{flag}{_what(event)}",
        by=event.actor,
        url=reverse("admin:core_event_change", args=[event.pk]),
        tone=TONES[event.kind],
    )


def _what(event: Event) -> str:
    before, after = event.before.get("percentage", 0), event.after.get("percentage", 0)
    if event.kind == "flag.rollout_changed":
        return f"{before:g} → {after:g} %"
    if event.kind == "flag.enabled":
        return f"enabled at {after:g} %"
    return event.kind.removeprefix("flag.").replace("_", " ")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

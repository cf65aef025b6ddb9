"""The deployment monitoring dashboard: what each figure says, in the seed's words ("Deployment Monitoring Dashboard").

A word is made of measurements alone. Where there is none, or only an old one, the word is UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

FRESH = timedelta(seconds=120)  # figures are computed every ten seconds, and asked of the database every thirty
STEP = 1_800  # seconds of a step of the trend
STEPS = 48  # a day
HOUR_STEPS = 2
Band = Literal["critical", "warning", "fine", ""]


class Word(StrEnum):
    """The seed's words, and those for when they would not be true."""

    HEALTHY = "HEALTHY"
    OPTIMAL = "OPTIMAL"
    DEGRADED = "DEGRADED"
    BUSY = "BUSY"
    SLOW = "SLOW"
    UNHEALTHY = "UNHEALTHY"
    EXHAUSTED = "EXHAUSTED"
    UNKNOWN = "UNKNOWN"


TONES = {
    Word.HEALTHY: "ok",
    Word.OPTIMAL: "ok",
    Word.DEGRADED: "warn",
    Word.BUSY: "warn",
    Word.SLOW: "warn",
    Word.UNHEALTHY: "bad",
    Word.EXHAUSTED: "bad",
    Word.UNKNOWN: "mute",
}
ICONS = {"ok": "check_circle", "warn": "warning", "bad": "error", "mute": "help"}


@dataclass(frozen=True, slots=True)
class Scale:
    """What a figure is, from the catalogue. `better`: lower, higher, or empty; the limits are in `unit`."""

    title: str
    unit: str = ""
    better: str = ""
    warning: float | None = None
    critical: float | None = None

    def band(self, value: float) -> Literal["warning", "critical", ""]:
        """`critical`, `warning`, or empty for a value that is fine or has no limits."""
        if self._beyond(self.critical, value):
            return "critical"
        return "warning" if self._beyond(self.warning, value) else ""

    def _beyond(self, limit: float | None, value: float) -> bool:
        return limit is not None and (value < limit if self.better == "higher" else value > limit)


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure now. `value` is the newest of the last day, however old; `fresh` tells whether it counts.

    `hour` and `before` are the means of the last hour and of the same hour the day before, `trend` those of each half
    hour of the last day, oldest first; None: nothing was measured.
    """

    key: str
    metric: str
    scale: Scale
    value: float | None = None
    measured_at: datetime | None = None
    fresh: bool = False
    hour: float | None = None
    before: float | None = None
    trend: tuple[float | None, ...] = ()

    @property
    def words(self) -> str:
        """The seed's name in words: `responseTime` as `response time`."""
        return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f" {found[1].lower()}", self.key)

    @property
    def band(self) -> Band:
        """`critical`, `warning`, `fine`, or empty when nothing is known now."""
        return (self.scale.band(self.value) or "fine") if self.fresh and self.value is not None else ""

    @property
    def tone(self) -> str:
        return {"critical": "bad", "warning": "warn", "fine": "ok"}.get(self.band, "mute")

    @property
    def change(self) -> float | None:
        """The last hour beside the same hour the day before, in the figure's unit."""
        return None if self.hour is None or self.before is None else self.hour - self.before

    @property
    def worse(self) -> bool | None:
        """Whether it went the wrong way; None where neither way is wrong, or it stands still."""
        if not self.change or not self.scale.better:
            return None
        return (self.change > 0) == (self.scale.better == "lower")


def read(
    key: str,
    metric: str,
    scale: Scale,
    *,
    last: float | None,
    at: datetime | None,
    means: Mapping[int, float],
    now: datetime,
) -> Reading:
    """A figure from its newest measurement and its half-hourly means of the last 26 hours, by unix second."""
    newest = int(now.timestamp()) // STEP * STEP
    starts = [newest - STEP * back for back in reversed(range(STEPS))]
    return Reading(
        key,
        metric,
        scale,
        value=last,
        measured_at=min(at, now) if at else None,
        fresh=at is not None and now - at <= FRESH,
        hour=_mean([means.get(newest - STEP * back) for back in range(HOUR_STEPS)]),
        before=_mean([means.get(newest - STEP * (STEPS + back)) for back in range(HOUR_STEPS)]),
        trend=tuple(means.get(start) for start in starts),
    )


def application(
    readings: Collection[Reading], needed: Collection[str], *, troubles: Sequence[str], worries: Sequence[str] = ()
) -> tuple[Word, str]:
    """The word for an application, and why.

    Args:
        needed: the keys without which nobody can say that it is healthy.
        troubles: what makes it unhealthy whatever is measured, in words: what has fired, grave incidents.
        worries: what makes it degraded, in words: minor incidents, what its database lacks.
    """
    of = {band: [one.words for one in readings if one.band == band] for band in ("critical", "warning", "fine", "")}
    unknown = [one.words for one in readings if one.key in needed and not one.band]
    if of["critical"] or troubles:
        told = [*troubles, *beyond(readings)]
        return Word.UNHEALTHY, _sentence("; ".join(told))
    if of["warning"] or worries:
        told = [*worries, *(f"{words} is beyond its warning limit" for words in of["warning"])]
        return Word.DEGRADED, _sentence("; ".join(told))
    if unknown:
        return Word.UNKNOWN, f"There is no figure now of: {', '.join(unknown)}."
    missing = f" There is no figure of: {', '.join(of[''])}." if of[""] else ""
    return Word.HEALTHY, f"{_sentence(', '.join(of['fine']) + ': within limits')}{missing}"


def beyond(readings: Iterable[Reading]) -> list[str]:
    """What is beyond its critical limit, in words."""
    return [f"{one.words} is beyond its critical limit" for one in readings if one.band == "critical"]


def pool(reading: Reading) -> Word:
    """`connectionPool`, by how many connections are in use."""
    return {"fine": Word.HEALTHY, "warning": Word.BUSY, "critical": Word.EXHAUSTED}.get(reading.band, Word.UNKNOWN)


def queries(reading: Reading) -> Word:
    """`queryPerformance`, by how long a small query takes."""
    return {"fine": Word.OPTIMAL, "warning": Word.SLOW, "critical": Word.SLOW}.get(reading.band, Word.UNKNOWN)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

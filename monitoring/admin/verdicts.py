"""What a trigger says, ready to be shown: beside a ramp, in the list, and on its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import Http404
from django.urls import reverse

from core.errors import NotFound
from monitoring import selectors
from monitoring.admin import words
from monitoring.domain.verdict import TriggerState, Verdict
from monitoring.models import Trigger

MARGIN = timedelta(seconds=60)  # the guard looks every 10 s
SCALE = 1.5  # the bar is so many thresholds long
TONES = {Verdict.PASS: "ok", Verdict.BREACH: "bad", Verdict.INSUFFICIENT: "warn", Verdict.NO_DATA: "warn"}


@dataclass(frozen=True, slots=True)
class View:
    """A trigger as a card. `share` and `mark` are where value and threshold stand on its bar, 0 to 100."""

    trigger: Trigger
    value: str
    threshold: str
    distance: str
    share: float | None
    mark: float
    tone: str
    means: str
    url: str
    stale: bool

    @property
    def latched(self) -> bool:
        return self.trigger.state == TriggerState.LATCHED

    @property
    def verdict(self) -> str:
        return self.trigger.verdict

    @property
    def judged_at(self) -> datetime | None:
        return self.trigger.judged_at

    @property
    def row(self) -> list[bool]:
        """One for each breach in a row that fires: True for those that have come."""
        return [number < self.trigger.breaches for number in range(self.trigger.consecutive)]


def find(object_id: str) -> Trigger:
    """The trigger of an address; a 404 when there is none."""
    try:
        return selectors.trigger_by_id(int(object_id))
    except (ValueError, OverflowError, NotFound) as error:
        raise Http404(str(error)) from error


def view(trigger: Trigger, *, now: datetime) -> View:
    value, limit = trigger.value, selectors.limit(trigger)
    near, stale = selectors.fact(trigger).distance, _stale(trigger, now)
    return View(
        trigger=trigger,
        value=words.amount(trigger.measure, value),
        threshold=words.amount(trigger.measure, limit),
        distance=_distance(near, limit),
        share=None if near is None else round(min(near / SCALE, 1.0) * 100, 1),
        mark=100 / SCALE,
        tone="warn" if stale else TONES[Verdict(trigger.verdict)],
        means=words.VERDICT_MEANS[Verdict(trigger.verdict)],
        url=reverse("admin:monitoring_trigger_change", args=[trigger.pk]),
        stale=stale,
    )


def beside(flag_key: str, environment: str, *, now: datetime) -> list[View]:
    """The triggers that guard a flag, those that speak against it first. One query."""
    found = [view(row, now=now) for row in selectors.guarding(flag_key, environment)]
    return sorted(found, key=lambda each: (not each.latched, each.verdict == Verdict.PASS))


def _stale(trigger: Trigger, now: datetime) -> bool:
    """A verdict that the guard should have renewed by now."""
    if trigger.judged_at is None or not trigger.enabled:
        return False
    return now - trigger.judged_at > timedelta(seconds=trigger.max_window) + MARGIN


def _distance(near: float | None, limit: float) -> str:
    if near is None:
        return "no value"
    if limit <= 0:
        return "at the threshold" if near <= 0 else "over the threshold"
    return f"{near:.0%} of the threshold"

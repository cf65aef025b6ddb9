"""Assess the risk of every environment, once a minute."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from core import environments, events
from core.actors import Actor, ActorKind
from monitoring.domain.windows import horizon
from monitoring.services import promql
from risk import selectors
from risk.domain.curves import METRICS, Factor
from risk.domain.levels import Level
from risk.domain.score import ORDER, Assessed, assess
from risk.models import Score

log = logging.getLogger(__name__)
RISK = Actor("risk", ActorKind.MACHINE)
EVERY = 60  # seconds


def assess_all(*, now: datetime) -> int:
    """Assess every environment that was ever measured; how many. One row for each minute, however many callers."""
    done = 0
    minute = now.replace(second=0, microsecond=0)
    for environment in environments.ordered():
        try:
            done += _assess(environment.pk, environment.key, at=minute, now=now)
        except Exception:
            log.exception("risk of %s", environment.key)
    return done


def values(environment: str, *, now: datetime) -> dict[Factor, float | None]:
    """What each factor is now: of the catalogue's metric, not older than a minute; None: nobody knows."""
    at = horizon(now.timestamp())
    found: dict[Factor, float | None] = {}
    for factor, metric in METRICS.items():
        elements = promql.instant(environment, f"max({metric})", at=at)
        found[factor] = elements[0].value if elements else None
    return found


def forget(*, now: datetime, keep: timedelta) -> int:
    return Score.objects.filter(at__lt=now - keep).delete()[0]


def _assess(environment_id: int, environment: str, *, at: datetime, now: datetime) -> int:
    last = selectors.latest(environment)
    before = Level(last.level) if last is not None and last.level else None
    found = assess(values(environment, now=now), before=before)
    if found.score is None and last is None:
        return 0
    with transaction.atomic():
        _, fresh = Score.objects.get_or_create(environment_id=environment_id, at=at, defaults=_row(found))
        if fresh and found.level is not None and before is not None and found.level is not before:
            _tell(environment_id, before, found, now=now)
        elif fresh and before is None and found.level in (Level.HIGH, Level.CRITICAL):
            _tell(environment_id, Level.LOW, found, now=now)
    return int(fresh)


def _row(found: Assessed) -> dict[str, object]:
    return {
        "score": found.score,
        "low": found.low,
        "high": found.high,
        "level": found.level.value if found.level else "",
        "factors": found.factors,
    }


def _tell(environment_id: int, before: Level, found: Assessed, *, now: datetime) -> None:
    """Raised to HIGH and CRITICAL people are alerted; the rest stands in the history."""
    level = found.level or before
    raised = ORDER.index(level) > ORDER.index(before)
    loud = {Level.HIGH: "high", Level.CRITICAL: "critical"}
    kind = "risk.level_raised" if raised and level in loud else "risk.level_changed"
    parts = {name: round(part["part"], 1) for name, part in found.factors.items() if part["part"]}
    worst = max(parts, key=lambda name: parts[name], default="")
    score = 0.0 if found.score is None else found.score
    events.record(
        kind,
        subject="risk:score",
        actor=RISK,
        now=now,
        environment_id=environment_id,
        reason=f"The risk is {level}: {score:.0f} of 100{f', most of it by {worst}' if worst else ''}.",
        before={"level": before.value},
        after={"level": level.value, "score": round(score, 1)},
        data={"severity": loud.get(level, "info"), "rule": level.value, "evidence": parts},
    )

"""The guard: judges every trigger, and rolls back by itself.

Locks are taken in one order, by everybody: the environment's configuration, the trigger, the flag's state. A
playbook that is loaded goes the same way (flags, then triggers); ramps and people stop at the flag.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

import flags.selectors
from core import events
from core.actors import GUARD
from core.errors import NotFound
from flags.services import emergency, locking
from monitoring.domain.evidence import evidence, reason
from monitoring.domain.raised import RAISING, FlagChange, last_raised
from monitoring.domain.rule import Definition
from monitoring.domain.track import Track, follow
from monitoring.domain.verdict import Target, TriggerState
from monitoring.domain.windows import Window, begin, horizon, judge
from monitoring.models import Judgement, Trigger
from monitoring.services.reading import read
from monitoring.services.triggers import hold, rule_of, standing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done about a trigger that fired. No rollback id: nothing was rolled back, and `told` says why."""

    flag_key: str
    rollback_id: str
    told: str
    percentage: float | None = None


def judge_all(*, now: datetime) -> int:
    """Judge every enabled trigger up to now, each in its own transaction; how many fired.

    A trigger that fails is logged and does not keep the others from being judged. Two guards at once do
    the work once: the second finds it done.
    """
    fired = 0
    enabled = Trigger.objects.filter(enabled=True).order_by("environment__position", "key")
    for key, environment in enabled.values_list("key", "environment__key"):
        try:
            fired += _judge(key, environment, now=now)
        except Exception:
            log.exception("trigger %s in %s", key, environment)
    return fired


@transaction.atomic
def _judge(key: str, environment: str, *, now: datetime) -> bool:
    """One look at one trigger: judgements, standing and, when it fires, the rollback and both events, or nothing."""
    locking.lock_configuration(environment)
    row = hold(key, environment)
    definition = Definition.read(key, rule_of(row))
    until = horizon(now.timestamp())
    since = begin(definition.rule, row.judged_until, until=until)
    if not row.enabled or since >= until:
        return False
    data = read(row.environment_id, definition, since=since, until=until)
    windows = judge(definition.rule, data, since=since, until=until, armed_from=row.armed_from)
    if not windows:
        return False
    track = follow(definition.rule, _track(row), windows)
    before = standing(row)
    _store(row, track, windows, now=now)
    if track.fired_by:
        _fire(row, definition, track.fired_by, before, now=now)
    row.save()
    return track.fired_by is not None


def _track(row: Trigger) -> Track:
    return Track(
        state=TriggerState(row.state),
        judged_until=row.judged_until,
        breaches=row.breaches,
        passing_since=int(row.passing_since.timestamp()) if row.passing_since else None,
    )


def _store(row: Trigger, track: Track, windows: list[Window], *, now: datetime) -> None:
    Judgement.objects.bulk_create(
        Judgement(
            trigger=row,
            window_start=window.start,
            window_end=window.end,
            verdict=window.verdict.value,
            value=window.value,
            samples=window.samples,
            threshold=row.threshold,
            at=now,
        )
        for window in windows
    )
    last, passing = windows[-1], track.passing_since
    row.state, row.judged_until, row.breaches = track.state.value, track.judged_until, track.breaches
    row.verdict, row.value, row.samples, row.judged_at = last.verdict.value, last.value, last.samples, now
    row.passing_since = None if passing is None else datetime.fromtimestamp(passing, UTC)


def _fire(row: Trigger, definition: Definition, window: Window, before: dict[str, object], *, now: datetime) -> None:
    """Latch, roll back, and tell of it. The caller saves the row."""
    why = reason(definition, window, row.breaches)
    proof = evidence(row.key, definition, window, row.breaches)
    outcome = _roll_back(row, definition, why, proof, now=now)
    row.latched_at = now
    row.evidence = {**proof, "flag": outcome.flag_key, "flag_percentage": outcome.percentage}
    events.record(
        "trigger.fired",
        subject=f"trigger:{row.key}",
        actor=GUARD,
        now=now,
        environment_id=row.environment_id,
        reason=f"{why} {outcome.told}",
        before=before,
        after=standing(row),
        data={"flag": outcome.flag_key, "rollback_id": outcome.rollback_id, "evidence": row.evidence},
    )


def _roll_back(row: Trigger, definition: Definition, why: str, proof: dict[str, object], *, now: datetime) -> Outcome:
    environment = row.environment.key
    flag_key = definition.flag_key if definition.target is Target.FLAG else _suspect(environment)
    if not flag_key:
        return Outcome("", "", "No flag was raised here that is still on, so none was rolled back: a person must look.")
    try:
        state = locking.hold(flag_key, environment)
    except NotFound:
        return Outcome(flag_key, "", f"{flag_key} is gone, so nothing was rolled back: a person must look.")
    percentage = float(state.percentage)
    if not state.enabled:
        return Outcome(flag_key, "", f"{flag_key} was off already.", percentage)
    told = {**proof, "flag_percentage": percentage}
    rollback_id = emergency.roll_back(flag_key, environment, actor=GUARD, reason=why, now=now, evidence=told)
    return Outcome(flag_key, rollback_id, f"{flag_key} was rolled back from {percentage:g} %.", percentage)


def _suspect(environment: str) -> str:
    """The flag that was raised last here and is still on for somebody."""
    states = flags.selectors.states(environment).filter(enabled=True)
    on = {state.flag.key for state in states if state.percentage > 0 or state.allow_count > 0}
    if not on:
        return ""
    rows = events.recent().filter(environment__key=environment, kind__in=RAISING)
    changes = rows.values_list("subject", "before", "after").iterator(chunk_size=50)
    return last_raised((FlagChange(subject.removeprefix("flag:"), *told) for subject, *told in changes), on=on)

"""What a trigger does once it fires: in the guard's transaction, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import flags.selectors
from core import events, freezing
from core.actors import GUARD
from core.errors import NotFound
from core.texts import LONGEST
from flags.services import emergency, locking
from monitoring.domain.evidence import evidence, reason
from monitoring.domain.raised import RAISING, FlagChange, last_raised
from monitoring.domain.rule import Definition
from monitoring.domain.verdict import Action, Target
from monitoring.domain.windows import Window
from monitoring.models import Trigger
from monitoring.services.triggers import standing

FREEZE = 24 * 3600  # seconds that an automatic freeze holds, unless a person ends it before


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one action did, in words; no rollback id: nothing was rolled back, and `told` says why."""

    told: str
    rollback_id: str = ""
    freeze_id: int | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it fired: the sentence, the numbers, and the flag it is about with its percentage; empty: none was raised."""

    why: str
    proof: Mapping[str, Any]
    flag_key: str
    percentage: float | None


def fire(
    row: Trigger,
    definition: Definition,
    window: Window,
    before: Mapping[str, object],
    *,
    sources: Mapping[str, str],
    now: datetime,
) -> None:
    """Latch, do the actions in their order, and tell of it. The caller holds the row and saves it."""
    cause = _cause(row, definition, window, sources)
    outcomes = [_ACTIONS[action](row, cause, now) for action in definition.actions]
    row.latched_at, row.evidence = now, {**cause.proof, "flag": cause.flag_key, "flag_percentage": cause.percentage}
    _tell(
        "trigger.fired",
        row,
        definition,
        " ".join([cause.why, *(outcome.told for outcome in outcomes if outcome.told)]),
        before,
        {
            "flag": cause.flag_key,
            "rollback_id": next((outcome.rollback_id for outcome in outcomes if outcome.rollback_id), ""),
            "freeze_id": next((outcome.freeze_id for outcome in outcomes if outcome.freeze_id is not None), None),
            "evidence": row.evidence,
        },
        now=now,
    )


def observe(
    row: Trigger,
    definition: Definition,
    window: Window,
    before: Mapping[str, object],
    *,
    sources: Mapping[str, str],
    now: datetime,
) -> None:
    """Tell what it would have done. Nothing is latched, paused, frozen or rolled back."""
    cause = _cause(row, definition, window, sources)
    would = ", then ".join(action.value for action in definition.actions)
    proof = {**cause.proof, "flag": cause.flag_key, "flag_percentage": cause.percentage}
    told = f"{cause.why} It only observes, so nothing was done; it would have done: {would}."
    _tell("trigger.observed", row, definition, told, before, {"flag": cause.flag_key, "evidence": proof}, now=now)


def _cause(row: Trigger, definition: Definition, window: Window, sources: Mapping[str, str]) -> Cause:
    environment = row.environment.key
    flag_key = definition.flag_key if definition.target is Target.FLAG else _suspect(environment)
    percentage = None
    if flag_key:
        state = flags.selectors.states(environment).filter(flag__key=flag_key).first()
        percentage = float(state.percentage) if state else None
    proof = evidence(row.key, definition, window, row.breaches, sources=sources)
    return Cause(reason(definition, window, row.breaches), proof, flag_key, percentage)


def _tell(
    kind: str,
    row: Trigger,
    definition: Definition,
    told: str,
    before: Mapping[str, object],
    data: Mapping[str, object],
    *,
    now: datetime,
) -> None:
    events.record(
        kind,
        subject=f"trigger:{row.key}",
        actor=GUARD,
        now=now,
        environment_id=row.environment_id,
        reason=told,
        before=before,
        after=standing(row),
        data={**data, "actions": [action.value for action in definition.actions]},
    )


def _notify(row: Trigger, cause: Cause, now: datetime) -> Outcome:
    return Outcome("")


def _pause(row: Trigger, cause: Cause, now: datetime) -> Outcome:
    """The ramps' own clock follows the event, within seconds."""
    return Outcome("All ramps here are paused until a person resumes them.")


def _roll_back(row: Trigger, cause: Cause, now: datetime) -> Outcome:
    environment, flag_key = row.environment.key, cause.flag_key
    if not flag_key:
        return Outcome("No flag was raised here that is still on, so none was rolled back: a person must look.")
    try:
        state = locking.hold(flag_key, environment)
    except NotFound:
        return Outcome(f"{flag_key} is gone, so nothing was rolled back: a person must look.")
    if not state.enabled:
        return Outcome(f"{flag_key} was off already.")
    told = {**cause.proof, "flag_percentage": cause.percentage}
    why = cause.why[:LONGEST]
    rollback_id = emergency.roll_back(flag_key, environment, actor=GUARD, reason=why, now=now, evidence=told)
    return Outcome(f"{flag_key} was rolled back from {cause.percentage:g} %.", rollback_id)


def _freeze(row: Trigger, cause: Cause, now: datetime) -> Outcome:
    """No flag is switched off: data that the new code wrote could not be read any more."""
    plan = freezing.Plan(
        name=f"{row.name} fired",
        reason=f"{cause.why} A person must look: no flag is switched off by itself here.",
        environments=[row.environment.key],
        zone="UTC",
        starts_at=f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        duration=FREEZE,
    )
    freeze = freezing.plan(plan, actor=GUARD, now=now)
    told = f"{row.environment} is frozen for 24 h and no flag was switched off: a person must look."
    return Outcome(told, freeze_id=freeze.pk)


_ACTIONS: dict[Action, Callable[[Trigger, Cause, datetime], Outcome]] = {
    Action.NOTIFY: _notify,
    Action.PAUSE: _pause,
    Action.ROLLBACK: _roll_back,
    Action.FREEZE: _freeze,
}


def _suspect(environment: str) -> str:
    """The flag that was raised last here and is still on for somebody."""
    states = flags.selectors.states(environment).filter(enabled=True)
    on = {state.flag.key for state in states if state.percentage > 0 or state.allow_count > 0}
    if not on:
        return ""
    rows = events.recent().filter(environment__key=environment, kind__in=RAISING)
    changes = rows.values_list("subject", "before", "after").iterator(chunk_size=50)
    return last_raised((FlagChange(subject.removeprefix("flag:"), *told) for subject, *told in changes), on=on)

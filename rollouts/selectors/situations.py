"""All that the decision about a ramp depends on: of one, for its page and under its lock, and of many for the clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Q

import alerting.selectors
import flags.selectors
import monitoring.selectors
import risk.selectors
from core import freezes, heartbeats, interlocks
from risk.domain.levels import Level as RiskLevel
from rollouts.domain.hours import stored
from rollouts.domain.situation import FlagFacts, Situation, Step, Watch
from rollouts.domain.states import RampState
from rollouts.models import Block, Ramp, RampStep
from rollouts.selectors.shown import last_taken, level_of

if TYPE_CHECKING:
    from core.models import Environment
    from flags.models import FlagState
    from monitoring.selectors import TriggerFact

RISK_FRESH = timedelta(minutes=5)  # it is assessed every minute


@dataclass(frozen=True, slots=True)
class Around:
    """What the ramps of an environment share at one moment. `blocked` is by the id of the flag, `own` by its key."""

    guard_seen_at: datetime | None
    frozen: str
    risk: str
    blocked: Mapping[int, str]
    common: Sequence[TriggerFact]
    own: Mapping[str, Sequence[TriggerFact]]

    def watches(self, flag: str) -> tuple[Watch, ...]:
        facts = [*self.common, *self.own.get(flag, ())]
        return tuple(_watch(fact) for fact in sorted(facts, key=lambda fact: fact.trigger))


def situation(ramp: Ramp, steps: Sequence[RampStep], state: FlagState, *, now: datetime) -> Situation:
    """That of one ramp. Lock ramp and flag first when you mean to act on it."""
    return _situation(ramp, steps, state, _around(ramp.environment, now=now, flag=ramp.flag.key))


def situations(ramps: Iterable[Ramp], *, now: datetime) -> Iterator[tuple[Ramp, Situation]]:
    """Those of many, without a lock: a fixed number of queries for each environment, and one for a ramp that minds
    alerts.
    """
    found = list(ramps)
    around = {row.pk: _around(row, now=now) for row in {ramp.environment for ramp in found}}
    rows = flags.selectors.states().filter(flag__in={ramp.flag_id for ramp in found}).order_by()
    states = {(state.flag_id, state.environment_id): state for state in rows}
    for ramp in found:
        state = states.get((ramp.flag_id, ramp.environment_id))
        if state is not None:
            yield ramp, _situation(ramp, list(ramp.steps.all()), state, around[ramp.environment_id])


def left_by(ramp: Ramp, steps: Iterable[RampStep]) -> FlagFacts:
    """The flag as the ramp last left it: as its last taken step set it, or as the ramp found it."""
    last = last_taken(steps)
    return FlagFacts(ramp.base_enabled, ramp.base_percentage) if last is None else FlagFacts(True, last.percentage)


def _situation(ramp: Ramp, steps: Sequence[RampStep], state: FlagState, around: Around) -> Situation:
    return Situation(
        state=RampState(ramp.state),
        steps=[_fact(step) for step in steps],
        position=ramp.position,
        left=left_by(ramp, steps),
        soaking_since=ramp.soaking_since,
        flag=FlagFacts(state.enabled, state.percentage, _halted(state), state.allow_count),
        watches=around.watches(ramp.flag.key),
        guard_seen_at=around.guard_seen_at,
        frozen=around.frozen,
        blocked=around.blocked.get(ramp.flag_id, ""),
        lacks=interlocks.obstacle(ramp.flag.key, ramp.environment.key),
        hours=stored(ramp.hours),
        alarm=_alarm(ramp) if level_of(ramp, last_taken(steps)).calm else "",
        risk=around.risk,
    )


def _around(environment: Environment, *, now: datetime, flag: str | None = None) -> Around:
    """Of the environment, or of what concerns one flag in it."""
    blocks = Block.objects.filter(environment=environment)
    common, own = monitoring.selectors.verdicts_in(environment.key, flag)
    frozen = freezes.holding(environment.pk, now=now)
    return Around(
        guard_seen_at=heartbeats.last().get("guard"),
        frozen=frozen.sentence if frozen else "",
        risk=_risk(environment.key, now=now),
        blocked=dict((blocks.filter(flag__key=flag) if flag else blocks).values_list("flag_id", "why")),
        common=common,
        own=own,
    )


def _risk(environment: str, *, now: datetime) -> str:
    """The level of the risk that alarms people (seed: triggerRiskAlert), while it is news; else empty."""
    found = risk.selectors.latest(environment)
    fresh = found is not None and now - found.at <= RISK_FRESH
    return found.level if found and fresh and found.level in (RiskLevel.HIGH, RiskLevel.CRITICAL) else ""


def _alarm(ramp: Ramp) -> str:
    """The alert that names the flag and fires here, by its labels; empty when there is none."""
    named = Q(labels__flag=ramp.flag.key) | Q(labels__feature=ramp.flag.key)
    found = alerting.selectors.firing(ramp.environment.key).filter(named).first()
    return found.name if found else ""


def _watch(fact: TriggerFact) -> Watch:
    return Watch(
        trigger=fact.trigger,
        verdict=fact.verdict,
        judged_until=fact.judged_until,
        passing_since=fact.passing_since,
        max_window=timedelta(seconds=fact.max_window),
        latched=fact.latched,
    )


def _halted(state: FlagState) -> str:
    if state.disabled_at is None:
        return ""
    return f"{state.disabled_reason} ({state.rollback_id or 'emergency disable'}, by {state.disabled_by})"


def _fact(step: RampStep) -> Step:
    return Step(
        position=step.position,
        percentage=Decimal(step.percentage),
        due_at=step.due_at,
        soak=timedelta(seconds=step.soak),
        allow_list_only=step.allow_list_only,
        taken_at=step.taken_at,
    )

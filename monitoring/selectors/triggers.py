"""Reads of triggers: what they say now, and what they judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, Min, Q, QuerySet, Sum

from core.errors import NotFound
from monitoring.domain.measures.rule import CANARY_ALPHA
from monitoring.domain.verdict import Action, Measure, Target, TriggerState, Verdict
from monitoring.models import Judgement, Trigger
from monitoring.selectors.slots import slot


@dataclass(frozen=True, slots=True)
class TriggerFact:
    """What one trigger says now. `value` and `detail` belong to the last window; `max_window` is in seconds.

    `threshold` is what the value is compared with: for a canary how strong its evidence must be, 1 / alpha.

    `judged_until` is where the last window ended: what came after it has not been looked at yet.
    `passing_since` is the start of the time through which every judged window passed.
    """

    trigger: str
    name: str
    verdict: Verdict
    judged_at: datetime | None
    judged_until: datetime | None
    passing_since: datetime | None
    value: float | None
    threshold: float
    measure: Measure
    max_window: int
    state: TriggerState
    detail: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    observe: bool = False

    @property
    def distance(self) -> float | None:
        """How near the value is to the threshold: 0 is far, 1 is at it, above it breaches; None: no value.

        Evidence of a canary grows by multiplying, so its distance is one of logarithms.
        """
        if self.value is None:
            return None
        if self.measure is Measure.CANARY:
            return max(0.0, math.log(max(self.value, 1.0)) / math.log(self.threshold))
        if not self.threshold:
            return 0.0 if self.value <= 0 else 1.0 + self.value
        return max(0.0, self.value / self.threshold)

    @property
    def latched(self) -> bool:
        return self.state is TriggerState.LATCHED


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgements of one step of a chart: `at` and `since` are the unix seconds at which the step and the first
    of its windows begin. `value` is None when no window of it could be computed.
    """

    at: int
    since: int
    value: float | None
    threshold: float
    samples: int


def verdicts_for(flag_key: str, environment: str) -> list[TriggerFact]:
    """Every enabled trigger that guards the flag here: its own, and those that roll back the last raised flag.

    Not those that only observe: they are being tried out, and hold nothing up.
    """
    return [fact(trigger) for trigger in guarding(flag_key, environment)]


def verdicts_in(
    environment: str, flag_key: str | None = None
) -> tuple[list[TriggerFact], dict[str, list[TriggerFact]]]:
    """The same of every flag there, or of one: what guards whatever was raised last, and by flag its own. One query."""
    rows = triggers(environment).filter(target__in=[Target.FLAG.value, Target.LAST_RAISED.value])
    rows = rows.filter(enabled=True, observe=False) if flag_key is None else guarding(flag_key, environment)
    common: list[TriggerFact] = []
    own: dict[str, list[TriggerFact]] = {}
    for row in rows:
        (common if row.target == Target.LAST_RAISED.value else own.setdefault(row.flag_key, [])).append(fact(row))
    return common, own


def guarding(flag_key: str, environment: str) -> QuerySet[Trigger]:
    """The rows that `verdicts_for` tells of."""
    concerned = Q(target=Target.FLAG.value, flag_key=flag_key) | Q(target=Target.LAST_RAISED.value)
    return triggers(environment).filter(concerned, enabled=True, observe=False)


def triggers(environment: str | None = None) -> QuerySet[Trigger]:
    """All triggers with their environment, in the order of environments and keys."""
    found = Trigger.objects.select_related("environment").order_by("environment__position", "key")
    return found if environment is None else found.filter(environment__key=environment)


def trigger(key: str, environment: str) -> Trigger:
    """One trigger, or NotFound."""
    found = triggers(environment).filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no trigger {key!r} in environment {environment!r}.")
    return found


def trigger_by_id(trigger_id: int) -> Trigger:
    """One trigger, or NotFound."""
    found = triggers().filter(pk=trigger_id).first()
    if found is None:
        raise NotFound(f"There is no trigger {trigger_id}.")
    return found


def latched(environment: str | None = None) -> QuerySet[Trigger]:
    """The triggers that have fired and wait for a person to re-arm them, newest first."""
    return triggers(environment).filter(state=TriggerState.LATCHED.value).order_by("-latched_at")


def judgements(trigger_id: int) -> QuerySet[Judgement]:
    """The judged windows of one trigger, newest first."""
    return Judgement.objects.filter(trigger_id=trigger_id).order_by("-window_end")


def judged(trigger_id: int, *, start: int, end: int, step: int) -> list[Judged]:
    """What the guard saw from one step to the next, oldest first: the worst value, never an average of it.

    `start` and `end` are unix seconds of the windows' ends, end excluded. One query.
    """
    found = Judgement.objects.filter(trigger_id=trigger_id, window_end__gte=start, window_end__lt=end)
    rows = (
        found.annotate(slot=slot("window_end", step))
        .values("slot")
        .annotate(since=Min("window_start"), worst=Max("value"), limit=Max("threshold"), seen=Sum("samples"))
        .order_by("slot")
    )
    return [Judged(row["slot"], row["since"], row["worst"], row["limit"], row["seen"]) for row in rows]


def fact(row: Trigger) -> TriggerFact:
    return TriggerFact(
        trigger=row.key,
        name=row.name,
        verdict=Verdict(row.verdict),
        judged_at=row.judged_at,
        judged_until=datetime.fromtimestamp(row.judged_until, UTC) if row.judged_until else None,
        passing_since=row.passing_since,
        value=row.value,
        threshold=limit(row),
        measure=Measure(row.measure),
        max_window=row.max_window,
        state=TriggerState(row.state),
        detail=row.detail,
        actions=tuple(Action(action) for action in row.actions),
        observe=row.observe,
    )


def limit(row: Trigger) -> float:
    """What the values of a trigger are compared with (`monitoring.domain.measures.rule.Rule.limit`)."""
    return 1 / (row.alpha or CANARY_ALPHA) if row.measure == Measure.CANARY else row.threshold

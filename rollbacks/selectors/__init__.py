"""Reads of the rollbacks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

import alerting.selectors
import monitoring.selectors
from core import emergencies
from core.errors import NotFound
from monitoring.domain.verdict import TriggerState
from rollbacks.domain import deciding
from rollbacks.domain.plan import PAST
from rollbacks.domain.states import UNDER_WAY, Component, RollbackState, StepKind, StepState
from rollbacks.models import Application, Rollback, RollbackStep


def rollbacks() -> QuerySet[Rollback]:
    """All, newest first, with environment and flag; their steps in one more query."""
    found = Rollback.objects.select_related("environment", "flag").prefetch_related("steps")
    return found.order_by("-id")


def listed(*, environment: str | None = None, state: RollbackState | None = None) -> QuerySet[Rollback]:
    """Rollbacks that fit, newest first."""
    found = rollbacks() if environment is None else rollbacks().filter(environment__key=environment)
    return found if state is None else found.filter(state=state.value)


def get(public_id: str, *, environment: str | None = None) -> Rollback:
    """One rollback, or NotFound; also when it is in another environment than the one that is asked for."""
    found = rollbacks().filter(public_id=public_id).first()
    if found is None or environment not in (None, found.environment.key):
        raise NotFound(f"There is no rollback {public_id}{f' in {environment}' if environment else ''}.")
    return found


def by_pk(pk: int) -> Rollback:
    """One rollback by its number, or NotFound."""
    found = rollbacks().filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no rollback {pk}.")
    return found


def requested() -> QuerySet[Rollback]:
    """Those that wait for a word, oldest first."""
    return rollbacks().filter(state=RollbackState.REQUESTED.value).order_by("id")


def running_ids() -> list[int]:
    """Those that a worker goes on with, oldest first."""
    return list(Rollback.objects.filter(state=RollbackState.RUNNING.value).order_by("id").values_list("pk", flat=True))


def under_way(environment_id: int) -> Rollback | None:
    """The one rollback that is being done there, or has stopped on the way."""
    return Rollback.objects.filter(environment_id=environment_id, state__in=UNDER_WAY).first()


def twin(environment_id: int, component: Component, flag: str) -> Rollback | None:
    """One that waits already for the same."""
    same = Q(flag__key=flag) if flag else Q(flag=None)
    waiting = Rollback.objects.filter(environment_id=environment_id, state=RollbackState.REQUESTED.value)
    return waiting.filter(same, component=component.value).first()


def next_step(rollback_id: int, *, now: datetime) -> RollbackStep | None:
    """The step that can be taken now: the first that is not over, unless somebody works at it."""
    over = (StepState.DONE.value, StepState.SKIPPED.value)
    found = RollbackStep.objects.filter(rollback_id=rollback_id).exclude(state__in=over).order_by("position").first()
    return found if found is not None and is_free(found, now=now) else None


def is_free(step: RollbackStep, *, now: datetime) -> bool:
    """Nobody works at it: it waits, or who worked at it is gone."""
    lost = step.state == StepState.RUNNING and (step.lease_until is None or step.lease_until <= now)
    return step.state == StepState.PENDING or lost


def failed_step(rollback: Rollback) -> RollbackStep | None:
    """The step at which it has stopped."""
    return rollback.steps.filter(state=StepState.FAILED.value).first()


def undecided(person: str, *, now: datetime) -> QuerySet[Rollback, list[str]]:
    """Who contributed to each rollback that waits for a word; `person` could confirm those without them."""
    asked = Rollback.objects.filter(state=RollbackState.REQUESTED.value, expires_at__gt=now)
    return asked.values_list("contributors", flat=True)


def waiting(*, now: datetime) -> QuerySet[Rollback]:
    """The rollbacks that wait for a word, and those that have stopped and wait for anybody, without their steps."""
    asked = Q(state=RollbackState.REQUESTED.value, expires_at__gt=now)
    found = rollbacks().filter(asked | Q(state=RollbackState.STOPPED.value))
    return found.prefetch_related(None).order_by("id")


def for_person(found: Iterable[Rollback], person: str) -> list[Rollback]:
    """Of those that wait, what this person could confirm, after those that have stopped."""
    rows = list(found)
    stopped = [row for row in rows if row.state == RollbackState.STOPPED]
    return [*stopped, *(row for row in rows if row not in stopped and person not in row.contributors)]


def lane(environment: str, *, person: str) -> str:
    """Why the emergency lane of the environment is open for a person, in a sentence; empty: it is closed.

    An emergency that is one only by this person's word does not open it.
    """
    fired = monitoring.selectors.triggers(environment).filter(state=TriggerState.LATCHED.value)
    critical = alerting.selectors.firing(environment).filter(severity="critical")
    names = dict.fromkeys(critical.values_list("name", flat=True)[:20])
    others = emergencies.found(environment, person=person)
    return deciding.lane(triggers=[row.name for row in fired], alerts=list(names), others=others)


def past(environment_id: int, component: str) -> list[timedelta]:
    """How long the last rollbacks of this kind took there, from their confirmation, newest first."""
    done = Rollback.objects.filter(environment_id=environment_id, component=component, state=RollbackState.DONE.value)
    times = done.order_by("-id").values_list("confirmed_at", "closed_at")[:PAST]
    return [ended - began for began, ended in times if began is not None and ended is not None]


def left_templates(environment_id: int) -> set[str]:
    """The pod templates that earlier rollbacks went away from: nothing to go back to."""
    steps = RollbackStep.objects.filter(
        rollback__environment_id=environment_id, kind=StepKind.APPLICATION.value, state=StepState.DONE.value
    )
    return {what["template"] for what in steps.values_list("what", flat=True) if what.get("template")}


def applications() -> QuerySet[Application]:
    return Application.objects.select_related("environment").order_by("environment__position")


def application(environment: str) -> Application | None:
    """Where nctool runs there; None when nobody has said."""
    return applications().filter(environment__key=environment).first()

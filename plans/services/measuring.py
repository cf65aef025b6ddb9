"""What a machine can find out ticks itself, and unticks itself when it is no longer so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

import flags.selectors
import migrations_app.selectors
import rollouts.selectors
from alerting import selectors as alerting
from alerting.domain.states import Health
from core import heartbeats
from core.actors import Actor, ActorKind
from core.errors import DomainError
from migrations_app.services import readiness
from monitoring.domain.windows import horizon
from monitoring.services import promql
from plans.domain.check import Check, CheckKind, Finding
from plans.domain.gate import GUARD_SILENCE
from plans.domain.states import ChecklistKind, ItemState, PhaseState, PlanState
from plans.models import Item, Plan
from plans.services import items
from plans.services.locking import hold_item
from rollouts.adapters.validation_http import Requests, Unreachable
from rollouts.domain.states import RampState
from rollouts.domain.validation_regression import errors_steady, times_steady
from rollouts.selectors.validation import validations
from rollouts.services.validation_performance import measured

log = logging.getLogger(__name__)
MACHINE = Actor("plans", ActorKind.MACHINE)
DAY, HOUR, MINUTE = timedelta(days=1), 3600, timedelta(minutes=1)
SHOWN = 5
ANSWERS_WITHIN = 3  # seconds; all items are looked at in turn, every 15 s


@dataclass(frozen=True, slots=True)
class Place:
    """Where and since when a check is about: the environment, and the start of the phase it belongs to, or of the plan.

    `part` is which of the two, in words.
    """

    environment: str
    environment_id: int
    since: datetime
    part: str = "phase"


def measure_all(*, now: datetime) -> int:
    """Look at every measured item of running plans that is open; how many changed. One that fails keeps no other."""
    changed = 0
    rows = Item.objects.select_related("checklist__plan__environment", "checklist__phase").exclude(check_of={})
    rows = rows.filter(checklist__plan__state=PlanState.RUNNING.value, checklist__opens_at__lte=now)
    for item in rows.exclude(state=ItemState.SKIPPED.value).order_by("pk"):
        if _is_due(item, now=now):
            try:
                changed += _measure(item, now=now)
            except Exception:
                log.exception("item %s", item.pk)
    return changed


def find(check: Check, place: Place, *, now: datetime) -> Finding:
    """What the check finds there now."""
    try:
        return _FINDERS[check.kind](check.value, place, now)
    except DomainError as error:
        return Finding(None, f"It cannot be said: {error}")


def _is_due(item: Item, *, now: datetime) -> bool:
    """What belongs to a phase is measured while the phase is active: before it there is nothing to compare with.

    A list that has to be done before a phase is measured until the phase is over. Others are asked once a minute.
    """
    checklist = item.checklist
    if CheckKind.REACHABLE.value in item.check_of and item.measured_at and now - item.measured_at < MINUTE:
        return False
    if checklist.phase is None or checklist.phase.state == PhaseState.ACTIVE.value:
        return True
    return checklist.kind == ChecklistKind.BEFORE and checklist.phase.state == PhaseState.WAITING.value


def _measure(item: Item, *, now: datetime) -> bool:
    plan: Plan = item.checklist.plan
    phase = item.checklist.phase
    begun, part = (phase.started_at, "phase") if phase and phase.started_at else (plan.started_at, "plan")
    place = Place(plan.environment.key, plan.environment_id, begun, part)
    found = find(Check.read(item.check_of), place, now=now)
    if found.state.value == item.state:
        Item.objects.filter(pk=item.pk, version=item.version).update(
            why=found.why, evidence=dict(found.evidence), measured_at=now
        )
        return False
    with transaction.atomic():
        held = hold_item(item.pk)
        if held.version != item.version:
            return False  # somebody was faster: the next look is about that
        held.evidence, held.measured_at = dict(found.evidence), now
        items.change(held, found.state, found.why, by=MACHINE, now=now)
    return True


def _rule(expr: str, place: Place, now: datetime) -> Finding:
    ok, elements = promql.holds(place.environment, expr, at=horizon(now.timestamp()))
    if ok is None:
        return Finding(None, f"No data: nothing that {expr} reads is measured.")
    shown = {str(dict(one.labels) or "value"): one.value for one in elements[:SHOWN]}
    return Finding(ok, f"{expr} {'holds' if ok else 'does not hold'}.", shown)


def _steady(what: str, place: Place, now: datetime) -> Finding:
    begin, end = int(place.since.timestamp()), int(now.timestamp()) - 20
    present = measured(place.environment_id, "the last hour", max(begin, end - HOUR), end)
    before = measured(place.environment_id, f"the hour before the {place.part}", begin - HOUR, begin)
    for period in (before, present):
        if not period.enough:
            why = f"Too little was measured in {period.label}: {period.operations:,.0f} operations."
            return Finding(None, why)
    result = (errors_steady if what == "errorRate" else times_steady)(present, before)
    return Finding(result.success, result.summary, {each.name: each.value for each in result.evidence})


def _validation(check: str, place: Place, now: datetime) -> Finding:
    rows = validations(place.environment).exclude(finished_at=None)
    since = max(now - DAY, place.since)
    run = rows.filter(finished_at__gte=since).first()
    if run is None:
        return Finding(None, f"No validation since {since:%Y-%m-%d %H:%M} UTC: run one.")
    result = run.results.get(check) or {}
    success = result.get("success", False)  # None: there was nothing to look at, so nothing was shown
    return Finding(success, str(result.get("summary") or "It was not made."), {"validation": run.pk})


def _ramp(key: str, place: Place, now: datetime) -> Finding:
    rows = rollouts.selectors.ramps().filter(template_key=key, environment=place.environment_id)
    ramp = rows.filter(starts_at__gte=place.since).first()
    if ramp is None:
        return Finding(False, f"The ramp {key} was not started here.")
    return Finding(ramp.state == RampState.COMPLETED.value, f"It is {ramp.state.replace('_', ' ')}.", {"ramp": ramp.pk})


def _migration(what: str, place: Place, now: datetime) -> Finding:
    number, _, title = what.partition(": ")
    run = migrations_app.selectors.applied(place.environment, number)
    if run is None:
        return Finding(False, f"Migration {number} is not applied here.")
    if not title:
        return Finding(True, f"Run {run.uid} applied it, and its validation passed.", {"run": run.uid})
    check = run.after.get("checks", {}).get(title)
    if check is None:
        return Finding(None, f"Run {run.uid} made no validation {title!r}.")
    return Finding(bool(check["ok"]), f"{title}: {check.get('told', '')}", {"run": run.uid})


def _readiness(name: str, place: Place, now: datetime) -> Finding:
    found = readiness.lately(place.environment, now=now).check(name)
    ok = {"ok": True, "waived": True, "red": False}.get(found.standing.value)
    return Finding(ok, f"{found.title}: {found.why}", {"value": found.value, "limit": found.limit})


def _flag(key: str, place: Place, now: datetime) -> Finding:
    state = flags.selectors.state(key, place.environment)
    why = f"It stands at {state.percentage.normalize():f} %." if state.enabled else "It is off."
    return Finding(state.enabled and state.percentage == 100, why, {"version": state.version})


def _reachable(url: str, place: Place, now: datetime) -> Finding:
    """Any answer that is no error shows that it is there, also one that leads to a login."""
    with closing(Requests()) as http:
        try:
            status = http.get(url, timeout=ANSWERS_WITHIN).status
        except Unreachable as error:
            return Finding(False, f"{error}")
    return Finding(status < 400, f"{url} answers with {status}.", {"status": status})


def _watched(_: str, place: Place, now: datetime) -> Finding:
    seen = heartbeats.last().get("guard")
    if seen is None or now - seen > GUARD_SILENCE:
        return Finding(False, "The guard has not judged for a minute.")
    rules = [row.health for row in alerting.rules(place.environment).filter(enabled=True)]
    broken = sum(health == Health.ERROR.value for health in rules)
    if not rules or broken:
        return Finding(
            False, f"{broken} of {len(rules)} alert rules cannot be evaluated." if rules else "No alert rules."
        )
    if all(health != Health.OK.value for health in rules):
        return Finding(None, "No alert rule has data.")
    return Finding(True, f"The guard judges, and {len(rules)} alert rules are evaluated.")


_FINDERS: dict[CheckKind, Callable[[str, Place, datetime], Finding]] = {
    CheckKind.RULE: _rule,
    CheckKind.STEADY: _steady,
    CheckKind.VALIDATION: _validation,
    CheckKind.RAMP: _ramp,
    CheckKind.MIGRATION: _migration,
    CheckKind.READINESS: _readiness,
    CheckKind.FLAG: _flag,
    CheckKind.REACHABLE: _reachable,
    CheckKind.WATCHED: _watched,
}

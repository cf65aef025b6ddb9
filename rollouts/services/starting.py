"""Start a ramp of the playbook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.asking import Change
from core.errors import Conflict, Invalid
from flags.domain.bucketing import Bucketing
from flags.domain.change import check_reason, read_percentage
from flags.domain.permit import Permit
from flags.domain.rules import ChangeKind
from flags.services import gate
from flags.services import locking as flag_locking
from rollouts import selectors
from rollouts.domain.hours import Hours, read
from rollouts.domain.levels import soaks
from rollouts.domain.schedule import LONGEST, check_seconds, due_times, gaps_of
from rollouts.domain.situation import percent
from rollouts.domain.states import LIVE, RampState
from rollouts.domain.template import RampStepSpec
from rollouts.models import Ramp, RampStep
from rollouts.services.locking import picture

if TYPE_CHECKING:
    from core.models import Environment
    from flags.models import FlagState
    from rollouts.models import RampTemplate


@transaction.atomic
def start(
    template_key: str,
    environment: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    starts_at: datetime | None = None,
    pace: int | None = None,
    soak: int | None = None,
    hours: Mapping[str, Any] | None = None,
    permit: Permit | None = None,
) -> Ramp:
    """Start a ramp with its own copy of the playbook's steps; the clock takes the first one when it is due.

    Args:
        starts_at: when the first step is due, not in the past; `now` when not given.
        pace, soak: seconds between two steps (1 or more) and of PASS before each (0 or more), not the playbook's.
        hours: when steps may be taken (`rollouts.domain.hours.read`), in place of the playbook's; empty is any time.
        permit: the request that approved the ramp as a whole.

    Raises:
        ApprovalNeeded: what the environment's rules say of a ramp, and of what it leads to.
        Conflict: the flag has a live ramp here, is halted, or stands above the ramp's first step already.
        Invalid: times out of range, hours that are none, a percentage between the flag's steps, no reason.
    """
    template = selectors.template(template_key)
    state = flag_locking.hold(template.flag.key, environment)
    reason, specs = check_reason(reason, protected=state.environment.protected), specs_of(template)
    when = hours_of(template, state.environment, hours)
    pace, soak = check_seconds(pace, field="pace", least=1), check_seconds(soak, field="soak", least=0)
    gaps = gaps_of([spec.offset_seconds for spec in specs], pace=pace)
    times = due_times(gaps, first=_first(starts_at or now, now=now), hours=when)
    _check(template, specs, state)
    chosen = {"starts_at": starts_at and starts_at.isoformat(), "pace": pace, "soak": soak, "hours": hours}
    _gate(specs, state, Change("ramp.start", state.flag.key, {"template": template.key, **chosen}), permit, now)
    ramp = _create(template, state, specs, starts_at=times[0], hours=when, actor=actor, now=now, permit=permit)
    _copy_steps(ramp, specs, zip(times, gaps, soaks(specs, ramp.levels, soak), strict=True))
    _tell(ramp, specs, times, actor=actor, reason=reason, now=now)
    return ramp


def specs_of(template: RampTemplate) -> list[RampStepSpec]:
    """The steps as the playbook has them."""
    return [RampStepSpec.from_dict(step) for step in template.steps]


def read_time(text: str | None) -> datetime | None:
    """ISO 8601 with an offset, as the doors receive a start; Invalid for anything else."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid(f"{text!r} is no time with its zone: write it as 2025-09-01T09:00Z.", field="starts_at")
    return found


def _gate(
    specs: Sequence[RampStepSpec], state: FlagState, change: Change, permit: Permit | None, now: datetime
) -> None:
    """What the ramp does in the end is judged at its start; then its steps need no word of their own.

    A freeze forbids no start: the steps wait for its end.
    """
    before = flag_locking.picture(state)
    patch: dict[str, Any] = {}
    for spec in specs:
        patch |= spec.parameters
    after = {
        **before,
        "enabled": True,
        "percentage": float(max(spec.percentage for spec in specs)),
        "parameters": {**state.parameters, **patch},
    }
    gate.judge(state, before, after, change, permit=permit, now=now, kind=ChangeKind.RAMP)


def hours_of(template: RampTemplate, environment: Environment, hours: Mapping[str, Any] | None) -> Hours | None:
    """When a ramp of the template takes its steps there: by `hours` when given, else by the playbook.

    Hours without a zone are those of the environment's people. Raises Invalid.
    """
    zone = environment.zone or timezone.get_default_timezone_name()
    return read(template.hours if hours is None else hours, zone=zone)


def _levels(specs: Sequence[RampStepSpec]) -> dict[str, dict[str, Any]]:
    """What the levels of these steps ask for now: the ramp keeps it."""
    used = {spec.monitoring.value for spec in specs}
    return {key: values for key, values in selectors.levels().items() if key in used}


def _first(at: datetime, *, now: datetime) -> datetime:
    if not now <= at <= now + timedelta(seconds=LONGEST):
        raise Invalid("A ramp starts now or within a year, not in the past.", field="starts_at")
    return at


def _create(
    template: RampTemplate,
    state: FlagState,
    specs: Sequence[RampStepSpec],
    *,
    starts_at: datetime,
    hours: Hours | None,
    actor: Actor,
    now: datetime,
    permit: Permit | None,
) -> Ramp:
    return Ramp.objects.create(
        template_key=template.key,
        name=template.name,
        flag=template.flag,
        environment=state.environment,
        state=(RampState.PLANNED if starts_at > now else RampState.RUNNING).value,
        starts_at=starts_at,
        started_by=actor.name,
        request=permit.number if permit else None,
        base_enabled=state.enabled,
        base_percentage=state.percentage,
        soaking_since=now,
        hours=hours.to_dict() if hours else {},
        levels=_levels(specs),
        followed_event=selectors.last_event_of(template.flag.key, state.environment_id),
    )


def _check(template: RampTemplate, specs: Sequence[RampStepSpec], state: FlagState) -> None:
    """Refuse what the clock could not do later."""
    key, where = state.flag.key, state.environment.key
    other = Ramp.objects.filter(flag=state.flag, environment=state.environment, state__in=LIVE).first()
    if other is not None:
        raise Conflict(f"{key} in {where} has a ramp that is {other.state} already: {other.name} (ramp {other.pk}).")
    if state.disabled_at is not None:
        raise Conflict(
            f"{key} in {where} was switched off in an emergency ({state.disabled_reason}). "
            "Enable it first, so that somebody has said that it may be used again; then start the ramp."
        )
    for spec in specs:
        read_percentage(spec.percentage, Bucketing(state.flag.bucketing))
    lowest = Decimal(specs[0].percentage)
    if state.enabled and lowest < state.percentage:
        raise Conflict(
            f"{key} in {where} stands at {percent(state.percentage)} already; {template.name} starts at "
            f"{percent(lowest)}. A ramp never goes back: lower the flag first."
        )


def _copy_steps(ramp: Ramp, specs: Sequence[RampStepSpec], plan: Iterable[tuple[datetime, int, int]]) -> None:
    """`plan` is when each step is due, its gap and its soak."""
    RampStep.objects.bulk_create(
        RampStep(
            ramp=ramp,
            position=position,
            label=spec.label,
            due_at=due_at,
            gap=gap,
            percentage=spec.percentage,
            allow_list_only=spec.allow_list_only,
            parameters=dict(spec.parameters),
            monitoring=spec.monitoring.value,
            soak=soak,
        )
        for position, (spec, (due_at, gap, soak)) in enumerate(zip(specs, plan, strict=True), start=1)
    )


def _tell(
    ramp: Ramp, specs: Sequence[RampStepSpec], times: Sequence[datetime], *, actor: Actor, reason: str, now: datetime
) -> None:
    plan = [
        {"label": spec.label, "percentage": float(spec.percentage), "due_at": due_at.isoformat()}
        for spec, due_at in zip(specs, times, strict=True)
    ]
    events.record(
        "ramp.started",
        subject=f"ramp:{ramp.pk}",
        actor=actor,
        now=now,
        environment_id=ramp.environment_id,
        reason=reason,
        after=picture(ramp),
        data={
            "flag": ramp.flag.key,
            "ramp": ramp.pk,
            "template": ramp.template_key,
            "steps": plan,
            "hours": ramp.hours,
            **({"request": ramp.request} if ramp.request is not None else {}),
        },
    )

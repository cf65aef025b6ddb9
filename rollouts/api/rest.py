"""Ramps over `/api/v1/ramps`: read and steer them in the environment of the token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from flags.api.auth import caller, token_auth
from flags.api.bodies import Body, RequirementOut
from flags.api.paging import Page, cut
from flags.api.times import Moment
from flags.services.tokens import Scope
from rollouts import selectors
from rollouts.domain.hours import WORKING
from rollouts.domain.states import MonitoringLevel, RampState
from rollouts.selectors import StepStatus
from rollouts.selectors.radius import next_radius
from rollouts.services import starting, steering

router = Router(tags=["ramps"], auth=token_auth(Scope.OPERATE))


class HoursIn(Body):
    """When steps may be taken. `to` not after `from`: on the next day. No zone: that of the environment."""

    opens: str = Field(alias="from")
    to: str
    days: list[str] = list(WORKING)
    zone: str = ""


class StartRamp(Body):
    """`pace`, `soak` (seconds, for a rehearsal) and `hours` replace the playbook's. The hours `any` are any time."""

    template: str
    reason: str = ""
    starts_at: Moment | None = None
    pace: int | None = None
    soak: int | None = None
    hours: HoursIn | Literal["any"] | None = None


class Steer(Body):
    """`version` is the one you saw: a request that is sent twice is refused the second time (409), never done twice."""

    reason: str
    version: int


class MoveStep(Steer):
    """`to` is when the next step is due then."""

    to: Moment


class Stop(Body):
    """Stopping needs no version: it is done whatever else has changed."""

    reason: str
    version: int | None = None


class RampStepOut(Schema):
    position: int
    label: str
    status: StepStatus
    due_at: datetime
    percentage: float
    allow_list_only: bool
    parameters: dict[str, Any]
    monitoring: MonitoringLevel
    soak_seconds: int
    taken_at: datetime | None
    taken_by: str
    skipped_at: datetime | None
    skipped_by: str


class RampOut(Schema):
    """`waits_for` says in a sentence why the next step is not taken yet."""

    id: int
    name: str
    template: str
    flag: str
    environment: str
    state: RampState
    version: int
    position: int
    monitoring: MonitoringLevel | None
    waits_for: str
    hold_reason: str
    starts_at: datetime
    hours: dict[str, Any]
    started_by: str
    held_at: datetime | None
    ended_at: datetime | None
    steps: list[RampStepOut]


class RadiusOut(Schema):
    """Of the npubs asked about in the last `days` days, as far as they are kept, whom the next step reaches."""

    sentence: str
    days: int
    seen: int
    counted: int
    kept: int
    having: int
    joining: int
    leaving: int
    then: int
    ruled: bool


class RampNowOut(RampOut):
    """`radius` is null, and `gate` is empty, where no step comes any more."""

    radius: RadiusOut | None
    gate: list[RequirementOut]


class RampRollbackOut(Schema):
    ramp: RampOut
    rollback_id: str


class Filter(Page):
    flag: str | None = None
    state: RampState | None = None


def _shown(view: selectors.RampView) -> RampOut:
    told = view.as_dict()
    return RampOut(**{**told, "monitoring": told["monitoring"] or None})


def _hours(wanted: HoursIn | str | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    return {} if isinstance(wanted, str) else wanted.model_dump(by_alias=True)


def _now(ramp_id: int) -> RampOut:
    return _shown(selectors.timeline(ramp_id, now=timezone.now()))


def _steer(request: HttpRequest, ramp_id: int, body: Steer | Stop, command: Callable[..., Any]) -> Any:
    selectors.get(ramp_id, environment=caller(request).environment)
    return command(ramp_id, actor=caller(request).actor, reason=body.reason, now=timezone.now(), version=body.version)


@router.get("/ramps", response=list[RampOut], summary="Ramps of the token's environment, newest first")
def ramps(request: HttpRequest, response: HttpResponse, wanted: Query[Filter]) -> list[RampOut]:
    """`waits_for` is as of the clock's last look, at most 30 seconds ago; `GET /ramps/{id}` looks now."""
    states = (wanted.state.value,) if wanted.state else ()
    found = selectors.chosen(environment=caller(request).environment, flag=wanted.flag, states=states)
    return [_shown(selectors.seen(ramp)) for ramp in cut(request, response, found, wanted)]


@router.get(
    "/ramps/{ramp_id}", response=RampNowOut, summary="One ramp, what its next step waits for now, and whom it reaches"
)
def ramp(request: HttpRequest, ramp_id: int) -> RampNowOut:
    now = timezone.now()
    view = selectors.timeline(selectors.get(ramp_id, environment=caller(request).environment).pk, now=now)
    radius = next_radius(view, now=now)
    return RampNowOut(
        **_shown(view).dict(),
        radius=RadiusOut(**radius.as_dict()) if radius else None,
        gate=[RequirementOut(**asdict(each)) for each in selectors.gate(ramp_id, now=now)],
    )


@router.post("/ramps", response={201: RampOut}, summary="Start a ramp of the playbook")
def start(request: HttpRequest, body: StartRamp) -> Status[RampOut]:
    started = starting.start(
        body.template,
        caller(request).environment,
        actor=caller(request).actor,
        reason=body.reason,
        now=timezone.now(),
        starts_at=body.starts_at,
        pace=body.pace,
        soak=body.soak,
        hours=_hours(body.hours),
    )
    return Status(201, _now(started.pk))


@router.post("/ramps/{ramp_id}/advance", response=RampOut, summary="Take the next step now, on your word")
def advance(request: HttpRequest, ramp_id: int, body: Steer) -> RampOut:
    _steer(request, ramp_id, body, steering.advance)
    return _now(ramp_id)


@router.post("/ramps/{ramp_id}/hold", response=RampOut, summary="Stop the ramp; the flag keeps its percentage")
def hold(request: HttpRequest, ramp_id: int, body: Stop) -> RampOut:
    _steer(request, ramp_id, body, steering.hold)
    return _now(ramp_id)


@router.post("/ramps/{ramp_id}/resume", response=RampOut, summary="Let the clock go on, from the last step taken")
def resume(request: HttpRequest, ramp_id: int, body: Steer) -> RampOut:
    _steer(request, ramp_id, body, steering.resume)
    return _now(ramp_id)


@router.post("/ramps/{ramp_id}/skip", response=RampOut, summary="Leave out the next step")
def skip(request: HttpRequest, ramp_id: int, body: Steer) -> RampOut:
    _steer(request, ramp_id, body, steering.skip)
    return _now(ramp_id)


@router.post("/ramps/{ramp_id}/move", response=RampOut, summary="Move the next step, and the later ones with it")
def move(request: HttpRequest, ramp_id: int, body: MoveStep) -> RampOut:
    """Into the ramp's hours. Never before the time for which people approved the ramp (409)."""
    _steer(request, ramp_id, body, partial(steering.reschedule, to=body.to))
    return _now(ramp_id)


@router.post("/ramps/{ramp_id}/back", response=RampOut, summary="Give back the last step, and hold the ramp")
def step_back(request: HttpRequest, ramp_id: int, body: Steer) -> RampOut:
    """The flag and its parameters become what they were before the step. Needs no approval, and works in a freeze."""
    _steer(request, ramp_id, body, steering.step_back)
    return _now(ramp_id)


@router.post("/ramps/{ramp_id}/rollback", response=RampRollbackOut, summary="Switch the flag off and end the ramp")
def roll_back(request: HttpRequest, ramp_id: int, body: Stop) -> RampRollbackOut:
    rollback_id = _steer(request, ramp_id, body, steering.roll_back)
    return RampRollbackOut(ramp=_now(ramp_id), rollback_id=rollback_id)

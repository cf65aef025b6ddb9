"""Plans over `/api/v1/plans`: a token starts, steers and ticks in its environment. People approve and waive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import File, Query, Router, Status
from ninja.files import UploadedFile

from core.errors import NotFound
from flags.api.auth import caller, token_auth
from flags.api.paging import cut
from flags.services.tokens import Scope
from plans import selectors
from plans.api import bodies
from plans.models import CommandRun, Item, Phase, Plan
from plans.selectors import shown
from plans.services import attaching, commands, items, phases, plans

router = Router(tags=["plans"], auth=token_auth(Scope.OPERATE))


@router.get("/plans", response=list[bodies.PlanBrief], summary="Plans of the token's environment, newest first")
def listed(request: HttpRequest, response: HttpResponse, wanted: Query[bodies.Filter]) -> list[dict[str, Any]]:
    found = selectors.plans(caller(request).environment)
    if wanted.state:
        found = found.filter(state=wanted.state.value)
    return [shown.brief(row) for row in cut(request, response, found, wanted)]


@router.post("/plans", response={201: bodies.PlanOut}, summary="Start a plan of the playbook")
def start(request: HttpRequest, body: bodies.StartPlan) -> Status[dict[str, Any]]:
    plan = plans.start(body.plan, caller(request).environment, reason=body.reason, **_who(request))
    return Status(201, _now(plan))


@router.get("/plans/{plan_id}", response=bodies.PlanOut, summary="One plan: its phases, their gates, its checklists")
def one(request: HttpRequest, plan_id: int) -> dict[str, Any]:
    return _now(_plan(request, plan_id))


@router.post("/plans/{plan_id}/pause", response=bodies.PlanOut, summary="Let nothing of it start or end")
def pause(request: HttpRequest, plan_id: int, body: bodies.Stop) -> dict[str, Any]:
    return _steer(request, plan_id, body, plans.pause)


@router.post("/plans/{plan_id}/resume", response=bodies.PlanOut, summary="Let it go on")
def resume(request: HttpRequest, plan_id: int, body: bodies.Steer) -> dict[str, Any]:
    return _steer(request, plan_id, body, plans.resume)


@router.post("/plans/{plan_id}/complete", response=bodies.PlanOut, summary="End it: every phase is completed")
def complete(request: HttpRequest, plan_id: int, body: bodies.Steer) -> dict[str, Any]:
    return _steer(request, plan_id, body, plans.complete)


@router.post("/plans/{plan_id}/abort", response=bodies.PlanOut, summary="End it before its time; flags stay")
def abort(request: HttpRequest, plan_id: int, body: bodies.Stop) -> dict[str, Any]:
    return _steer(request, plan_id, body, plans.abort)


@router.post(
    "/plans/{plan_id}/rollback",
    response=bodies.RolledBackOut,
    summary="Switch the features of every phase off, and end the plan",
)
def roll_back(request: HttpRequest, plan_id: int, body: bodies.Stop) -> dict[str, Any]:
    plan = _plan(request, plan_id)
    _, ids = plans.roll_back(plan.pk, reason=body.reason, version=body.version, **_who(request))
    return {"plan": _now(_plan(request, plan_id)), "rollback_ids": ids}


@router.post("/plans/{plan_id}/phases/{key}/start", response=bodies.PlanOut, summary="Start a phase, through its gate")
def start_phase(request: HttpRequest, plan_id: int, key: str, body: bodies.Steer) -> dict[str, Any]:
    return _steer_phase(request, plan_id, key, body, phases.start)


@router.post("/plans/{plan_id}/phases/{key}/complete", response=bodies.PlanOut, summary="Complete a phase")
def complete_phase(request: HttpRequest, plan_id: int, key: str, body: bodies.Steer) -> dict[str, Any]:
    return _steer_phase(request, plan_id, key, body, phases.complete)


@router.post(
    "/plans/{plan_id}/phases/{key}/rollback",
    response=bodies.RolledBackOut,
    summary="Switch the phase's features off at once, whatever its gate says",
)
def roll_back_phase(request: HttpRequest, plan_id: int, key: str, body: bodies.Stop) -> dict[str, Any]:
    phase = _phase(request, plan_id, key)
    ids = phases.roll_back(phase.pk, reason=body.reason, version=body.version, **_who(request))
    return {"plan": _now(_plan(request, plan_id)), "rollback_ids": ids}


@router.get("/plans/{plan_id}/checklists/{key}", response=list[bodies.ItemOut], summary="The items of a checklist")
def checklist(request: HttpRequest, plan_id: int, key: str) -> list[dict[str, Any]]:
    return shown.items(selectors.checklist_of(_plan(request, plan_id), key))


@router.post("/plans/items/{item_id}", response=bodies.ItemOut, summary="Say how an item is")
def mark(request: HttpRequest, item_id: int, body: bodies.Mark) -> dict[str, Any]:
    row = _item(request, item_id)
    items.mark(row.pk, body.state, comment=body.comment, version=body.version, **_who(request))
    return shown.item(selectors.item(row.pk))


@router.post("/plans/items/{item_id}/attachments", response={201: bodies.ItemOut}, summary="Keep a file with an item")
def attach(request: HttpRequest, item_id: int, file: File[UploadedFile]) -> Status[dict[str, Any]]:
    row = _item(request, item_id)
    given = attaching.File(file.name or "", file.read(attaching.MOST_BYTES + 1))
    attaching.attach(row.pk, given, **_who(request))
    return Status(201, shown.item(selectors.item(row.pk)))


@router.post(
    "/plans/items/{item_id}/run", response={202: bodies.CommandRunOut}, summary="Have the command of an item run"
)
def run(request: HttpRequest, item_id: int, body: bodies.Run) -> Status[dict[str, Any]]:
    row = commands.request(
        _item(request, item_id).pk,
        allowed=settings.RUNNER_PROGRAMS,
        reason=body.reason,
        onward=body.onward,
        version=body.version,
        **_who(request),
    )
    return Status(202, shown.run(row))


@router.get("/plans/runs/{run_id}", response=bodies.CommandRunOut, summary="A command that was run, and what it said")
def one_run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    return shown.run(_run(request, run_id))


@router.post("/plans/runs/{run_id}/stop", response=bodies.CommandRunOut, summary="Stop a command")
def stop(request: HttpRequest, run_id: int, body: bodies.Stop) -> dict[str, Any]:
    commands.stop(_run(request, run_id).pk, reason=body.reason, **_who(request))
    return shown.run(selectors.run(run_id))


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": caller(request).actor, "now": timezone.now()}


def _now(plan: Plan) -> dict[str, Any]:
    return shown.shown(plan, now=timezone.now())


def _plan(request: HttpRequest, plan_id: int) -> Plan:
    """The plan, of the token's environment."""
    found = selectors.plans(caller(request).environment).filter(pk=plan_id).first()
    if found is None:
        raise NotFound(f"There is no plan {plan_id} in {caller(request).environment}.")
    return found


def _phase(request: HttpRequest, plan_id: int, key: str) -> Phase:
    return selectors.phase_of(_plan(request, plan_id), key)


def _item(request: HttpRequest, item_id: int) -> Item:
    found = selectors.item(item_id)
    _plan(request, found.checklist.plan_id)
    return found


def _run(request: HttpRequest, run_id: int) -> CommandRun:
    found = selectors.run(run_id)
    _plan(request, found.item.checklist.plan_id)
    return found


def _steer(
    request: HttpRequest, plan_id: int, body: bodies.Steer | bodies.Stop, command: Callable[..., Plan]
) -> dict[str, Any]:
    plan = _plan(request, plan_id)
    command(plan.pk, reason=body.reason, version=body.version, **_who(request))
    return _now(_plan(request, plan_id))


def _steer_phase(
    request: HttpRequest, plan_id: int, key: str, body: bodies.Steer, command: Callable[..., Phase]
) -> dict[str, Any]:
    command(_phase(request, plan_id, key).pk, reason=body.reason, version=body.version, **_who(request))
    return _now(_plan(request, plan_id))

"""Migrations over `/api/v1/migrations` and `/api/v1/migration-runs`: a token asks and steers in its environment.

People approve: a token never does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status

from core.errors import NotFound
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.services.tokens import Scope
from migrations_app import selectors
from migrations_app.adapters import modules
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.states import RunState, Traffic
from migrations_app.models import MigrationRun
from migrations_app.selectors.shown import shown
from migrations_app.services import planning, readiness, requesting, steering, verifying

router = Router(tags=["migrations"], auth=token_auth(Scope.OPERATE))


class AskRun(Body):
    """`canary` in percent, 0 for none; without `phases` those that come before cleanup."""

    migration: str
    reason: str
    phases: list[PhaseName] = []
    canary: int = 0
    traffic: Traffic = Traffic.LIVE


class Back(Body):
    """Without `phases` all that are not taken back yet."""

    reason: str
    phases: list[PhaseName] = []


class Reason(Body):
    reason: str = ""


class Abort(Body):
    """`leave`: end it, and leave what it has changed."""

    reason: str
    leave: bool = False


class Speed(Body):
    percent: int


class Approve(Body):
    digest: str


class Wanted(Schema):
    """What a plan is made for."""

    phases: list[PhaseName] = []
    canary: int = 0
    traffic: Traffic = Traffic.LIVE
    samples: bool = False


class Filter(Page):
    state: RunState | None = None


class MigrationOut(Schema):
    """`applied` is the run that applied its data here, or null; `problems` say why it cannot be run."""

    number: str
    name: str
    description: str
    phases: list[str]
    checksum: str
    problems: list[str]
    applied: str | None


class LogOut(Schema):
    """As the seed keeps it; `duration` in milliseconds."""

    migrationId: str  # noqa: N815 -- the seed's names
    phase: str
    status: str
    startTime: datetime  # noqa: N815
    endTime: datetime | None  # noqa: N815
    duration: int | None
    result: dict[str, Any]
    error: str | None
    rollbackAt: datetime | None  # noqa: N815


class RunOut(Schema):
    """`before` and `after` are what the validations found; `progress` is how far it is.

    `journal_kept_until` is null where there is no journal, or none that goes by itself.
    """

    id: str
    environment: str
    migration: str
    name: str
    direction: str
    of: str | None
    phases: list[str]
    canary: int
    traffic: str
    state: RunState
    wish: str
    speed: int
    reason: str
    plan: dict[str, Any]
    digest: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    journal_kept_until: datetime | None
    progress: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    result: dict[str, Any]
    error: str
    logs: list[LogOut]


@router.get("/migrations", response=list[MigrationOut], summary="The migrations, and which are applied here")
def migrations(request: HttpRequest) -> list[dict[str, Any]]:
    return [_migration(each, caller(request).environment) for each in _loaded().values()]


@router.get("/migrations/{number}/plan", summary="What a run would do, counted now; `samples` shows documents")
def plan(request: HttpRequest, number: str, wanted: Query[Wanted]) -> dict[str, Any]:
    given: dict[str, Any] = {"canary": wanted.canary, "traffic": wanted.traffic.value}
    of = planning.wanted(caller(request).environment, number, [each.value for each in wanted.phases], **given)
    return planning.plan(of, samples=wanted.samples)


@router.get("/migrations/{number}/readiness", summary="Is the database ready for it? Asked now, for seconds")
def ready(request: HttpRequest, number: str) -> dict[str, Any]:
    migration = modules.get(number).migration
    return readiness.look(caller(request).environment, migration, now=timezone.now()).as_dict()


@router.post("/migrations/{number}/verify", summary="Is the data as it says? Reads every document")
def verify(request: HttpRequest, number: str) -> dict[str, Any]:
    found = verifying.verify(caller(request).environment, number)
    verifying.tell_differences(found, actor=caller(request).actor, now=timezone.now())
    return found


@router.get("/migration-runs", response=list[RunOut], summary="Runs of the environment, newest first")
def listed(request: HttpRequest, response: HttpResponse, wanted: Query[Filter]) -> list[dict[str, Any]]:
    found = selectors.runs(caller(request).environment)
    if wanted.state:
        found = found.filter(state=wanted.state.value)
    return [shown(row) for row in cut(request, response, found, wanted)]


@router.post("/migration-runs", response={201: RunOut}, summary="Ask for a run; where protected, a person approves")
def ask(request: HttpRequest, body: AskRun) -> Status[dict[str, Any]]:
    given: dict[str, Any] = {"canary": body.canary, "traffic": body.traffic.value}
    phases = [each.value for each in body.phases]
    wanted = planning.wanted(caller(request).environment, body.migration, phases, **given)
    row = requesting.request(wanted, reason=body.reason, **_who(request))
    return Status(201, shown(selectors.get(row.uid)))


@router.get("/migration-runs/{uid}", response=RunOut, summary="One run, and how far it is")
def one(request: HttpRequest, uid: str) -> dict[str, Any]:
    return shown(_run(request, uid))


@router.post("/migration-runs/{uid}/rollback", response={201: RunOut}, summary="Ask for a run to be taken back")
def rollback(request: HttpRequest, uid: str, body: Back) -> Status[dict[str, Any]]:
    of = _run(request, uid)
    phases = [each.value for each in body.phases]
    row = requesting.request_rollback(of.uid, phases, reason=body.reason, **_who(request))
    return Status(201, shown(selectors.get(row.uid)))


@router.post("/migration-runs/{uid}/approve", response=RunOut, summary="Always refused (403): only people approve")
def approve(request: HttpRequest, uid: str, body: Approve) -> dict[str, Any]:
    requesting.approve(_run(request, uid).uid, digest=body.digest, **_who(request))
    return shown(_run(request, uid))


@router.post("/migration-runs/{uid}/refuse", response=RunOut, summary="Close a request for good")
def refuse(request: HttpRequest, uid: str, body: Reason) -> dict[str, Any]:
    return _steer(request, uid, requesting.refuse, reason=body.reason)


@router.post("/migration-runs/{uid}/pause", response=RunOut, summary="Let it stand still after the batch it is at")
def pause(request: HttpRequest, uid: str, body: Reason) -> dict[str, Any]:
    return _steer(request, uid, steering.pause, reason=body.reason)


@router.post("/migration-runs/{uid}/resume", response=RunOut, summary="Let it go on; after a canary, with the rest")
def resume(request: HttpRequest, uid: str, body: Reason) -> dict[str, Any]:
    return _steer(request, uid, steering.resume, reason=body.reason)


@router.post("/migration-runs/{uid}/abort", response=RunOut, summary="End it, and take back what it did")
def abort(request: HttpRequest, uid: str, body: Abort) -> dict[str, Any]:
    return _steer(request, uid, steering.abort, reason=body.reason, leave=body.leave)


@router.post("/migration-runs/{uid}/speed", response=RunOut, summary="Percent of the time in which it works")
def speed(request: HttpRequest, uid: str, body: Speed) -> dict[str, Any]:
    steering.set_speed(_run(request, uid).uid, body.percent, **_who(request))
    return shown(_run(request, uid))


def _steer(request: HttpRequest, uid: str, command: Callable[..., object], **given: Any) -> dict[str, Any]:
    command(_run(request, uid).uid, **given, **_who(request))
    return shown(_run(request, uid))


def _run(request: HttpRequest, uid: str) -> MigrationRun:
    found = selectors.get(uid)
    if found.environment.key != caller(request).environment:
        raise NotFound(f"There is no migration run {uid}.")
    return found


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": caller(request).actor, "now": timezone.now()}


def _loaded() -> dict[str, modules.Loaded]:
    return modules.load()


def _migration(each: modules.Loaded, environment: str) -> dict[str, Any]:
    migration = each.migration
    run = selectors.applied(environment, migration.number)
    return {
        "number": migration.number,
        "name": migration.name,
        "description": migration.description,
        "phases": [phase.name.value for phase in migration.phases],
        "checksum": each.checksum,
        "problems": each.problems,
        "applied": run.uid if run else None,
    }

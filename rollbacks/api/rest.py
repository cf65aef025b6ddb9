"""Rollbacks over `/api/v1/rollbacks`: a token asks and looks, in its environment. People confirm, signed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status

from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.services.tokens import Scope
from rollbacks import selectors
from rollbacks.domain.revision import RevisionStanding
from rollbacks.domain.states import Component, RollbackState
from rollbacks.selectors.shown import shown
from rollbacks.services import deciding, requesting

router = Router(tags=["rollbacks"], auth=token_auth(Scope.OPERATE))


class AskRollback(Body):
    """`flag` names the flag of a `feature`; the other components have none.

    `revision` is the one that the application goes back to, a number of `GET /revisions`; left out: the proposed one.
    """

    component: Component
    reason: str
    flag: str = ""
    revision: int | None = None
    evidence: str = ""


class Confirm(Body):
    digest: str


class RollbackStepOut(Schema):
    """`state` is planned until the rollback is confirmed."""

    kind: str
    lines: list[str]
    state: str
    tries: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    output: str = ""
    error: str = ""


class RevisionOut(Schema):
    """`created_at` is when its pod template was deployed first; `left`: an earlier rollback went away from it."""

    number: int
    image: str
    created_at: datetime | None
    standing: RevisionStanding


class RollbackOut(Schema):
    """`estimate` is in seconds; `notes` say what the plan leaves out, `replanned` why it was planned anew.

    `chosen` is the revision that was chosen, with its pod template; empty where the proposed one is taken.
    """

    id: str
    environment: str
    component: Component
    flag: str
    chosen: dict[str, Any]
    reason: str
    evidence: dict[str, Any]
    state: RollbackState
    steps: list[RollbackStepOut]
    notes: list[str]
    digest: str
    replanned: str
    risk: str
    risk_reasons: list[str]
    estimate: int
    requested_by: str
    contributors: list[str]
    requested_at: datetime
    expires_at: datetime
    confirmed_by: str
    confirmed_at: datetime | None
    emergency: bool
    closed_by: str
    closed_at: datetime | None
    closed_reason: str
    version: int


class Filter(Page):
    state: RollbackState | None = None


@router.get("/rollbacks", response=list[RollbackOut], summary="Rollbacks of the environment, newest first")
def listed(request: HttpRequest, response: HttpResponse, wanted: Query[Filter]) -> list[dict[str, Any]]:
    found = selectors.listed(environment=caller(request).environment, state=wanted.state)
    return [shown(row) for row in cut(request, response, found, wanted)]


@router.get("/rollbacks/{rollback_id}", response=RollbackOut, summary="One rollback, and how far each step is")
def one(request: HttpRequest, rollback_id: str) -> dict[str, Any]:
    return shown(selectors.get(rollback_id, environment=caller(request).environment))


@router.get("/revisions", response=list[RevisionOut], summary="What the application can go back to, newest first")
def revisions(request: HttpRequest) -> list[dict[str, Any]]:
    return [each.as_dict() for each in requesting.revisions(caller(request).environment)]


@router.post("/rollbacks", response={201: RollbackOut}, summary="Ask for a rollback; a person has to confirm it")
def ask(request: HttpRequest, body: AskRollback) -> Status[dict[str, Any]]:
    row = requesting.request(
        caller(request).environment,
        body.component.value,
        flag=body.flag,
        revision=body.revision,
        reason=body.reason,
        evidence=body.evidence,
        actor=caller(request).actor,
        now=timezone.now(),
    )
    return Status(201, shown(selectors.get(row.public_id)))


@router.post(
    "/rollbacks/{rollback_id}/confirm", response=RollbackOut, summary="Always refused (403): only people confirm"
)
def confirm(request: HttpRequest, rollback_id: str, body: Confirm) -> dict[str, Any]:
    known = selectors.get(rollback_id, environment=caller(request).environment)
    row = deciding.confirm(known.public_id, digest=body.digest, actor=caller(request).actor, now=timezone.now())
    return shown(row)

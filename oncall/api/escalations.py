"""Escalations over `/api/v1/escalations`: a token sees those of its environment, and acknowledges them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema

from core.errors import Conflict
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.services.tokens import Scope
from oncall import selectors
from oncall.domain.running import EscalationState
from oncall.selectors import shown
from oncall.services import escalating

router = Router(tags=["on call"], auth=token_auth(Scope.OPERATE))


class EscalationOut(Schema):
    """`steps` are those of the chain at the start; `position` is the next of them from 0, `due_at` when it is taken."""

    id: int
    subject: str
    title: str
    level: int
    environment: str
    chain: str
    chain_name: str
    steps: list[dict[str, Any]]
    state: EscalationState
    position: int
    round: int
    due_at: datetime | None
    notifications: int
    started_by: str
    started_at: datetime
    reason: str
    acknowledged_by: str
    acknowledged_at: datetime | None
    ended_by: str
    ended_at: datetime | None
    ended_reason: str
    version: int


class Filter(Page):
    live: bool | None = None


class Answer(Body):
    reason: str = ""


@router.get("/escalations", response=list[EscalationOut], summary="Escalations of the environment, newest first")
def escalations(request: HttpRequest, response: HttpResponse, wanted: Query[Filter]) -> list[dict[str, Any]]:
    found = selectors.listed(environment=caller(request).environment, live=wanted.live)
    return [shown.escalation(row) for row in cut(request, response, found, wanted)]


@router.get("/escalations/{pk}", response=EscalationOut, summary="One escalation")
def escalation(request: HttpRequest, pk: int) -> dict[str, Any]:
    return shown.escalation(selectors.escalation(pk, environment=caller(request).environment))


@router.post("/escalations/{pk}/acknowledge", response=EscalationOut, summary="Nobody else is called from now on")
def acknowledge(request: HttpRequest, pk: int, body: Answer) -> dict[str, Any]:
    row = selectors.escalation(pk, environment=caller(request).environment)
    if row.ended_at is not None:
        raise Conflict("This escalation is over already. Nothing was changed.")
    done = escalating.acknowledge(row.subject, reason=body.reason, actor=caller(request).actor, now=timezone.now())
    return shown.escalation(done)
